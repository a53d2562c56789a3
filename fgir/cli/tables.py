"""Define the verbs that compare with published values, and those that make a study's tables and figures again."""

import argparse
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fgir.results.measures import MEASURES
from fgir.utils.errors import FgirError
from fgir.utils.terminal import console

_SUMMARY = Path("results/summary.parquet")
_PAPERS = "config/published"
_SIZE = "only this size, 224 or (train-test) 224-384; may be repeated"
_DATASET = "only this dataset; may be repeated"


def add_verbs(verbs: Any) -> None:
    """Add the verbs compare, matrix, boxes, tuning and published."""
    _add_compare(verbs)
    _add_matrix(verbs)
    _add_boxes(verbs)
    _add_tuning(verbs)
    _add_published(verbs)


def _add_compare(verbs: Any) -> None:
    compare = _add(verbs, "compare", _compare, "ours against published accuracies, cell by cell", summary=True)
    compare.add_argument("--dataset", action="append", help=_DATASET)
    compare.add_argument(
        "--sort",
        default="excess",
        help="rank by excess over what seeds explain (default), difference, study, top1 or published",
    )
    compare.add_argument("--all", action="store_true", help="print every cell, not only the first ones")
    compare.add_argument("--out", type=Path, help="also write all cells to this Parquet file")


def _add_matrix(verbs: Any) -> None:
    matrix = _add(verbs, "matrix", _matrix, "backbone x dataset tables with means, as in the paper", summary=True)
    matrix.add_argument("--setting", help="only this setting")
    matrix.add_argument("--dataset", action="append", help=_DATASET)
    matrix.add_argument("--size", action="append", help=_SIZE)
    matrix.add_argument(
        "--value",
        default="top1",
        help=f"{', '.join(MEASURES)} (default top1); training is the time of the epochs, training_job that of the "
        "whole job, as published",
    )
    matrix.add_argument("--markdown", action="store_true", help="print Markdown")


def _add_boxes(verbs: Any) -> None:
    boxes = _add(verbs, "boxes", _boxes, "draw accuracy, training time and throughput by setting", summary=True)
    boxes.add_argument(
        "--of",
        default="backbones",
        help="backbones (default, as in the paper): a point is a backbone's mean over datasets, all on one scale; "
        "cells: a point is a cell, each dataset on a scale of its own",
    )
    boxes.add_argument("--dataset", action="append", help=_DATASET)
    boxes.add_argument("--size", action="append", help=_SIZE)
    boxes.add_argument("--out", type=Path, nargs="+", required=True, help="files to draw: .png, .svg, .pdf")


def _add_tuning(verbs: Any) -> None:
    tuning = _add(
        verbs, "tuning", _tuning, "which learning rates were chosen, and which at the edge of their candidates"
    )
    tuning.add_argument("results", nargs="?", type=Path, default=Path("results"), help="folder (default results)")
    tuning.add_argument("--dataset", help="only this dataset")
    tuning.add_argument("--edges", action="store_true", help="only rates at the edge of their candidates")


def _add_published(verbs: Any) -> None:
    published = _add(verbs, "published", _published, "read, check and convert published accuracies")
    published.add_argument(
        "--paper",
        help=f"name of a paper in {_PAPERS}, or a part of it, 1906 (default: what config/config.yaml compares with)",
    )
    published.add_argument("--csv", type=Path, help="a file of your own instead")
    published.add_argument("--source", help="only accuracies whose source contains this text")
    published.add_argument("--out", type=Path, help="write the accuracies to this Parquet file")
    published.add_argument(
        "--summary", type=Path, help="write them as a summary to this Parquet file, for show, figure, matrix and boxes"
    )
    published.add_argument(
        "--document", type=Path, help="write a page with all tables, and its figures beside it (docs/published.md)"
    )


def _add(
    verbs: Any, name: str, run: Callable[[argparse.Namespace], None], text: str, summary: bool = False
) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(
        name, help=text, description=text[0].upper() + text[1:] + ".", epilog=_EPILOGS[name]
    )
    if summary:
        verb.add_argument("summary", nargs="?", type=Path, default=_SUMMARY)
    verb.set_defaults(run=run)
    return verb


