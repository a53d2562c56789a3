"""Define ``fgir show``: the accuracy-vs-cost table."""

import argparse
from pathlib import Path
from typing import Any

from fgir.results.measures import shown


def add_verbs(verbs: Any) -> None:
    """Add the verb show."""
    verb = verbs.add_parser(
        "show",
        help="print the accuracy-vs-cost table",
        description="Print the summary as a table, with the cells ranked by accuracy and the Pareto front marked. "
        "While a study runs, the table has what is done so far; after a failed run, what that run left.",
    )
    verb.add_argument("summary", nargs="?", type=Path, default=Path("results/summary.parquet"))
    verb.add_argument("--study", type=Path, help="show what is done of this study file, whatever tables there are")
    verb.add_argument("--dataset", help="only this dataset")
    verb.add_argument("--sort", default="top1", help=f"rank by this: {', '.join(shown())} (default top1)")
    verb.set_defaults(run=_show)


def _show(options: argparse.Namespace) -> None:
    from fgir.report.current import current, of_study
    from fgir.report.tables.show import show
    from fgir.utils.terminal import console, print_note

    rows, note = of_study(options.study) if options.study else current(options.summary)
    show(rows, options.dataset, options.sort)
    if note:
        print_note(console(), note)
