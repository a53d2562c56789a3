"""Print the summary as a table: cells ranked by accuracy, the Pareto front marked."""

from collections.abc import Callable, Sequence
from typing import IO, NamedTuple

from rich.box import Box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fgir.report.current import NOT_YET
from fgir.report.tables.display import (
    UNSTEADY,
    Row,
    condition,
    error_bar,
    is_adapted,
    is_cropped,
    is_random,
    is_unsteady,
    method_of,
    short,
    sizes,
    table_lines,
    varies,
)
from fgir.results.cell import WHAT_IS_ABSENT
from fgir.results.measures import MEASURES, Heading, Measure, order, shown
from fgir.study import SQUARE
from fgir.utils.errors import FgirError, nearest
from fgir.utils.terminal import console, print_note
from fgir.utils.words import counted

_TROUBLES_NAMED = 5
_EDGES_NAMED = 3


class _Signs(NamedTuple):
    front: str
    plus_minus: str
    arrow: str
    absent: str


_UNICODE, _ASCII = _Signs("★", "±", "→", "–"), _Signs("*", "+-", ">", "-")
# A long timm tag may go over several lines of this width; figures never do.
_BACKBONE_WIDTH = 22


class _Column(NamedTuple):
    header: str
    text: Callable[[Row], str | Text]
    left: bool = False
    dropped: int = 0
    """In a narrow terminal the columns with the highest number go first; 0 stays."""


def show(
    rows: Sequence[Row],
    dataset: str | None = None,
    sort: str = "top1",
    width: int | None = None,
    file: IO[str] | None = None,
) -> None:
    """Print rows of the summary, a table a dataset, as wide as the terminal (without one: COLUMNS, or 100).

    FgirError where ``dataset`` or ``sort`` is not one of those that there are.
    """
    if sort not in shown():
        raise FgirError(f'The table cannot be sorted by "{sort}"{nearest(sort, shown())}')
    if not rows:
        raise FgirError("The summary has no cells.")
    datasets = list(dict.fromkeys(row["dataset"] for row in rows))
    if dataset is not None and dataset not in datasets:
        raise FgirError(f'The summary has no dataset "{dataset}"{nearest(dataset, datasets)}')
    terminal = console(width, file)
    for name in datasets if dataset is None else [dataset]:
        _show_dataset(terminal, [row for row in rows if row["dataset"] == name], sort)


def _show_dataset(console: Console, rows: list[Row], sort: str) -> None:
    signs = _ASCII if console.options.ascii_only else _UNICODE
    rows = _ranked(rows, sort)
    columns = _columns(rows, signs)
    hidden = []
    while _width(columns, rows) > console.width and any(column.dropped for column in columns):
        hidden.append(max(columns, key=lambda column: column.dropped))
        columns.remove(hidden[-1])
    console.print()
    console.print(Text(_title(rows[0]), style="bold"))
    console.print(_table(columns, rows, table_lines(console)))
    notes = _notes(rows, signs, [column.header.replace("\n", " ") for column in hidden])
    for note in notes + _doubts(rows, signs, sort) + _troubles(rows, signs):
        print_note(console, note)


def _ranked(rows: list[Row], sort: str) -> list[Row]:
    measure = MEASURES[sort]

    def place(row: Row) -> tuple[bool, bool, bool, float, float]:
        absent, figure = order(measure, row)
        return row["top1"] is None, absent, is_unsteady(row, measure.column), figure, row["macs_image"] or 0

    def is_ranked(row: Row) -> bool:
        # A doubtful figure has no rank among those that can be trusted.
        return row["top1"] is not None and not is_unsteady(row, measure.column)

    ordered = sorted(rows, key=place)
    return [row | {"rank": rank if is_ranked(row) else None} for rank, row in enumerate(ordered, start=1)]


