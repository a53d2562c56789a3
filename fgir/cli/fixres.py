"""Define ``fgir fixres``: the tables and figures of the study of resolutions, from published and measured values."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fgir.utils.errors import FgirError

if TYPE_CHECKING:
    from fgir.report.tables.printed import Printed
    from fgir.results.papers import Paper

_DESCRIPTION = """\
Print a table of FixRes (arXiv 1906.06423) as it was published, with what you measured in parentheses beside it, and say
what is not measured yet. Without a NAME: list the tables and figures.
"""
_EPILOG = """\
examples:
  fgir fixres                                      what there is
  fgir fixres table5 --published                   as published, without a summary
  fgir fixres table5 results/fixres                beside the summary of a results folder
  fgir fixres table5 --published --out table5.md   as Markdown
  fgir fixres figure5 --published --out figure5.png

A measured row stands beside a published value if it has the same dataset, backbone, setting, train and test size,
adaptation and crops. The values are config/published/arxiv-1906.06423.csv.
"""


def add_verbs(verbs: Any) -> None:
    """Add the verb fixres."""
    verb = verbs.add_parser(
        "fixres",
        help="the tables and figures of FixRes, with measured values beside the published ones",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.add_argument(
        "name", nargs="?", metavar="NAME", help="table1 to table10, section3.3, fixefficientnet, figure5, figure8"
    )
    verb.add_argument("summary", nargs="?", type=Path, default=Path("results/summary.parquet"))
    verb.add_argument("--published", action="store_true", help="the published values alone")
    verb.add_argument("--cells", type=Path, nargs="*", help="files of single cells, in place of a summary")
    verb.add_argument("--out", type=Path, nargs="+", default=[], help="write .md of a table; draw .png, .svg or .pdf")
    verb.set_defaults(run=_fixres)


def _fixres(options: argparse.Namespace) -> None:
    from fgir.report.tables.printed import printed
    from fgir.results.papers import FIXRES, name_of, read_paper
    from fgir.results.published import read_published

    paper, published = read_paper(FIXRES), read_published(FIXRES)
    if options.name is None:
        _list(paper)
        return
    table = printed(paper, published, options.name)
    pictures = _pictures(options.name, options.out, options.name in map(name_of, paper.figures))
    if not options.published:
        table = printed(paper, published, options.name, _rows(options))
    if pictures:
        from fgir.report.figures.printed import draw_printed

        draw_printed(table, options.out)
    elif options.out:
        _write(table, options.out)
    else:
        _show(table)
    if options.out:
        print(f"Written: {', '.join(map(str, options.out))}")


def _pictures(name: str, paths: Sequence[Path], figure: bool) -> bool:
    """Say whether what is asked for is to be drawn; FgirError where its files are of the other kind."""
    from fgir.report.figures.style import check_suffixes

    if figure:
        if not paths:
            raise FgirError(f"{name} is drawn to a file; name it with --out {name}.png.")
        check_suffixes(paths)
    wrong = [path for path in paths if path.suffix != ".md"] if not figure else []
    if wrong:
        raise FgirError(f"{wrong[0]} cannot be written; a table goes to a file that ends in .md.")
    return figure


def _rows(options: argparse.Namespace) -> list[dict[str, Any]]:
    from fgir.report.current import current
    from fgir.results.parquet import read_rows
    from fgir.utils.progress import inform

    if options.cells is not None:
        return [row for path in options.cells for row in read_rows("summary", path)]
    try:
        rows, note = current(options.summary)
    except FgirError as error:
        raise FgirError(f"{error} The published values alone: fgir fixres {options.name} --published") from None
    if note:
        inform(note)
    return rows


def _list(paper: "Paper") -> None:
    from fgir.results.papers import name_of
    from fgir.utils.terminal import console, print_note

    width = max(len(name_of(source)) for source in (*paper.tables, *paper.figures))
    lines = [f"{name_of(source):{width}}  {title}" for source, title in paper.tables.items()]
    lines += [f"{name_of(figure):{width}}  {table}, drawn" for figure, table in paper.figures.items()]
    terminal = console()
    for line in lines:
        print_note(terminal, line)
    print_note(terminal, "\nNext: fgir fixres table5 --published")


def _show(table: "Printed") -> None:
    from fgir.report.tables.matrix_show import show_matrix
    from fgir.report.tables.printed import lacking, tables
    from fgir.utils.terminal import console, print_note

    terminal = console()
    print_note(terminal, table.title)
    for matrix in tables(table):
        show_matrix(matrix, terminal)
    if sentence := lacking(table):
        print_note(terminal, sentence)


def _write(table: "Printed", paths: Sequence[Path]) -> None:
    from fgir.report.tables.printed import page
    from fgir.utils.files import replacing

    for path in paths:
        with replacing(path) as temporary:
            temporary.write_text(page(table), encoding="utf-8")
