"""Set a paper's printed tables again from its published values, with measured ones beside them.

A published value says where it stands in print: its table by the end of its source, its part, line and column there.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from fgir.report.tables.display import Row
from fgir.report.tables.matrix import ABSENT, Matrix
from fgir.report.tables.matrix_show import markdown
from fgir.results.papers import Paper, tables_of
from fgir.results.published import Published, of_table
from fgir.study import REGIME_OF, Cell
from fgir.study.identities import SQUARE, UNADAPTED
from fgir.study.methods import METHODS
from fgir.utils.errors import FgirError, nearest
from fgir.utils.words import counted

# The values of a published row, each a column where a table has no columns of its own.
_VALUES = {
    "top1": "top-1 %",
    "top5": "top-5 %",
    "backward_ms": "backward ms",
    "forward_ms": "forward ms",
    "hours": "hours",
}
_AXES = "tested at … px after training at … px"
# What a measured row must agree in, as far as a published one states it.
_STATED = ("dataset", "backbone", "train_size", "test_size", "adaptation", "crops")


class Entry(NamedTuple):
    """Pair a published value with the measured row of the same cell, if there is one."""

    published: Published
    ours: Row | None


class Printed(NamedTuple):
    """Hold a table of a paper."""

    name: str
    title: str
    entries: list[Entry]

    @property
    def missing(self) -> list[Cell]:
        """Return the cells that a study can have and that are not measured, each once."""
        cells = (entry.published.cell for entry in self.entries if entry.ours is None)
        return list(dict.fromkeys(cell for cell in cells if cell is not None))


def printed(paper: Paper, published: Sequence[Published], name: str, rows: Sequence[Row] = ()) -> Printed:
    """Return a table of a paper, or that which a figure draws, with what is measured; FgirError where it has none of
    that name.
    """
    names = tables_of(paper)
    if name not in names:
        raise FgirError(f'There is no table or figure "{name}"{nearest(name, names)}')
    source = names[name]
    own = of_table(published, source)
    if not own:
        raise FgirError(f"No published value has a source that ends in {source}; correct tables of the paper.")
    return Printed(name, f"{source}. {paper.tables[source]}", [Entry(row, _ours(row, rows)) for row in own])


def _ours(published: Published, rows: Iterable[Row]) -> Row | None:
    """Return the most accurate measured row that agrees in all that is stated, first of the published setting."""
    stated = {key: value for key in _STATED if (value := getattr(published, key)) is not None}
    named = [row | {"crops": row.get("crops") or SQUARE} for row in rows if row["top1"] is not None]
    alike = [row for row in named if all(row[key] == value for key, value in stated.items())]
    of_settings = ([row for row in alike if row["setting"] == setting] for setting in published.settings)
    first: list[Row] = next(filter(None, of_settings), [])
    return max(first, key=lambda row: row["top1"], default=None)


def tables(table: Printed) -> list[Matrix]:
    """Return a table of each part: published values, and measured ones in parentheses."""
    parts: dict[str | None, list[Entry]] = {}
    for entry in table.entries:
        parts.setdefault(entry.published.part, []).append(entry)
    made = [_part(part or "", entries) for part, entries in parts.items()]
    return [*made[:-1], made[-1]._replace(notes=[*made[-1].notes, *_notes(table)])]


def _part(title: str, entries: Sequence[Entry]) -> Matrix:
    lines = list(dict.fromkeys(entry.published.line or "" for entry in entries))
    columns = list(dict.fromkeys(column for entry in entries for column in _columns(entry)))
    columns = [column for column in columns if any(_value(entry, column) is not None for entry in entries)]
    at = {(entry.published.line or "", column): entry for entry in entries for column in _columns(entry)}
    texts = [[_text(at.get((line, column)), column) for column in columns] for line in lines]
    figures = [[_value(at.get((line, column)), column) for column in columns] for line in lines]
    down = all(map(str.isdigit, lines))
    across = not down and all(map(str.isdigit, columns))
    best = (
        _best_across(figures) if across else [list(line) for line in zip(*_best_across(_turned(figures)), strict=True)]
    )
    return Matrix(
        title=": ".join(filter(None, (title, _AXES if down else ""))) or _VALUES["top1"],
        corner="test \\ train" if down else "",
        columns=columns,
        rows=lines,
        means=[],
        texts=texts,
        best=best if down or across else [[False] * len(columns) for _ in lines],
        best_of="column, as published" if down else "line, as published",
        doubtful=[[False] * len(columns) for _ in lines],
        notes=[],
    )


def _columns(entry: Entry) -> Iterator[str]:
    """Yield the columns that a published row fills."""
    if entry.published.column:
        yield entry.published.column
    else:
        yield from _VALUES.values()


def _field(entry: Entry, column: str) -> str:
    of_title = {title: field for field, title in _VALUES.items()}
    return "top1" if entry.published.column else of_title[column]


def _value(entry: Entry | None, column: str) -> float | None:
    if entry is None:
        return None
    value: float | None = getattr(entry.published, _field(entry, column))
    return value


def _text(entry: Entry | None, column: str) -> str:
    value = _value(entry, column)
    if entry is None or value is None:
        return ABSENT
    ours = _measured(entry.ours, _field(entry, column)) if entry.ours else None
    return _figure(value) + ("" if ours is None else f" ({_figure(round(ours, 1))})")


def _figure(value: float) -> str:
    return f"{value:.1f}" if round(value, 1) == value else f"{value:g}"


def _measured(row: Row, field: str) -> float | None:
    """Return what a row of a summary has for a published value; of the milliseconds of a training step it has none."""
    if field == "hours":
        hours = [row.get(key) for key in ("train_hours", "adapt_hours")]
        return None if hours[0] is None else sum(value or 0.0 for value in hours)
    value: float | None = row.get(field)
    return value


def _best_across(figures: Sequence[Sequence[float | None]]) -> list[list[bool]]:
    """Mark the highest of each line; nothing where there is nothing to compare."""
    highest = [max((value for value in line if value is not None), default=None) for line in figures]
    return [
        [value is not None and value == best and sum(other is not None for other in line) > 1 for value in line]
        for line, best in zip(figures, highest, strict=True)
    ]


def _turned(figures: Sequence[Sequence[float | None]]) -> list[list[float | None]]:
    return [list(column) for column in zip(*figures, strict=True)]


def _notes(table: Printed) -> list[str]:
    measured = sum(entry.ours is not None for entry in table.entries)
    notes = [f"published (measured), {measured} of {len(table.entries)}"] if measured else []
    if any(entry.ours and entry.ours["setting"] != entry.published.setting for entry in table.entries):
        notes.append("some measured with the weights' own classifier, not trained here")
    if any(entry.published.setting is None for entry in table.entries):
        notes.append("not every model can be trained here")
    said = dict.fromkeys(entry.published.note for entry in table.entries)
    if len(said) == 1:
        return [*notes, *filter(None, said)]
    of_lines = (f"{entry.published.line}: {entry.published.note}" for entry in table.entries if entry.published.note)
    return [*notes, *dict.fromkeys(of_lines)]


def lacking(table: Printed) -> str:
    """Return what the missing cells need, as a sentence; empty where none is missing."""
    cells = table.missing
    if not cells:
        return ""
    runs = {cell.run(0) for cell in cells if METHODS[REGIME_OF[cell.setting]].learns}
    adaptations = [cell for cell in cells if cell.adaptation != UNADAPTED]
    jobs = {"training": len(runs), "adaptation": len(adaptations), "evaluation": len(cells)}
    taken = [(number, job) for job, number in jobs.items() if number]
    return f"Not measured: {counted(len(cells), 'cell')}. A seed takes {', '.join(counted(*job) for job in taken)}."


def page(table: Printed) -> str:
    """Return the table in Markdown, with its title and what it lacks."""
    parts = [f"**{matrix.title}**\n\n{markdown(matrix)}" for matrix in tables(table)]
    return "\n".join([f"## {table.title}\n", *parts, *filter(None, [lacking(table)])]).rstrip("\n") + "\n"