def _columns(rows: list[Row], signs: _Signs) -> list[_Column]:
    star = _Column("", lambda row: Text(signs.front if row["pareto"] else "", style="bold green"))
    seeds = _Column("seeds", lambda row: f"{row['seeds_ok']}/{row['seeds_expected']}")
    columns = [
        _Column("", lambda row: "" if row["rank"] is None else str(row["rank"])),
        *[star] * any(row["pareto"] for row in rows),
        _Column("backbone", _backbone, left=True),
        _Column("setting", lambda row: row["setting"], left=True),
        *[_Column("size", lambda row: sizes(row, signs.arrow))] * varies(rows, sizes),
        *[_Column("adaptation", lambda row: row["adaptation"] or "", left=True)] * any(map(is_adapted, rows)),
        *[_Column("crops", lambda row: row["crops"] or SQUARE, left=True)] * any(map(is_cropped, rows)),
    ]
    # Columns without a figure in any row are left out, as in published accuracies; top-1 then says what went wrong.
    for name in shown():
        measure = MEASURES[name]
        if name == "top1" or any(row[measure.column] is not None for row in rows):
            columns.append(_measured(measure, rows, signs))
        if name == "top1" and any(row["seeds_ok"] < row["seeds_expected"] for row in rows):
            columns.append(seeds)
    return columns


def _measured(measure: Measure, rows: list[Row], signs: _Signs) -> _Column:
    heading = measure.heading or Heading(measure.title)
    if measure is MEASURES["top1"]:
        mixed = len(_deviations(rows)) > 1
        return _Column(heading.text, lambda row: _top1(row, signs, mixed))
    key, scale = measure.column, heading.scale or measure.scale

    def text(row: Row) -> str:
        return short(None if row[key] is None else row[key] / scale, signs.absent) + _mark(key, row, rows)

    return _Column(heading.text, text, dropped=heading.dropped)


def _mark(key: str, row: Row, rows: Sequence[Row]) -> str:
    """Return the sign behind an unsteady figure; behind the others of its column a space, so that digits stand in
    line.
    """
    if is_unsteady(row, key):
        return UNSTEADY
    return " " if any(is_unsteady(other, key) for other in rows) else ""


def _backbone(row: Row) -> Text:
    text = Text(row["backbone"])
    return text.append(" random!", style="bold red") if is_random(row) else text


def _top1(row: Row, signs: _Signs, mixed: bool) -> Text:
    if row["top1"] is None:
        return Text(row["status"], style="dim" if row["status"] == NOT_YET else "bold red")
    bar = error_bar(row)
    if bar is None:
        return Text(f"{row['top1']:.1f}")
    mark = bar.over[0] if mixed else ""
    return Text(f"{row['top1']:.1f} {signs.plus_minus}{bar.deviation:.1f}{mark}")


def _table(columns: list[_Column], rows: list[Row], lines: Box) -> Table:
    table = Table(box=lines, pad_edge=False, padding=0, show_edge=False)
    for column in columns:
        folds = column.header == "backbone"
        table.add_column(
            column.header,
            justify="left" if column.left else "right",
            no_wrap=not folds,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(column.text(row) for column in columns), style=None if row["rank"] else "dim")
    return table


def _width(columns: list[_Column], rows: list[Row]) -> int:
    """Return how many columns the table needs, one between each two."""
    total = len(columns) - 1
    for column in columns:
        texts = [Text(line) for line in column.header.split("\n")] + [_as_text(column.text(row)) for row in rows]
        widest = max(text.cell_len for text in texts)
        total += min(widest, _BACKBONE_WIDTH) if column.header == "backbone" else widest
    return total


def _as_text(content: str | Text) -> Text:
    return content if isinstance(content, Text) else Text(content)


def _title(row: Row) -> str:
    title = row["dataset_title"] or row["dataset"]
    name = title if title == row["dataset"] else f"{title} ({row['dataset']})"
    return f"{name}: {row['classes']} classes, chance {100 / row['classes']:.1f} %"


