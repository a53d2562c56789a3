"""Print the comparison with published accuracies."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from rich.box import Box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fgir.report.tables.compare import OURS, mean_differences
from fgir.report.tables.display import (
    Row,
    condition,
    in_lines,
    is_adapted,
    is_cropped,
    settings_of,
    sizes,
    state,
    table_lines,
    varies,
)
from fgir.results.measures import MEASURES, Measure, order
from fgir.study import SQUARE
from fgir.utils.errors import FgirError, nearest
from fgir.utils.words import counted

_WORST = 15
_EXPLAIN = "seeds\nexplain"
# Letters that datasets and backbones should have together, at least.
_NAMES_WIDTH = 24
_DAGGER, _EDGE = "†", "‡"
_RULE = (
    "outside: a larger difference than seeds explain, 2 s √(1/our seeds + 1/published seeds), s being the deviation of "
    "one seed: the cell's or the one pooled over its {}, whichever is larger. "
    "By chance alone it would be about 1 cell in 20."
)


class _Sort(NamedTuple):
    key: Callable[[Row], Any]
    words: str


def _by(measure: Measure) -> _Sort:
    return _Sort(lambda row: order(measure, row), f"cells with the best {measure.title.partition(',')[0]}")


# By the differences, or by what is compared.
SORTS = {
    "excess": _Sort(
        lambda row: -(abs(row["difference"]) / row["explained"] if row["explained"] else 0), "cells farthest out"
    ),
    "difference": _Sort(lambda row: -abs(row["difference"]), "cells that differ most"),
    "study": _Sort(lambda row: 0, "first cells"),
    **{name: _by(MEASURES[name]) for name in MEASURES if MEASURES[name].column in (OURS.column, OURS.published)},
}


def show_comparison(compared: Sequence[Row], console: Console, sort: str = "excess", everything: bool = False) -> None:
    """Print rows of table ``comparison``: the means, then the cells; of many cells the first ones alone.

    FgirError where ``sort`` is not one of those that there are.
    """
    if sort not in SORTS:
        raise FgirError(f'Cells cannot be sorted by "{sort}"{nearest(sort, SORTS)}')
    ranked = sorted(compared, key=SORTS[sort].key)
    shown = ranked if everything else ranked[:_WORST]
    console.print(Text(_headline(compared), style="bold"))
    if len(compared) > 1:
        console.print(f"\nMean difference, ours − published, percentage points{_over(compared)}")
        console.print(_means(compared, table_lines(console)))
    what = "Every cell" if len(shown) == len(ranked) else f"The {len(shown)} {SORTS[sort].words}, of {len(ranked)}"
    console.print(f"\n{what}, {OURS.title.replace(',', '')}")
    table, whole = _cells(shown, console)
    console.print(table)
    for note in _notes(compared, len(shown) < len(ranked), whole):
        console.print(Text(note))


def _headline(compared: Sequence[Row]) -> str:
    difference, count = mean_differences(compared)[()]
    judged = [row for row in compared if row["outside"] is not None]
    outside = sum(row["outside"] for row in judged)
    text = f"{counted(count, 'cell')} compared, mean difference {_signed(difference)} points"
    verdicts = [f"{outside} of {len(judged)} outside what seeds explain"] if judged else []
    verdicts += [f"{count - len(judged)} without a verdict"] if len(judged) < count else []
    return f"{text}\n{'; '.join(verdicts)}"


def _over(compared: Sequence[Row]) -> str:
    if any(map(state, compared)):
        over = list(dict.fromkeys(map(condition, compared)))
        return f", over {'; '.join(over)}"
    over = list(dict.fromkeys(map(sizes, compared)))
    return f", over the sizes {', '.join(over)}" if len(over) > 1 else ""


def _means(compared: Sequence[Row], lines: Box) -> Table:
    settings = settings_of(compared)
    by_both = mean_differences(compared, "backbone", "setting")
    by_backbone, by_setting = (mean_differences(compared, key) for key in ("backbone", "setting"))
    heads = [in_lines(setting) + _DAGGER * _is_single(compared, setting) for setting in settings]
    table = _table(lines, ("backbone", False), *((name, True) for name in (*heads, "all", "cells")))
    for (backbone,), (difference, count) in by_backbone.items():
        entries = [_mean(by_both.get((backbone, setting))) for setting in settings]
        table.add_row(backbone, *entries, _signed(difference), str(count))
    total, cells = mean_differences(compared)[()]
    table.add_section()
    table.add_row("all", *(_mean(by_setting.get((setting,))) for setting in settings), _signed(total), str(cells))
    table.add_row("cells", *(str(by_setting[setting,][1]) for setting in settings), str(cells), style="dim")
    return table


def _is_single(compared: Sequence[Row], setting: str) -> bool:
    return all(row["published_seeds"] == 1 for row in compared if row["setting"] == setting)


def _cells(rows: Sequence[Row], console: Console) -> tuple[Table, bool]:
    """Return the table, and whether it has all its columns."""
    where: dict[str, Callable[[Row], str]] = {"size": sizes} if varies(rows, sizes) else {}
    where |= {"adaptation": lambda row: row["adaptation"] or ""} if any(map(is_adapted, rows)) else {}
    where |= {"crops": lambda row: row["crops"] or SQUARE} if any(map(is_cropped, rows)) else {}
    heads = {"dataset": False, "backbone": False, "setting": False, **{name: name == "size" for name in where}}
    heads |= {"ours": True, "pub-\nlished": True, "differ-\nence": True, _EXPLAIN: True, "": False}
    lines = [dict(zip(heads, _entries(row, where.values()), strict=True)) for row in rows]
    width = {head: max(map(len, [*head.split("\n"), *(str(line[head]) for line in lines)])) for head in heads}
    # Names fold, figures do not: where names would have no room, what seeds explain is left to the verdict.
    names = min(_NAMES_WIDTH, width.pop("dataset") + width.pop("backbone"))
    whole = names + sum(width.values()) + len(heads) - 1 <= console.width
    if not whole:
        heads.pop(_EXPLAIN)
    table = _table(table_lines(console), *heads.items())
    for line in lines:
        table.add_row(*(line[head] for head in heads))
    return table, whole


def _entries(row: Row, where: Iterable[Callable[[Row], str]]) -> list[str | Text]:
    identity = [row["dataset"], row["backbone"], row["setting"], *(text(row) for text in where)]
    deviation = "" if row[OURS.deviation] is None else f" ±{row[OURS.deviation]:.2f}"
    single = _DAGGER if row["published_seeds"] == 1 else " "
    explained = "?" if row["explained"] is None else f"±{row['explained']:.2f}"
    words = ["outside"] * bool(row["outside"]) + [_EDGE] * bool(row["learning_rate_edge"])
    verdict = Text(" ".join(words), style="bold red" if row["outside"] else "")
    figures = [f"{row[OURS.column]:.2f}{deviation}", f"{row[OURS.published]:.2f}{single}", _signed(row["difference"])]
    return [*identity, *figures, explained, verdict]


def _table(lines: Box, *heads: tuple[str, bool]) -> Table:
    table = Table(box=lines, pad_edge=False, padding=0, show_edge=False)
    for name, number in heads:
        folds = name in ("dataset", "backbone")
        table.add_column(
            name,
            justify="right" if number else "left",
            no_wrap=not folds,
            overflow="fold",
        )
    return table


def _mean(entry: tuple[float, int] | None) -> str:
    return "–" if entry is None else _signed(entry[0])


def _signed(difference: float) -> str:
    return f"{difference:+.2f}".replace("-", "−")


def _notes(compared: Sequence[Row], cut: bool, whole: bool) -> list[str]:
    notes = ["every cell: --all"] if cut else []
    notes += [] if whole else ["not shown for want of width: how much seeds explain"]
    if any(row["outside"] is not None for row in compared):
        notes.append(
            _RULE.format("dataset, setting and adaptation" if any(map(is_adapted, compared)) else "dataset and setting")
        )
    if any(row["outside"] is None for row in compared):
        notes.append("?: no verdict, as no cell of the dataset and setting has two seeds that differ")
    if any(row["published_seeds"] == 1 for row in compared):
        notes.append(f"{_DAGGER} published from a single seed")
    if any(row["learning_rate_edge"] for row in compared):
        notes.append(f"{_EDGE} our learning rate is at the edge of its candidates: a better one may lie beyond")
    sources = dict.fromkeys(row["published_source"] for row in compared)
    return [*notes, f"published: {'; '.join(sources)}"]
