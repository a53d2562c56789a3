"""Find the newest table of a study: the summary, what a failed run left, or what is done so far."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from fgir.report.tables.display import Row
from fgir.results.aggregate import summary_rows
from fgir.results.failures import failures_in
from fgir.results.parquet import read_rows
from fgir.results.published import published_of
from fgir.specs import SummarySpec, parse
from fgir.study import REGIME_OF, address, load_study
from fgir.study.address import PARTIAL_SUMMARY, RUNNING, SUMMARY
from fgir.utils.errors import FgirError
from fgir.utils.words import counted
from fgir.workflow.graph import KINDS, Evaluate, evaluation_rule
from fgir.workflow.specs import Specs

NOT_YET = "not yet"
_NAMED = 5


class Current(NamedTuple):
    """Hold rows of a summary and, where they are not the full one, a line that says so."""

    rows: list[Row]
    note: str | None


def current(summary: Path) -> Current:
    """Read a summary, or in its place the partial one beside it or what a run has done so far, if that is newer.

    A folder stands for the summary in it. FgirError where there is none of them.
    """
    if summary.suffix in (".yaml", ".yml"):
        raise FgirError(f"{summary} is a study and no table; write fgir show --study {shlex.quote(str(summary))}.")
    summary = summary / SUMMARY if summary.is_dir() else summary
    beside = summary.parent
    full_or_partial = [summary, beside / PARTIAL_SUMMARY] if summary.name == SUMMARY else [summary]
    there = sorted((path for path in full_or_partial if path.exists()), key=_time)
    running = beside / RUNNING
    if summary.name == SUMMARY and running.exists() and (not there or _time(there[-1]) < _time(running)):
        return _of_running(running)
    if not there:
        raise FgirError(
            f"{summary} does not exist (yet); run a study: make demo, or see README.md. fgir show --study FILE shows "
            "what is done of one."
        )
    rows = read_rows("summary", there[-1])
    note = None if there[-1] == summary else f"{there[-1]}: what a failed run left, {_done(rows)}."
    return Current(rows, note)


def so_far(spec: SummarySpec, results: Path, published: Path | None, study: str = "STUDY") -> Current:
    """Make the rows of a study from what is there of it; cells of which something is to come are ``not yet``.

    Files that cannot be read are left out, and named with the command that makes them anew from the file ``study``.
    """
    failures, refused = failures_in(results), set[Path]()
    rows = summary_rows(spec.cells(), results, published_of(published), failures, refused)
    blamed = tuple(f"{failure.rule}: " for failure in failures)
    for row in rows:
        if row["status"] == "missing" and not row["error"].startswith(blamed):
            row["status"] = NOT_YET
    note, rules = f"What is done so far: {_done(rows)}.", {_rule(path.relative_to(results), spec) for path in refused}
    return Current(rows, f"{note}\n{_how_to_remake(sorted(refused), study, rules)}" if refused else note)


def of_study(file: str | Path) -> Current:
    """Make the rows of the study in ``file`` from what is there of it, as ``so_far`` does."""
    study = load_study(file)
    published = Path(study.published_file) if study.published_file else None
    return so_far(Specs(study).summary(), Path(study.results), published, str(file))


def mark_running(spec: SummarySpec, published: str | None) -> None:
    """Note in the results folder what the run that starts will make a summary of."""
    path = Path(spec.results, RUNNING)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"spec": spec.model_dump_json(), "published": published}))


def _of_running(running: Path) -> Current:
    try:
        content = json.loads(running.read_text())
        spec, published = parse(SummarySpec, content["spec"]), content["published"]
    except (ValueError, KeyError, TypeError, FgirError):
        raise FgirError(f"{running} is damaged; delete it.") from None
    file = Path(published) if published else None
    return so_far(spec, running.parent, file if file and file.exists() else None)


def _how_to_remake(refused: Sequence[Path], study: str, rules: set[str]) -> str:
    """Return which files are left out, and the command that makes them anew: of many, all that their rules make."""
    what = counted(len(refused), "file")
    lines = [f"Left out: {what} that cannot be read, damaged or made by another version of the suite."]
    command = f"--profile profiles/local --configfile {shlex.quote(study)}"
    if len(refused) <= _NAMED:
        lines += [
            "To make anew:",
            " \\\n    ".join([f"  snakemake {command} --force", *map(shlex.quote, map(str, refused))]),
        ]
    else:
        lines += [*(f"  {path}" for path in refused[:_NAMED]), f"  and {len(refused) - _NAMED:,} more"]
        lines += ["To make anew, with all that these rules make:"]
        lines += [f"  snakemake all {command} \\\n    --forcerun {' '.join(sorted(rules))}"]
    return "\n".join(lines)


def _rule(path: Path, spec: SummarySpec) -> str:
    """Return the rule that makes a file below a study's results."""
    made = (
        (kind, address.identity(file, path.as_posix()))
        for line in KINDS
        for kind in line
        for file in kind.outputs.values()
    )
    kind, names = next((kind, names) for kind, names in made if names)
    if not issubclass(kind, Evaluate):
        return kind.rule
    of_regime = [setting for setting in spec.settings if REGIME_OF[setting] == REGIME_OF[names["setting"]]]
    return evaluation_rule(of_regime)


def _done(rows: list[Row]) -> str:
    lacking = sum(row["status"] in ("missing", NOT_YET) for row in rows)
    return f"{len(rows) - lacking} of {len(rows)} cells"


def _time(path: Path) -> int:
    return path.stat().st_mtime_ns