def _notes(rows: list[Row], signs: _Signs, hidden: list[str]) -> list[str]:
    over = _deviations(rows)
    meaning = {
        "seeds": "sample deviation over seeds",
        "folds": "deviation over 10 folds of the test images, each left out once",
    }
    bars = "; ".join(f"{signs.plus_minus}{kind[0] * (len(over) > 1)} {meaning[kind]}" for kind in over)
    front = f"{signs.front} on the Pareto front of top-1 against MACs an image (all views)"
    notes = [front] * any(row["pareto"] for row in rows)
    notes += [bars] if bars else []
    notes += [f"measured on {conditions}; ms at batch 1" for conditions in _conditions(rows)]
    if any(map(is_random, rows)):
        notes.append("random!: the backbone is not pretrained")
    notes += _edges(rows)
    if hidden:
        notes.append(f"not shown for want of width: {', '.join(hidden)}")
    return notes


def _edges(rows: list[Row]) -> list[str]:
    """Return a note on the trainings whose learning rate is at the edge of its candidates."""
    mixed = varies(rows, lambda row: row["train_size"])

    def name(row: Row) -> str:
        size = f" {row['train_size']}" if mixed else ""
        return f"{row['backbone']} {method_of(row)}{size} ({row['learning_rate_edge']})"

    edges = dict.fromkeys(name(row) for row in rows if row["learning_rate_edge"])
    if not edges:
        return []
    named = ", ".join(list(edges)[:_EDGES_NAMED])
    more = f" and {len(edges) - _EDGES_NAMED} more" if len(edges) > _EDGES_NAMED else ""
    return [f"learning rate at the edge of its candidates, a better one may lie beyond: {named}{more}; see fgir tuning"]


def _deviations(rows: list[Row]) -> list[str]:
    return sorted({bar.over for row in rows if (bar := error_bar(row))})


def _conditions(rows: list[Row]) -> list[str]:
    keys = ("device", "precision", "timing_batch_size")
    found = dict.fromkeys(tuple(row[key] for key in keys) for row in rows if row["throughput"] is not None)
    return [f"{device}, {precision}, batch {batch}" for device, precision, batch in found]


def _doubts(rows: list[Row], signs: _Signs, sort: str) -> list[str]:
    """Return notes on unsteady timings: why, and what to do; each timing once, though cells share it."""
    doubtful = {row["timing_error"]: row for row in rows if row["timing_status"] == "unsteady"}
    if not doubtful:
        return []
    last = "; not ranked, and after the others" if any(is_unsteady(row, MEASURES[sort].column) for row in rows) else ""
    note = (
        f"{UNSTEADY} measured on a disturbed machine{last}. To measure again: delete timing.parquet (or "
        "end_to_end.parquet) of the cell, below cost/ of the results, and run the study while nothing else runs."
    )
    lines = [
        f"unsteady: {row['backbone']} {row['setting']} {row['test_size']}: {error.removeprefix('Unsteady: ')}"
        for error, row in list(doubtful.items())[:_TROUBLES_NAMED]
    ]
    more = len(doubtful) - _TROUBLES_NAMED
    lines += [f"and {counted(more, 'more timing')}: see the column timing_error of the summary"] if more > 0 else []
    return [note, *lines]


def _troubles(rows: list[Row], signs: _Signs) -> list[str]:
    """Return notes on what is wrong with cells: the first of the troubles, each with the cells that share it."""
    gathered: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row["status"] not in ("ok", NOT_YET):
            # What a failed job left undone differs from cell to cell; that it failed is one trouble.
            gathered.setdefault((row["status"], row["error"].split(WHAT_IS_ABSENT)[0]), []).append(row)
    lines = []
    for (status, error), cells in list(gathered.items())[:_TROUBLES_NAMED]:
        if len(cells) == 1:
            where = condition(cells[0], signs.arrow, unit="")
            name = f"{cells[0]['backbone']} {cells[0]['setting']} {where}"
            lines.append(f"{status}: {name}: {cells[0]['error']}")
        else:
            lines.append(f"{counted(len(cells), 'cell')} {status}: {error.rstrip('.')}.")
    more = sum(map(len, list(gathered.values())[_TROUBLES_NAMED:]))
    return [*lines, f"and {counted(more, 'more cell')}: see the column error of the summary"] if more else lines
