"""The plan in a terminal: jobs, GPU hours, disk, downloads, and what is missing."""

import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from fgir.planning.estimate import ASSUMED_GMACS
from fgir.planning.plan import Plan, Row
from fgir.study import REGIMES

_GB = 1e9
_NAMED = 12


def show(plan: Plan) -> None:
    """Print the plan."""
    console = Console(width=min(100, Console().width) if Console().is_terminal else 100, highlight=False)
    _jobs(console, plan.rows)
    columns = [*(regime for regime in REGIMES if regime in plan.study.regimes), "search", "evaluate"]
    _hours(console, plan, "backbone", columns, lambda row: row["backbone"])
    _hours(console, plan, "dataset", columns, lambda row: row["dataset"])
    _disk(console, plan)
    _downloads(console, plan)
    _assumptions(console, plan)


def _table(*headers: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, header in enumerate(headers):
        table.add_column(header, justify="left" if number == 0 else "right", no_wrap=number > 0, overflow="fold")
    return table


def _jobs(console: Console, rows: Sequence[Row]) -> None:
    table, done = _table("jobs", "all", "done", "to do"), Counter(row["rule"] for row in rows if row["done"])
    for rule, count in Counter(row["rule"] for row in rows).items():
        table.add_row(rule, f"{count:,}", f"{done[rule]:,}", f"{count - done[rule]:,}")
    table.add_row("total", f"{len(rows):,}", f"{done.total():,}", f"{len(rows) - done.total():,}")
    console.print(table)


def _hours(console: Console, plan: Plan, what: str, columns: list[str], key: Callable[[Row], str]) -> None:
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in plan.rows:
        if row["gpu_hours"] and not row["done"]:
            sums[key(row)][_column(row)] += row["gpu_hours"]
            sums["total"][_column(row)] += row["gpu_hours"]
    if not sums:
        return
    table, total = _table(f"GPU hours to do, by {what}", *columns, "total"), sums.pop("total")
    for name, values in [*sums.items(), ("total", total)]:
        figures = [_figure(values[column]) for column in columns]
        table.add_row(name, *figures, _figure(sum(values.values())))
    console.print(table)


def _column(row: Row) -> str:
    return {"tune": "search", "tune_frozen": "search", "evaluate": "evaluate"}.get(row["rule"]) or str(row["regime"])


def _disk(console: Console, plan: Plan) -> None:
    entries = plan.study.dataset_entries.values()
    by_rule: Counter[str] = Counter()
    for row in plan.rows:
        by_rule[row["rule"]] += row["disk"]
    archives = _GB * sum(file["gb"] or 0 for file in plan.downloads())
    images = _GB * sum(entry.disk_gb or 0 for entry in entries)
    largest = max((row["disk"] for row in plan.rows if row["rule"] == "train"), default=0)
    table = _table("disk", "GB")
    for name, size in (
        ("archives", archives),
        ("images, unpacked", images),
        ("pixels, resized", by_rule["pixels"]),
        ("weights, pretrained", by_rule["weights"]),
        ("runs: trained weights", by_rule["train"]),
        ("evaluations: predictions", by_rule["evaluate"]),
        ("work: the state of one run, twice with its momentum", 4 * largest),
    ):
        table.add_row(name, _figure(size / _GB))
    total = archives + images + sum(by_rule.values()) + 4 * largest
    table.add_row("total", _figure(total / _GB))
    free = shutil.disk_usage(".").free
    console.print(table)
    if total > free:
        console.print(f"This disk has {free / _GB:,.0f} GB left: less than the study may need.")


def _downloads(console: Console, plan: Plan) -> None:
    files = plan.downloads()
    wanted = [file for file in files if not file["there"]]
    automatic = sum(file["gb"] or 0 for file in wanted if file["automatic"])
    console.print(
        f"To download: {automatic:,.1f} GB by itself; {len(files) - len(wanted)} of {len(files)} files are here."
    )
    missing = [file for file in wanted if not file["automatic"]]
    if missing:
        console.print("Only you can fetch (fgir datasets show NAME says how):")
    for file in missing[:_NAMED]:
        size = f", {file['gb']:g} GB" if file["gb"] else ""
        console.print(f"  {file['dataset']}: {file['file']}{size}", soft_wrap=True)
    if len(missing) > _NAMED:
        console.print(f"  and {len(missing) - _NAMED} more")


def _assumptions(console: Console, plan: Plan) -> None:
    options = plan.study.plan
    measured = sum(row.get("evidence") == "measured" for row in plan.rows)
    console.print(
        f"Hours assume {options.teramacs:g} x 10^12 multiply-adds a second (plan.teramacs) but for {measured:,} "
        f"trainings, whose like was measured here; time limits are {options.margin:g} times as long (plan.margin)."
    )
    unknown = [name for name in plan.study.backbones if not plan.estimates.knows(name)]
    if unknown:
        console.print(f"Assumed {ASSUMED_GMACS:g} GMACs an image: {', '.join(unknown)}.")


def _figure(value: float) -> str:
    return "–" if not value else f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 0.01 else "<0.01"
