"""Show a matrix of figures as a table in a terminal, and in Markdown."""

import re
from collections.abc import Callable, Iterator

from rich.box import Box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fgir.report.tables.display import UNSTEADY, table_lines
from fgir.report.tables.matrix import Matrix

_HEADER_WIDTH = 9
# A longer word of a header is cut into lines.
_WORD_WIDTH = 14
_NAME_WIDTH = 30


def markdown(matrix: Matrix) -> str:
    """Return the table in Markdown, without its title; the best in bold."""
    lines = [f"| {' | '.join([matrix.corner, *map(_emphasised(matrix), matrix.columns)])} |"]
    lines.append(f"|---{'|--:' * len(matrix.columns)}|")
    for name, texts, marks, doubts in _lines(matrix):
        entries = [
            f"**{text}**" if mark else text + UNSTEADY * doubt
            for text, mark, doubt in zip(texts, marks, doubts, strict=True)
        ]
        lines.append(f"| {' | '.join([_emphasised(matrix)(name), *entries])} |")
    notes = _notes(matrix, "Bold: the")
    return "\n".join([*lines, *(["", f"{notes}."] if notes else [])]) + "\n"


def _lines(matrix: Matrix) -> Iterator[tuple[str, list[str], list[bool], list[bool]]]:
    return zip(matrix.rows, matrix.texts, matrix.best, matrix.doubtful, strict=True)


def _emphasised(matrix: Matrix) -> Callable[[str], str]:
    return lambda name: f"*{name}*" if name in matrix.means else name.replace("|", "\\|")


def _notes(matrix: Matrix, mark: str) -> str:
    best = [f"{mark} best of the {matrix.best_of}"] if any(map(any, matrix.best)) else []
    return "; ".join(best + matrix.notes)


def show_matrix(matrix: Matrix, console: Console) -> None:
    """Print the table; where it is wider than the terminal, in parts one below the other."""
    console.print()
    console.print(Text(matrix.title, style="bold"))
    for part in _parts(matrix, console.width):
        console.print(_table(matrix, part, table_lines(console)))
    console.print(Text(_notes(matrix, "*")))


def _name_width(matrix: Matrix) -> int:
    return min(_NAME_WIDTH, max(map(cell_len, matrix.rows)))


def _parts(matrix: Matrix, width: int) -> list[list[int]]:
    """Return the numbers of the columns of each part."""
    room = width - _name_width(matrix)
    parts: list[list[int]] = [[]]
    used = 0
    for place, column in enumerate(matrix.columns):
        entries = [len(line[place]) + 1 for line in matrix.texts]
        need = 1 + max(entries + [cell_len(line) for line in _header(column)])
        if parts[-1] and used + need > room:
            parts.append([])
            used = 0
        parts[-1].append(place)
        used += need
    return parts


def _header(title: str) -> list[str]:
    """Return the lines of a column's title, which may end at spaces, hyphens and underscores, and before a plus."""
    lines = [""]
    for piece in re.findall(rf"\+?[^ _+-]{{1,{_WORD_WIDTH}}}[ _-]?|[ _+-]", title):
        if lines[-1] and len(lines[-1] + piece.rstrip()) > _HEADER_WIDTH:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def _table(matrix: Matrix, part: list[int], lines: Box) -> Table:
    table = Table(box=lines, pad_edge=False, padding=0, show_edge=False)
    table.add_column("", overflow="fold", width=_name_width(matrix))
    for place in part:
        table.add_column("\n".join(_header(matrix.columns[place])), justify="right", no_wrap=True, vertical="bottom")
    for name, texts, marks, doubts in _lines(matrix):
        entries = [
            Text(texts[place] + "*", style="bold green")
            if marks[place]
            else Text(texts[place] + (UNSTEADY if doubts[place] else " "))
            for place in part
        ]
        table.add_row(Text(name, style="bold" if name in matrix.means else ""), *entries)
    return table
