"""Print the plan: jobs, GPU hours, disk, downloads, and what is missing."""

import shutil
from collections import Counter, defaultdict
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from fgir.data.presence import gigabytes
from fgir.study import COSTS_AS, REGIME_OF, Regime, Study
from fgir.study.catalogue import Archived, Dataset
from fgir.utils.terminal import console
from fgir.utils.words import counted
from fgir.workflow.downloads import files_of_backbones, files_of_datasets
from fgir.workflow.estimate import ASSUMED_GMACS, ASSUMED_PARAMS_M, START_MINUTES
from fgir.workflow.graph import Evaluate
from fgir.workflow.images import ASSUMED_PER_CLASS
from fgir.workflow.plan import Plan, Row

_GB = 1e9
_NAMED = 12
# Partitions of clusters seldom allow more.
_LONG_MINUTES = 7 * 24 * 60
_STAGES_OF = {"train": "train"} | dict.fromkeys(("tune", "tune_frozen"), "search")
_STAGES_OF |= {"end_to_end": "timing", "adapt": "adapt"}
_STAGES = ("search", "train", "evaluate")


def show(plan: Plan) -> None:
    """Print the plan as wide as the terminal; its tables fit 80 columns."""
    terminal = console()
    _jobs(terminal, plan.rows)
    left = [row for row in plan.rows if not row["done"]]
    computing = [row for row in left if row["gpu_hours"]]
    _hours(terminal, plan, computing)
    _longest(terminal, left)
    _disk(terminal, plan)
    _downloads(terminal, plan)
    _assumptions(terminal, plan, computing)


