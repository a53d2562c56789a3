"""The newest table of a study that there is: the summary, what a failed run left, or what is done so far."""

import json
from pathlib import Path
from typing import NamedTuple

from fgir.address import PARTIAL_SUMMARY, RUNNING, SUMMARY
from fgir.errors import FgirError
from fgir.failures import failures_in
from fgir.jobs import Specs
from fgir.schema import read_rows
from fgir.specs import SummarySpec, parse
from fgir.study import load_study
from fgir.tables.display import Row
from fgir.tables.published import published_of
from fgir.tables.summary import summary_rows

NOT_YET = "not yet"


class Current(NamedTuple):
    """Rows of a summary, and a line on what they are where they are not the full one."""

    rows: list[Row]
    note: str | None


def current(summary: Path) -> Current:
    """Read a summary, or in its place the partial one beside it or what a run has done so far, if that is newer.

    FgirError where there is none of them.
    """
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


def so_far(spec: SummarySpec, results: Path, published: Path | None) -> Current:
    """Make the rows of a study from what is there of it; cells of which something is to come are ``not yet``."""
    failures = failures_in(results)
    rows = summary_rows(spec.cells(), results, published_of(published), failures)
    blamed = tuple(f"{failure.rule}: " for failure in failures)
    for row in rows:
        if row["status"] == "missing" and not row["error"].startswith(blamed):
            row["status"] = NOT_YET
    return Current(rows, f"What is done so far: {_done(rows)}.")


def of_study(file: str | Path) -> Current:
    """Make the rows of the study in ``file`` from what is there of it, as ``so_far`` does."""
    study = load_study(file)
    return so_far(
        Specs(study).summary(), Path(study.results), Path(study.published_file) if study.published_file else None
    )


def mark_running(spec: SummarySpec, published: str | None) -> None:
    """Leave in the results what the run that starts will make a summary of."""
    path = Path(spec.results, RUNNING)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"spec": spec.model_dump_json(), "published": published}))


def _of_running(running: Path) -> Current:
    try:
        content = json.loads(running.read_text())
        spec, published = parse(SummarySpec, content["spec"]), content["published"]
    except (ValueError, KeyError, TypeError):
        raise FgirError(f"{running} is damaged; delete it.") from None
    file = Path(published) if published else None
    return so_far(spec, running.parent, file if file and file.exists() else None)


def _done(rows: list[Row]) -> str:
    lacking = sum(row["status"] in ("missing", NOT_YET) for row in rows)
    return f"{len(rows) - lacking} of {len(rows)} cells"


def _time(path: Path) -> int:
    return path.stat().st_mtime_ns
