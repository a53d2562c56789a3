"""Print how large objects appear in training and at test, and the best test size: predicted, drawn and found."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from fgir.analysis.drawn_size import Apparent
from fgir.report.tables.display import Row, is_adapted, table_lines
from fgir.report.tables.resolution import TOP1, crops_of
from fgir.utils.terminal import print_note

_HOW_TO_READ = (
    "ratio: size of objects at a test of the train size to that in training; test px: the test size at which both are "
    "equal; drawn: with the windows of a training, those that do not fit into the image drawn again."
)


def best_found(rows: Sequence[Row], train_size: int, crops: str) -> list[str]:
    """Return the best test sizes of a summary's runs without adaptation, one for each backbone and setting."""
    runs: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if (row["train_size"], crops_of(row)) == (train_size, crops) and not is_adapted(row):
            runs.setdefault((row["backbone"], row["setting"]), []).append(row)
    measured = [[row for row in run if row[TOP1.column] is not None] for run in runs.values()]
    best = [max(run, key=lambda row: row[TOP1.column])["test_size"] for run in measured if len(run) > 1]
    return [str(size) for size in sorted(set(best))]


def show_apparent(found: Sequence[Apparent], crops: str, rows: Sequence[Row], console: Console) -> None:
    """Print a line for each train size; ``rows`` are those of a summary of the dataset, or none."""
    table = Table(box=table_lines(console), pad_edge=False, padding=0, show_edge=False)
    objects = any(line.in_training is not None for line in found)
    best = {line.train_size: best_found(rows, line.train_size, crops) for line in found}
    heads = ["train\npx", *["objects in\ntraining, px", "at test of\nthat size"] * objects]
    heads += ["ratio by\nequation 5", "ratio\ndrawn", "test px by\nequation 5", "test px\ndrawn"]
    for head in [*heads, *["best px\nfound"] * any(best.values())]:
        table.add_column(head, justify="right")
    for line in found:
        sizes = [_pixels(line.in_training), _pixels(line.at_test)] if objects else []
        ratios = [f"{line.expected:.3f}", f"{line.drawn:.3f}", f"{line.expected_best:.0f}", f"{line.drawn_best:.0f}"]
        own = [", ".join(best[line.train_size]) or "–"] if any(best.values()) else []
        table.add_row(str(line.train_size), *sizes, *ratios, *own)
    console.print(table)
    print_note(console, _HOW_TO_READ)


def _pixels(size: float | None) -> str:
    return "–" if size is None else f"{size:.1f}"