def _table(*headers: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for number, header in enumerate(headers):
        table.add_column(header, justify="left" if number == 0 else "right", no_wrap=number > 0, overflow="fold")
    return table


def _jobs(console: Console, rows: Sequence[Row]) -> None:
    table, done = _table("jobs", "all", "done", "to do"), Counter(row["rule"] for row in rows if row["done"])
    for rule, count in Counter(row["rule"] for row in rows).items():
        table.add_row(rule, f"{count:,}", f"{done[rule]:,}", f"{count - done[rule]:,}")
    table.add_row("total", f"{len(rows):,}", f"{done.total():,}", f"{len(rows) - done.total():,}")
    console.print(table)


def _hours(console: Console, plan: Plan, rows: Sequence[Row]) -> None:
    """Print the hours of ``rows`` by backbone, dataset and setting; minutes where they are few."""
    total = sum(row["gpu_hours"] for row in rows)
    device = plan.study.plan.device or "GPU"
    if total < 1 / 60:
        console.print(f"Less than a {device} minute to do." if rows else f"Nothing is left to do on a {device}.")
        return
    unit, scale = ("hours", 1) if total >= 1 else ("minutes", 60)
    console.print(f"{device} {unit} to do")
    study = plan.study
    # Columns of what few studies ask for: adaptations, and timings from the image files on, which alone have hours.
    some = [stage for stage in ("adapt", "timing") if any(_stage(row) == stage for row in rows)]
    regimes = [*study.regimes, "search", "evaluate", *some]
    # The settings of a regime share all of it.
    settings = {regime: ", ".join(study.settings_of(regime)) for regime in study.regimes}
    for what, names, name, columns, column in (
        ("backbone", study.backbones, lambda row: row["backbone"], regimes, _regime_or_stage),
        ("dataset", study.datasets, lambda row: row["dataset"], regimes, _regime_or_stage),
        ("setting", settings.values(), lambda row: settings[_regime(study, row)], [*_STAGES, *some], _stage),
    ):
        sums: dict[str, Counter[str]] = defaultdict(Counter)
        for row in rows:
            for line in (name(row), "total"):
                sums[line].update({part: row["gpu_hours"] for part in (column(row), "total")})
        table = _table(what, *columns, "total")
        for line in filter(sums.__contains__, [*names, "total"]):
            table.add_row(line, *(_figure(scale * sums[line][part]) for part in [*columns, "total"]))
        console.print(table)


def _regime(study: Study, row: Row) -> Regime:
    """Return the regime of a job; a timing is of all settings that cost the same: the first of the study stands."""
    if "regime" in row:
        regime: Regime = row["regime"]
        return regime
    return REGIME_OF[next(setting for setting in study.settings if COSTS_AS[setting] == row["setting"])]


def _stage(row: Row) -> str:
    return "evaluate" if _evaluates(row["rule"]) else _STAGES_OF[row["rule"]]


def _evaluates(rule: str) -> bool:
    """Say whether a rule evaluates: there is one for single settings, and one for each list of them."""
    return rule.startswith(Evaluate.rule)


def _regime_or_stage(row: Row) -> str:
    return str(row["regime"]) if row["rule"] == "train" else _stage(row)


def _longest(console: Console, left: Sequence[Row]) -> None:
    """Print the longest time limit, and how many are longer than most clusters allow."""
    row = max(left, key=lambda row: row["minutes"], default=None)
    long = sum(row["minutes"] > _LONG_MINUTES for row in left)
    if row and long:
        what = " ".join(str(row[key]) for key in ("rule", "dataset", "backbone", "regime") if row.get(key))
        console.print(
            f"Longest job: {what}, up to {row['minutes'] / 1440:,.0f} days; {counted(long, 'job')} may take over 7. "
            'Where your cluster allows less, a run goes on in several jobs: docs/slurm.md, "Long runs".'
        )


def _disk(console: Console, plan: Plan) -> None:
    entries = plan.study.dataset_entries.values()
    by_rule: Counter[str] = Counter()
    for row in plan.rows:
        by_rule[row["rule"]] += row["disk"]
    archives = _GB * sum(file.gb or 0 for file in files_of_datasets(plan.study))
    images = _GB * sum(entry.disk_gb or 0 for entry in entries)
    largest = max((row["disk"] for row in plan.rows if row["rule"] == "train"), default=0)
    table = _table("disk", "GB")
    for name, size in (
        ("archives", archives),
        ("images, unpacked", images),
        ("pixel stores", by_rule["pixels"] + by_rule["ragged"]),
        ("weights, pretrained", by_rule["weights"]),
        ("runs: trained weights", by_rule["train"]),
        ("evaluations: predictions", sum(size for rule, size in by_rule.items() if _evaluates(rule))),
        ("work: the state of one run, twice with its momentum", 4 * largest),
    ):
        table.add_row(name, _figure(size / _GB))
    features = max((_features(plan, row) for row in plan.rows if row["rule"] == "adapt"), default=0)
    if features:
        table.add_row("work: what a classifier reads of all images, at most", _figure(features / _GB))
    total = features + archives + images + sum(by_rule.values()) + 4 * largest
    table.add_row("total", _figure(total / _GB))
    unknown = [name for name, entry in plan.study.dataset_entries.items() if _has_unknown_size(entry)]
    free = shutil.disk_usage(".").free
    console.print(table)
    if unknown:
        console.print(f"Images not in it, as their size is not known: {', '.join(unknown)}.")
    if total > free:
        console.print(f"This disk has {free / _GB:,.0f} GB left: less than the study may need.")


def _features(plan: Plan, row: Row) -> int:
    """Return the bytes that an adaptation keeps in its work folder while it runs."""
    return plan.estimates.features(row["dataset"], row["regime"], row["adaptation"])


def _has_unknown_size(entry: Dataset) -> bool:
    return isinstance(entry, Archived) and gigabytes(entry) is None


def _downloads(console: Console, plan: Plan) -> None:
    files = [*files_of_datasets(plan.study), *files_of_backbones(plan.estimates)]
    wanted = [file for file in files if not file.there]
    automatic = sum(file.gb or 0 for file in wanted if file.automatic)
    unknown = sum(file.gb is None for file in wanted if file.automatic)
    more = f" and {counted(unknown, 'file')} of unknown size" if unknown else ""
    here = f"{len(files) - len(wanted)} of {counted(len(files), 'file')} here"
    console.print(f"To download: {_figure(automatic) if automatic else 0} GB{more} by itself; {here}.")
    missing = [file for file in wanted if not file.automatic]
    if missing:
        console.print("Only you can fetch (fgir datasets show NAME says how):")
    for file in missing[:_NAMED]:
        size = f", {file.gb:g} GB" if file.gb else ""
        console.print(f"  {file.owner}: {file.path}{size}", soft_wrap=True)
    if len(missing) > _NAMED:
        console.print(f"  and {len(missing) - _NAMED} more")
    absent, owners = {file.owner for file in wanted}, {file.owner for file in missing}
    notes = [
        name
        for name, entry in plan.study.dataset_entries.items()
        if isinstance(entry, Archived) and entry.by_hand and not entry.mirrors and name in absent - owners
    ]
    if notes:
        console.print(f"Fetched by itself, but with something to do by hand (fgir datasets show): {', '.join(notes)}.")


def _assumptions(console: Console, plan: Plan, rows: Sequence[Row]) -> None:
    options, device = plan.study.plan, plan.study.plan.device or "a GPU"
    hours: Counter[str] = Counter()
    for row in rows:
        hours[row["evidence"]] += row["gpu_hours"]
    measured = 100 * hours["measured"] / hours.total() if hours else 0
    origin = (
        f"{measured:.0f} % of the hours follow what trainings and timings of this study took on {device}; the others"
        if measured
        else f"Nothing of this study was measured on {device} yet: all hours"
    )
    console.print(
        f"{origin} assume {options.teramacs:g} x 10^12 multiply-adds a second (plan.teramacs). A job's start is not in "
        f"them. Time limits are {options.margin:g} times as long (plan.margin), and {START_MINUTES} minutes."
    )
    if plan.estimates.measured.passed_over:
        others = ", ".join(sorted(plan.estimates.measured.passed_over))
        console.print(f"Rows measured on {others} do not count, unless plan.device names it.")
    unknown = [name for name in plan.study.backbones if not plan.estimates.knows(name)]
    if unknown:
        assumed = f"{ASSUMED_GMACS:g} GMACs an image and {ASSUMED_PARAMS_M:g} million parameters"
        console.print(f"Assumed {assumed}: {', '.join(unknown)}.")
    uncounted = [name for name in plan.study.datasets if plan.estimates.images(name).origin == "assumed"]
    if uncounted:
        console.print(f"Assumed {ASSUMED_PER_CLASS} images a class: {', '.join(uncounted)}.")


def _figure(value: float) -> str:
    return "–" if not value else f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 0.01 else "<0.01"
