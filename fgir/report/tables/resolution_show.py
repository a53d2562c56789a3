"""Print resolution in a terminal: the grids of train and test sizes, and the best test size for each budget."""

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fgir.report.tables.display import Row, short, table_lines, varies
from fgir.report.tables.matrix_show import show_matrix
from fgir.report.tables.resolution import TOP1, Budget, accuracy, blocks, budgets, grids
from fgir.utils.terminal import print_note

_HOW_TO_READ = (
    "From its cost on, and up to that of the next line, a line is the most accurate choice. A difference below ± or "
    "the standard error may be chance."
)


def show_resolution(rows: Sequence[Row], console: Console) -> None:
    """Print a grid of each dataset, backbone, setting and kind of crops, then the budgets of each dataset.

    FgirError as ``grids``.
    """
    for grid in grids(rows):
        console.print()
        console.print(Text(grid.title, style="bold underline"))
        for block in blocks(grid):
            show_matrix(block, console)
    if all(row[TOP1.column] is None for row in rows):
        print_note(console, "No cell has an accuracy yet; see fgir show.")
        return
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        for budget in budgets([row for row in rows if row["dataset"] == dataset]):
            console.print()
            title = f"Best choice for each budget on {dataset}, {budget.measure.title}{_of_all(rows)}"
            console.print(Text(title, style="bold"))
            console.print(_table(budget, rows, console))
            for note in budget.notes:
                print_note(console, note)
    print_note(console, _HOW_TO_READ)


# What names a choice; it has a column where it varies, and else a word in the title.
_NAMES: dict[str, Callable[[Row], str]] = {
    "backbone": lambda row: row["backbone"],
    "setting": lambda row: row["setting"],
    "crops": lambda row: row["crops"],
    "adaptation": lambda row: row["adaptation"],
}


def _of_all(rows: Sequence[Row]) -> str:
    alike = [_NAMES[name](rows[0]) for name in ("backbone", "setting") if not varies(rows, _NAMES[name])]
    return f": {', '.join(alike)}" if alike else ""


def _table(budget: Budget, rows: Sequence[Row], console: Console) -> Table:
    names = [name for name in _NAMES if varies(rows, _NAMES[name])]
    table = Table(box=table_lines(console), pad_edge=False, padding=0, show_edge=False)
    table.add_column("from", justify="right", no_wrap=True)
    table.add_column("train\npx", justify="right", no_wrap=True)
    table.add_column("test\npx", justify="right", no_wrap=True)
    for name in names:
        table.add_column(name, overflow="fold")
    table.add_column("top-1 %", justify="right", no_wrap=True)
    for row in budget.rows:
        cost = short(row[budget.measure.column] / budget.measure.scale)
        sizes = [str(row[key]) for key in ("train_size", "test_size")]
        table.add_row(cost, *sizes, *(_NAMES[name](row) for name in names), accuracy(row))
    return table
