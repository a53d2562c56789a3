"""Backbone x dataset tables of one setting, with means: for the terminal and as Markdown."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rich.box import Box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fgir.errors import FgirError, nearest
from fgir.study import SETTINGS
from fgir.tables.display import Row, short, sizes, table_lines

if TYPE_CHECKING:
    import numpy as np


class Value(NamedTuple):
    """What a table shows: its column, unit, scale, and whether more is better."""

    column: str
    title: str
    more_is_better: bool
    scale: float = 1.0
    accuracy: bool = False


VALUES = {
    "top1": Value("top1", "top-1, %", True, accuracy=True),
    "published": Value("published_top1", "published top-1, %", True, accuracy=True),
    "top5": Value("top5", "top-5, %", True, accuracy=True),
    "class_mean": Value("class_mean", "mean accuracy of classes, %", True, accuracy=True),
    "macs": Value("macs_image", "GMACs an image", False, 1e9),
    "throughput": Value("throughput", "images/s", True),
    "latency": Value("latency", "ms at batch 1", False),
    "training": Value("train_hours", "hours of training", False),
}
# The datasets on which the study compares image sizes and all its backbones (arXiv 2605.18700).
FOUR = ("aircraft", "cub", "soygene", "soylocal")
_HEADER_WIDTH = 9
_ABSENT = "–"


class Matrix(NamedTuple):
    """A table ready to print: a text of each entry, and which are the best of their dataset."""

    title: str
    corner: str
    """What the rows are: dataset or backbone."""
    columns: list[str]
    rows: list[str]
    means: list[str]
    """Names of the rows or columns that are means."""
    texts: list[list[str]]
    best: list[list[bool]]
    notes: list[str]


def matrices(rows: Sequence[Row], setting: str | None = None, value: str = "top1") -> list[Matrix]:
    """A table a setting and pair of sizes, in the order of the study; those without any figure are left out.

    FgirError where ``setting`` or ``value`` is not one of those that there are, or no figure at all is there.
    """
    if value not in VALUES:
        raise FgirError(f'A table cannot show "{value}"{nearest(value, VALUES)}')
    present = [name for name in SETTINGS if any(row["setting"] == name for row in rows)]
    if setting is not None and setting not in present:
        raise FgirError(f'The summary has no setting "{setting}"{nearest(setting, present)}')
    column = VALUES[value].column
    tables = []
    for name in present if setting is None else [setting]:
        cells = [row for row in rows if row["setting"] == name and row[column] is not None]
        for condition in dict.fromkeys((sizes(row), row["adaptation"]) for row in cells):
            chosen = [row for row in cells if (sizes(row), row["adaptation"]) == condition]
            adapted = "" if condition[1] == "none" else f", adaptation {condition[1]}"
            tables.append(_matrix(chosen, f"{name}, {condition[0]} px{adapted}: {VALUES[value].title}", VALUES[value]))
    if not tables:
        raise FgirError(f"The summary has no figure to show: {column} is null in every cell.")
    return tables


def _matrix(rows: Sequence[Row], title: str, value: Value) -> Matrix:
    import numpy as np

    datasets, backbones = (list(dict.fromkeys(row[key] for row in rows)) for key in ("dataset", "backbone"))
    figures = np.full((len(datasets), len(backbones)), np.nan)
    for row in rows:
        figures[datasets.index(row["dataset"]), backbones.index(row["backbone"])] = row[value.column] / value.scale
    means = _means(datasets)
    members = [figures[[datasets.index(name) for name in names]].mean(axis=0) for names in means.values()]
    figures = np.vstack([figures, *members])
    best = _best(figures, value.more_is_better)
    lines, columns = datasets + list(means), backbone_titles(rows)
    names = list(means)
    if len(backbones) > 1:
        # Of the backbones of a dataset.
        figures = np.column_stack([figures, figures.mean(axis=1)])
        best = np.column_stack([best, np.zeros(len(lines), dtype=bool)])
        columns, names = [*columns, "mean"], [*names, "mean"]
    flipped = len(backbones) > len(datasets)
    if flipped:
        lines, columns, figures, best = columns, lines, figures.T, best.T
    texts = [[_text(figure, value) for figure in line] for line in figures.tolist()]
    corner = "backbone" if flipped else "dataset"
    return Matrix(title, corner, columns, lines, names, texts, best.tolist(), _notes(rows, means, figures))


def _means(datasets: Sequence[str]) -> dict[str, list[str]]:
    means = {f"mean {len(datasets)}": list(datasets)} if len(datasets) > 1 else {}
    if len(datasets) > len(FOUR) and set(FOUR) <= set(datasets):
        means[f"mean {len(FOUR)}"] = list(FOUR)
    return means


def _best(figures: "np.ndarray", more_is_better: bool) -> "np.ndarray":
    """Mark the best of each row (datasets, backbones), all of equal ones; nothing where there is nothing to compare."""
    import numpy as np

    worth = np.where(np.isnan(figures), -np.inf, figures if more_is_better else -figures)
    compared = (~np.isnan(figures)).sum(axis=1, keepdims=True) > 1
    return compared & (worth == worth.max(axis=1, keepdims=True))


def backbone_titles(rows: Sequence[Row]) -> list[str]:
    """The backbones of the rows as shown, each once; with their pretraining where two have the same title."""
    named = {row["backbone"]: (row["backbone_title"], row["pretraining"]) for row in rows}
    titles = [title for title, _ in named.values()]
    return [
        f"{title} ({pretraining or backbone})" if titles.count(title) > 1 else title
        for backbone, (title, pretraining) in named.items()
    ]


def _text(figure: float, value: Value) -> str:
    if figure != figure:  # NaN
        return _ABSENT
    return f"{figure:.2f}" if value.accuracy else short(figure)


def _notes(rows: Sequence[Row], means: dict[str, list[str]], figures: "np.ndarray") -> list[str]:
    import numpy as np

    notes = []
    if f"mean {len(FOUR)}" in means and len(means) > 1:
        notes.append(f"mean {len(FOUR)}: {', '.join(FOUR)}")
    if np.isnan(figures).any():
        notes.append(f"{_ABSENT} no figure, or a mean that lacks one")
    if all(row["seeds_ok"] == 1 for row in rows):
        notes.append("every figure is of a single seed")
    return notes


def markdown(matrix: Matrix) -> str:
    """The table in Markdown, without its title; the best of each dataset in bold."""
    lines = [f"| {' | '.join([matrix.corner, *map(_bold_mean(matrix), matrix.columns)])} |"]
    lines.append(f"|---{'|--:' * len(matrix.columns)}|")
    for name, texts, marks in zip(matrix.rows, matrix.texts, matrix.best, strict=True):
        entries = [f"**{text}**" if mark else text for text, mark in zip(texts, marks, strict=True)]
        lines.append(f"| {' | '.join([_bold_mean(matrix)(name), *entries])} |")
    if any(map(any, matrix.best)):
        lines += ["", f"Bold: the best of the dataset{''.join(f'; {note}' for note in matrix.notes)}."]
    return "\n".join(lines) + "\n"


def _bold_mean(matrix: Matrix) -> Callable[[str], str]:
    return lambda name: f"*{name}*" if name in matrix.means else name


def show_matrix(matrix: Matrix, console: Console) -> None:
    """Print the table; where it is wider than the terminal, in several parts one below the other."""
    console.print()
    console.print(Text(matrix.title, style="bold"))
    for part in _parts(matrix, console.width):
        console.print(_table(matrix, part, table_lines(console)))
    notes = ["* best of the dataset"] if any(map(any, matrix.best)) else []
    console.print(Text("; ".join(notes + matrix.notes)))


def _parts(matrix: Matrix, width: int) -> list[list[int]]:
    """Numbers of the columns of each part."""
    room = width - max(map(len, matrix.rows))
    parts: list[list[int]] = [[]]
    used = 0
    for place, column in enumerate(matrix.columns):
        entries = [len(line[place]) + 1 for line in matrix.texts]
        need = 1 + max(entries + [len(line) for line in _header(column)])
        if parts[-1] and used + need > room:
            parts.append([])
            used = 0
        parts[-1].append(place)
        used += need
    return parts


def _header(title: str) -> list[str]:
    """The lines of a column's title, which may end at spaces, hyphens and underscores."""
    lines = [""]
    for piece in re.findall(r"[^ _-]*[ _-]?", title):
        if lines[-1] and len(lines[-1] + piece.rstrip()) > _HEADER_WIDTH:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def _table(matrix: Matrix, part: list[int], lines: Box) -> Table:
    table = Table(box=lines, pad_edge=False, padding=0, show_edge=False)
    table.add_column("", no_wrap=True)
    for place in part:
        table.add_column("\n".join(_header(matrix.columns[place])), justify="right", no_wrap=True, vertical="bottom")
    for name, texts, marks in zip(matrix.rows, matrix.texts, matrix.best, strict=True):
        entries = [
            Text(texts[place] + "*", style="bold green") if marks[place] else Text(texts[place] + " ") for place in part
        ]
        table.add_row(Text(name, style="bold" if name in matrix.means else ""), *entries)
    return table
