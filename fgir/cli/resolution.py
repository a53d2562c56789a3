"""Define ``fgir resolution``: train size against test size, and the best test size for each budget."""

import argparse
from pathlib import Path
from typing import Any

_DESCRIPTION = """\
Which test size is best? A table for each dataset, backbone and setting: top-1 by test size (lines) and train size
(columns), the best of each column marked, first as trained and then after each adaptation. Below, for each budget of
multiply-adds and of milliseconds an image, the most accurate choice of sizes, adaptation and setting.

A model trained on random resized crops (crops: fixres) sees objects larger than at test, so that a test size
larger than the train size is often better (arXiv 1906.06423).
"""
_EPILOG = """\
examples:
  fgir resolution                                      of results/summary.parquet
  fgir resolution results/mine --dataset cub           of a study with a folder of its own, one dataset
  fgir resolution --setting finetuned --adaptation none
  fgir resolution --out resolution.png resolution.svg  draw it: accuracy against test size, GMACs and ms

The study must ask for more than one test size:
  train_sizes: [128, 224]
  test_sizes: [128, 160, 224, 288]
An evaluation at a further size takes minutes: no run is trained anew, but each
adaptation is made for each size.
"""
_FILTERS = ("dataset", "backbone", "setting", "crops", "adaptation")


def add_verbs(verbs: Any) -> None:
    """Add the verb resolution."""
    verb = verbs.add_parser(
        "resolution",
        help="train size against test size: which is best, and for which budget",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.add_argument("summary", nargs="?", type=Path, default=Path("results/summary.parquet"))
    for name in _FILTERS:
        verb.add_argument(f"--{name}", action="append", help=f"only this {name}; may be repeated")
    verb.add_argument("--out", type=Path, nargs="+", default=[], help="files to draw: .png, .svg, .pdf")
    verb.set_defaults(run=_resolution)


def _resolution(options: argparse.Namespace) -> None:
    from fgir.report.current import current
    from fgir.report.figures.resolution import draw_resolution
    from fgir.report.figures.style import check_suffixes
    from fgir.report.tables.resolution import chosen
    from fgir.report.tables.resolution_show import show_resolution
    from fgir.utils.terminal import console, print_note

    check_suffixes(options.out)
    rows, note = current(options.summary)
    rows = chosen(rows, **{name: getattr(options, name) for name in _FILTERS})
    terminal = console()
    show_resolution(rows, terminal)
    if note:
        print_note(terminal, note)
    if options.out:
        left_out = draw_resolution(rows, options.out)
        print_note(terminal, "\n".join(filter(None, (left_out, f"Drawn: {', '.join(map(str, options.out))}"))))
    else:
        print_note(terminal, "Next: draw it with --out resolution.png")
