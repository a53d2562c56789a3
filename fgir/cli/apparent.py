"""Define ``fgir apparent``: how large objects appear in training and at test."""

import argparse
from pathlib import Path
from typing import Any

_DESCRIPTION = """\
How large do objects appear in training and at test, and at which test size equally large? By equation 5 of FixRes
(arXiv 1906.06423), and measured: with the windows that training draws on the images of a manifest. With a summary, the
best test size that was found stands beside them.
"""
_EPILOG = """\
examples:
  fgir apparent results/data/typefaces/manifest.parquet --train-size 96 128
  fgir apparent results/data/cub/manifest.parquet --summary results/summary.parquet --dataset cub

The sizes of objects are shown where the dataset knows them, as typefaces does. The best test size found may differ: a
network also reads finer detail at a larger size, and its activations change with the size (adaptation corrects that).
"""


def add_verbs(verbs: Any) -> None:
    """Add the verb apparent."""
    from fgir.study.geometry import CROPS

    verb = verbs.add_parser(
        "apparent",
        help="how large objects appear in training and at test, and the test size that makes them equal",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.add_argument("manifest", type=Path, help="results/data/DATASET/manifest.parquet")
    verb.add_argument("--train-size", type=int, nargs="+", default=[224], help="pixels (default 224)")
    verb.add_argument("--crops", default="fixres", help=f"{', '.join(CROPS)} (default fixres)")
    verb.add_argument("--summary", type=Path, help="summary whose best test sizes stand beside")
    verb.add_argument("--dataset", help="the dataset's name there (default: that of the manifest's folder)")
    verb.set_defaults(run=_apparent)


def _apparent(options: argparse.Namespace) -> None:
    from fgir.analysis.drawn_size import apparent
    from fgir.report.tables.apparent import show_apparent
    from fgir.report.tables.resolution import chosen
    from fgir.results.parquet import read_rows
    from fgir.study.geometry import CROPS
    from fgir.utils.errors import FgirError, nearest
    from fgir.utils.terminal import console

    if options.crops not in CROPS:
        raise FgirError(f'There are no crops "{options.crops}"{nearest(options.crops, CROPS)}')
    if min(options.train_size) < 1:
        raise FgirError(f"--train-size {min(options.train_size)} is no size; it must be at least 1.")
    images = read_rows("manifest", options.manifest)
    rows = []
    if options.summary:
        dataset = options.dataset or options.manifest.resolve().parent.name
        rows = chosen(read_rows("summary", options.summary), dataset=[dataset])
    found = [apparent(images, size, options.crops) for size in sorted(set(options.train_size))]
    show_apparent(found, options.crops, rows, console())
