"""Make the summary of a study: read the files of all its cells at once, write one row a cell."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from fgir.results.cell import CellFiles, aggregate
from fgir.results.failures import Failure
from fgir.results.merge import Merged, merge
from fgir.results.pareto import mark_front
from fgir.results.parquet import table_of, write_table
from fgir.results.published import Published
from fgir.results.upstream import failed_upstream, reasons
from fgir.specs import CellSpec
from fgir.study import Cell, CostPoint, EndToEnd
from fgir.study.address import ADAPT, END_TO_END, MACS, METRICS, TIMING, TRAIN, fill
from fgir.utils.progress import inform
from fgir.utils.words import counted

_TABLES = ("metrics", "train", "adapt", "macs", "timing", "end_to_end")
_NAMED = 5
_Compared = Mapping[Cell, Published]


def write_tables(
    specs: Sequence[CellSpec],
    results: Path,
    evaluations: Path,
    summary: Path,
    published: _Compared | None = None,
    failures: Sequence[Failure] = (),
) -> list[dict[str, Any]]:
    """Write all evaluation rows, and the summary, whose rows are returned; say which files are missing.

    The ``error`` of a cell says which of ``failures`` it waits for. FgirError at a damaged file.
    """
    merged = _read(specs, Path(results))
    rows = _blamed(specs, _marked_rows(specs, Path(results), merged, published), failures)
    content = table_of("summary", rows)
    write_table(merged["metrics"].content, evaluations)
    write_table(content, summary)
    _name_missing(merged)
    return rows


def summary_rows(
    specs: Sequence[CellSpec],
    results: Path,
    published: _Compared | None = None,
    failures: Sequence[Failure] = (),
    refused: set[Path] | None = None,
) -> list[dict[str, Any]]:
    """Return one row a cell, in the order given, the Pareto front of each dataset marked.

    The ``error`` of a cell says which of ``failures`` it waits for. A damaged file, or one of another version of the
    suite, is an FgirError; where ``refused`` is given, it is added there and counts as missing.
    """
    rows = _marked_rows(specs, Path(results), _read(specs, Path(results), refused), published)
    return _blamed(specs, rows, failures)


def cell_row(spec: CellSpec, results: Path, published: _Compared | None = None) -> dict[str, Any]:
    """Return the summary's row of one cell; ``pareto`` is null, because it depends on other cells."""
    return _rows([spec], Path(results), _read([spec], Path(results)), published)[0]


def _marked_rows(
    specs: Sequence[CellSpec], results: Path, merged: dict[str, Merged], published: _Compared | None
) -> list[dict[str, Any]]:
    rows = _rows(specs, results, merged, published)
    mark_front(rows)
    return rows


def _rows(
    specs: Sequence[CellSpec], results: Path, merged: dict[str, Merged], published: _Compared | None
) -> list[dict[str, Any]]:
    found = {path: row for kind in _TABLES for path, row in merged[kind].rows().items()}
    return [aggregate(spec, _files(spec, results, found, published or {})) for spec in specs]


def _blamed(specs: Sequence[CellSpec], rows: list[dict[str, Any]], failures: Sequence[Failure]) -> list[dict[str, Any]]:
    """Return the rows, those that lack files with what failed before these."""
    for spec, row in zip(specs, rows, strict=True):
        failed = failed_upstream(spec, failures) if row["error"] else []
        if failed:
            row["error"] = f"{reasons(failed)}; {row['error']}"
    return rows


def _files(spec: CellSpec, results: Path, found: dict[Path, dict[str, Any]], published: _Compared) -> CellFiles:
    paths = _paths(spec, results)
    return CellFiles(
        metrics={seed: found.get(path) for seed, path in zip(spec.seeds, paths["metrics"], strict=True)},
        train={seed: found.get(path) for seed, path in zip(spec.seeds, paths["train"], strict=True)},
        adapt=dict(zip(spec.seeds, map(found.get, paths["adapt"]), strict=False)),
        macs=found.get(paths["macs"][0]),
        timing=found.get(paths["timing"][0]),
        end_to_end=next((found.get(path) for path in paths["end_to_end"]), None),
        published=published.get(spec.cell),
    )


def _paths(spec: CellSpec, results: Path) -> dict[str, list[Path]]:
    cell = spec.cell
    point = CostPoint.of(spec.backbone, spec.setting, spec.test_size, spec.classes)
    return {
        "metrics": [results / fill(METRICS, cell, seed=seed) for seed in spec.seeds],
        "train": [results / fill(TRAIN, cell.run(seed)) for seed in spec.seeds],
        "adapt": [results / fill(ADAPT, adapted) for adapted in map(cell.adapted, spec.seeds) if adapted],
        "macs": [results / fill(MACS, point)],
        "timing": [results / fill(TIMING, point)],
        "end_to_end": [results / fill(END_TO_END, EndToEnd.of(cell))] * (spec.scope == "end_to_end"),
    }


def _read(specs: Sequence[CellSpec], results: Path, refused: set[Path] | None = None) -> dict[str, Merged]:
    wanted: dict[str, dict[Path, None]] = {kind: {} for kind in _TABLES}
    for spec in specs:
        for kind, paths in _paths(spec, results).items():
            wanted[kind].update(dict.fromkeys(paths))
    # Cells share runs and cost points: each file is read once.
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Reading results", total=sum(map(len, wanted.values())))
        return {
            kind: merge(kind, list(paths), lambda files: progress.advance(task, files), refused)
            for kind, paths in wanted.items()
        }


def _name_missing(merged: dict[str, Merged]) -> None:
    missing = [path for kind in _TABLES for path in merged[kind].missing]
    for path in missing[:_NAMED]:
        inform(f"missing: {path}")
    if len(missing) > _NAMED:
        inform(f"and {counted(len(missing) - _NAMED, 'more file')}; the column error of the summary names them")
