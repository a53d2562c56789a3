"""Write what a failed run leaves to look at: tables of what is there, figures of the datasets that are whole."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from fgir.report.figures.accuracy import draw
from fgir.report.tables.display import Row
from fgir.results.aggregate import write_tables
from fgir.results.failures import failures_in
from fgir.results.published import published_of
from fgir.specs import SummarySpec
from fgir.study.address import PARTIAL_EVALUATIONS, PARTIAL_FIGURES, PARTIAL_SUMMARY

_FORMATS = ("png", "svg")


def write_partial(spec: SummarySpec, published: Path | None) -> list[str]:
    """Write the partial tables and figures below the study's results; return the datasets whose cells are all there.

    FgirError at a damaged file.
    """
    results = Path(spec.results)
    tables = (results / PARTIAL_EVALUATIONS, results / PARTIAL_SUMMARY)
    failures = failures_in(results)
    rows = write_tables(spec.cells(), results, *tables, published_of(published), failures)
    shutil.rmtree(results / PARTIAL_FIGURES, ignore_errors=True)
    whole = _whole(rows)
    for dataset in whole:
        files = [results / PARTIAL_FIGURES / f"{dataset}.{suffix}" for suffix in _FORMATS]
        draw([row for row in rows if row["dataset"] == dataset], files)
    return whole


def forget_partial(results: str | Path) -> None:
    """Delete what ``write_partial`` left: the full tables are there."""
    for name in (PARTIAL_EVALUATIONS, PARTIAL_SUMMARY):
        Path(results, name).unlink(missing_ok=True)
    shutil.rmtree(Path(results, PARTIAL_FIGURES), ignore_errors=True)


def _whole(rows: Sequence[Row]) -> list[str]:
    datasets = dict.fromkeys(row["dataset"] for row in rows)
    lacking = {row["dataset"] for row in rows if row["status"] == "missing"}
    return [dataset for dataset in datasets if dataset not in lacking]
