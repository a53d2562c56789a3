"""Print tables and notes as wide as the terminal."""

import shutil
from itertools import chain
from textwrap import wrap
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

WIDTH_WITHOUT_TERMINAL = 100


def console(width: int | None = None, file: IO[str] | None = None) -> "Console":
    """Return a console of ``width`` columns; without it, as wide as COLUMNS says, as the terminal, or 100 columns."""
    from rich.console import Console

    columns = shutil.get_terminal_size((WIDTH_WITHOUT_TERMINAL, 24)).columns
    # A name in brackets is a name, and no markup.
    return Console(width=width or columns, file=file, highlight=False, markup=False)


def print_note(terminal: "Console", note: str) -> None:
    """Print a text in lines that fit the terminal; longer words, such as paths, stay whole."""
    from rich.text import Text

    lines = [
        wrap(line, terminal.width, break_long_words=False, break_on_hyphens=False) or [""] for line in note.split("\n")
    ]
    # Wrapped already: rich would cut a word in two.
    terminal.print(Text("\n".join(chain.from_iterable(lines))), soft_wrap=True)
