"""The console that tables are printed to, as wide as the terminal."""

import shutil
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

WIDTH_WITHOUT_TERMINAL = 100


def console(width: int | None = None, file: IO[str] | None = None) -> "Console":
    """Return a console of ``width`` columns; without it, of COLUMNS, else of the terminal, else of 100 columns."""
    from rich.console import Console

    columns = shutil.get_terminal_size((WIDTH_WITHOUT_TERMINAL, 24)).columns
    # A name in brackets is a name, and no markup.
    return Console(width=width or columns, file=file, highlight=False, markup=False)