_EPILOGS = {
    "compare": "The study must name published_file. Seeds explain a difference of up to 2 s sqrt(1/our seeds + "
    "1/published seeds), where s is the deviation of one seed.",
    "matrix": "If the summary has more than one backbone and dataset, there is a table for each setting and pair of "
    "sizes. If it has one backbone or one dataset, settings or sizes are the columns. For published values: fgir "
    "published --summary published.parquet, then fgir matrix published.parquet",
    "boxes": f"Means are over the datasets of --dataset; else over those that a paper in {_PAPERS} averages over, if "
    "the summary has them all; else over all datasets. The figure says which. Each pair of sizes is a row of panels.",
    "tuning": "If the chosen rate is the highest or lowest that was tried, a better one may lie beyond it: widen "
    "tuning.learning_rates of the study. Candidates that diverged, or that were passed over for their train accuracy, "
    "count as tried.",
    "published": "A study compares with these accuracies if its key published_file names their file; see fgir compare.",
}


def _compare(options: argparse.Namespace) -> None:
    from fgir.report.tables.compare import compare
    from fgir.report.tables.compare_show import show_comparison
    from fgir.results.parquet import write_rows

    _check_ends(".parquet", options.out)
    # All cells of the summary first: how much seeds explain does not depend on what is printed.
    compared = compare(_read(options.summary))
    if options.out:
        write_rows("comparison", compared, options.out)
    show_comparison(_of_datasets(compared, options.dataset), console(), options.sort, options.all)


def _matrix(options: argparse.Namespace) -> None:
    from fgir.report.tables.display import of_sizes
    from fgir.report.tables.matrix import matrices
    from fgir.report.tables.matrix_show import markdown, show_matrix
    from fgir.results.papers import averaged_over

    terminal = console()
    rows = _of_datasets(of_sizes(_read(options.summary), options.size), options.dataset)
    for matrix in matrices(rows, options.setting, options.value, averaged_over()):
        if options.markdown:
            print(f"## {matrix.title}\n\n{markdown(matrix)}")
        else:
            show_matrix(matrix, terminal)


def _boxes(options: argparse.Namespace) -> None:
    from fgir.report.figures.boxes import draw_boxes
    from fgir.report.figures.style import check_suffixes
    from fgir.report.tables.display import of_sizes
    from fgir.results.papers import averaged_over, subset_of

    check_suffixes(options.out)
    rows = _of_datasets(of_sizes(_read(options.summary), options.size), options.dataset)
    over = options.dataset or subset_of({row["dataset"] for row in rows}, averaged_over())
    draw_boxes(rows, options.out, options.of, over)
    print(f"Drawn: {', '.join(map(str, options.out))}")


def _tuning(options: argparse.Namespace) -> None:
    from fgir.report.tables.tuning import searches, show_searches

    show_searches(searches(options.results, options.dataset), console(), options.edges)


def _published(options: argparse.Namespace) -> None:
    from fgir.results.papers import accuracies_of
    from fgir.results.parquet import write_rows
    from fgir.results.published import as_summary, counts, of_source, read_published

    _check_ends(".parquet", options.out, options.summary)
    _check_ends(".md", options.document)
    if options.csv and options.paper:
        raise FgirError("name a paper or a CSV file, and not both.")
    accuracies = options.csv or accuracies_of(options.paper)
    rows = of_source(read_published(accuracies), options.source)
    if options.document:
        from fgir.report.published_page import write_page

        write_page(rows, accuracies, options.document)
    if options.out:
        write_rows("published", [row.model_dump() for row in rows], options.out)
    if options.summary:
        write_rows("summary", as_summary(rows), options.summary)
    print("\n".join(counts(rows)))
    written = [str(path) for path in (options.document, options.out, options.summary) if path]
    of = ["--csv", str(options.csv)] if options.csv else ["--paper", options.paper] if options.paper else []
    following = shlex.join(["fgir", "published", *of, "--summary", "published.parquet"])
    print(f"Written: {', '.join(written)}" if written else f"Next: {following}")
    if options.summary:
        print(f"Next: fgir matrix {shlex.quote(str(options.summary))}")


def _read(summary: Path) -> list[dict[str, Any]]:
    from fgir.report.current import current
    from fgir.utils.progress import inform

    rows, note = current(summary)
    if note:
        inform(note)
    return rows


def _of_datasets(rows: list[dict[str, Any]], datasets: list[str] | None) -> list[dict[str, Any]]:
    from fgir.utils.errors import nearest

    names = {row["dataset"] for row in rows}
    for dataset in datasets or ():
        if dataset not in names:
            raise FgirError(f'There is no dataset "{dataset}"{nearest(dataset, names)}')
    return [row for row in rows if not datasets or row["dataset"] in datasets]


def _check_ends(suffix: str, *paths: Path | None) -> None:
    for path in paths:
        if path and path.suffix != suffix:
            raise FgirError(f"{path} cannot be written; name a file that ends in {suffix}.")
