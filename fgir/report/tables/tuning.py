"""Print the learning-rate searches of a study: what each chose, and where a better rate may lie beyond."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fgir.report.tables.display import Row, table_lines, varies
from fgir.results.parquet import read_rows
from fgir.study import REGIMES
from fgir.study.address import BEST, identity, rate
from fgir.training.search import BEYOND
from fgir.utils.errors import FgirError, nearest

_MARKS = {"highest": "↑", "lowest": "↓"}


class Search(NamedTuple):
    """Hold the chosen row of a search's ``best.parquet``, the rates that were tried, and how many diverged."""

    chosen: Row
    rates: list[float]
    diverged: int


def searches(results: Path, dataset: str | None = None) -> list[Search]:
    """Return the searches that are done below a results folder, in the order of their names.

    FgirError where there is none, or no such folder, where none is of ``dataset``, or at a damaged file.
    """
    if not os.path.isdir(results):
        what = "is no folder" if os.path.exists(results) else "does not exist"
        raise FgirError(f"{results} {what}; name the results folder of a study.")
    files = {path: identity(BEST, path.relative_to(results).as_posix()) for path in results.glob(_glob())}
    if not files:
        raise FgirError(f"{results} has no finished search of a learning rate; a study with one candidate needs none.")
    datasets = {names["dataset"] for names in files.values() if names}
    if dataset is not None and dataset not in datasets:
        raise FgirError(f'No search is of dataset "{dataset}"{nearest(dataset, datasets)}')
    found = [_search(path) for path, names in files.items() if names and dataset in (None, names["dataset"])]
    return sorted(found, key=_order)


def _glob() -> str:
    # The star of the size takes the kind of crops along.
    return BEST.format(dataset="*", backbone="*", regime="*", crops="", train_size="*")


def _search(path: Path) -> Search:
    rows = read_rows("candidate", path)
    chosen = [row for row in rows if row["chosen"]]
    if len(chosen) != 1:
        raise FgirError(f"{path} marks {len(chosen)} learning rates as chosen; delete it and rerun.")
    return Search(
        chosen[0], sorted(row["learning_rate"] for row in rows), sum(row["status"] == "diverged" for row in rows)
    )


def _order(search: Search) -> tuple[str, str, int, int]:
    row = search.chosen
    # Methods of other versions come last.
    place = REGIMES.index(row["regime"]) if row["regime"] in REGIMES else len(REGIMES)
    return row["dataset"], row["backbone"], place, row["train_size"]


def show_searches(found: Sequence[Search], console: Console, edges: bool = False) -> None:
    """Print searches, a line each, and how many of them chose at the edge; ``edges``: only those."""
    shown = [search for search in found if search.chosen["edge"] or not edges]
    if shown:
        console.print(_table(shown, console))
    at_edge = [search.chosen["edge"] for search in found if search.chosen["edge"]]
    for edge in dict.fromkeys(at_edge):
        console.print(Text(f"{_MARKS[edge]} the {edge} of its candidates: {BEYOND[edge]}"))
    if any(search.diverged for search in shown):
        console.print(Text("!n: so many of the candidates diverged"))
    words = ("searches", "their") if len(found) > 1 else ("search", "its")
    console.print(Text(f"{len(at_edge)} of {len(found)} {words[0]} chose a rate at the edge of {words[1]} candidates."))
    if at_edge:
        console.print(Text("Next: widen tuning.learning_rates in the study, and run it again."))


def _table(shown: Sequence[Search], console: Console) -> Table:
    mixed = varies([search.chosen for search in shown], lambda row: row["train_size"])
    table = Table(box=table_lines(console), pad_edge=False, padding=0, show_edge=False)
    for name in ("dataset", "backbone", "regime", *["size"] * mixed, "rate", "", "tried", "val\ntop-1 %"):
        folds = name in ("dataset", "backbone")
        left = name in ("dataset", "backbone", "regime", "")
        table.add_column(name, justify="left" if left else "right", no_wrap=not folds, overflow="fold")
    for row, rates, diverged in shown:
        names = [row["dataset"], row["backbone"], row["regime"], *[str(row["train_size"])] * mixed]
        tried = f"{len(rates)}: {rate(rates[-1])} to {rate(rates[0])}" if len(rates) > 1 else "1"
        tried += f" !{diverged}" if diverged else ""
        top1 = "–" if row["val_top1"] is None else f"{row['val_top1']:.1f}"
        mark = Text(_MARKS.get(row["edge"], ""), style="bold red")
        table.add_row(*names, rate(row["learning_rate"]), mark, tried, top1)
    return table
