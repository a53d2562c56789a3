"""Name cells and the errors of their accuracies the same way in every table and figure."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

from rich import box
from rich.console import Console

from fgir.results.measures import MEASURES
from fgir.study import REGIME_OF, SETTINGS
from fgir.study.identities import SQUARE, UNADAPTED
from fgir.utils.errors import FgirError

Row = dict[str, Any]

# Behind a figure that a disturbed machine gave.
UNSTEADY = "~"
_TINY = 1e-5
_BLANK = "    \n"
_ASCII_BOX = box.Box(_BLANK * 2 + " -- \n" + _BLANK * 5, ascii=True)


class ErrorBar(NamedTuple):
    """Hold a deviation of top-1 in %, and what it is over: seeds, or the 10 folds of the test images."""

    deviation: float
    over: Literal["seeds", "folds"]


def error_bar(row: Row) -> ErrorBar | None:
    """Return the deviation over seeds, or without one over folds; None where there is neither."""
    over_seeds = row[MEASURES["top1"].deviation]
    if over_seeds is not None:
        return ErrorBar(over_seeds, "seeds")
    if row["top1_fold_std"] is not None:
        return ErrorBar(row["top1_fold_std"], "folds")
    return None


def is_random(row: Row) -> bool:
    """Say whether the backbone is not pretrained, by what its row says of its weights."""
    return (row["weights"] or "").startswith("none")


def is_unsteady(row: Row, column: str) -> bool:
    """Say whether a row's figure in ``column`` (throughput, latency, …) was measured on a disturbed machine."""
    return column in (row["unsteady"] or ())


def sizes(row: Row, arrow: str = "→") -> str:
    """Return the train size, and the test size where it is another: ``96``, ``96→128``."""
    train, test = row["train_size"], row["test_size"]
    return f"{train}" if train == test else f"{train}{arrow}{test}"


def is_adapted(row: Row) -> bool:
    """Say whether something of the run was adapted at the test size."""
    return row["adaptation"] not in (None, UNADAPTED)


def is_cropped(row: Row) -> bool:
    """Say whether images became crops otherwise than as published."""
    return row["crops"] not in (None, SQUARE)


def state(row: Row) -> str:
    """Return the adaptation and the kind of crops of a row, where they are not those that were published."""
    adapted = [f"adaptation {row['adaptation']}"] * is_adapted(row)
    return ", ".join([*adapted, *[f"crops {row['crops']}"] * is_cropped(row)])


def condition(row: Row, arrow: str = "→", unit: str = " px") -> str:
    """Return what figures are of besides dataset, backbone and setting: ``96→128 px``, adaptation and crops."""
    return ", ".join(filter(None, (f"{sizes(row, arrow)}{unit}", state(row))))


def sides(row: Row) -> tuple[str, int, int, str]:
    """Return a key that orders conditions: by crops, train size, test size and adaptation; square and none first."""
    crops, adaptation = row["crops"] if is_cropped(row) else "", row["adaptation"] if is_adapted(row) else ""
    return crops, row["train_size"], row["test_size"], adaptation


def settings_of(rows: Iterable[Row]) -> list[str]:
    """Return the settings of rows, each once: those of the suite in its order, then all others as they come."""
    return in_order(row["setting"] for row in rows)


def in_order(settings: Iterable[str]) -> list[str]:
    """Return settings, each once: those of the suite in its order, then all others as they come."""
    found = dict.fromkeys(settings)
    return [*(name for name in SETTINGS if name in found), *(name for name in found if name not in SETTINGS)]


def method_of(row: Row) -> str:
    """Return the method that trained the weights of a row; a setting of any other name is ``method+protocol``."""
    setting: Any = row["setting"]
    return REGIME_OF.get(setting, setting.partition("+")[0])


def in_lines(setting: str) -> str:
    """Return a setting's name as the head of a narrow column: ``method`` and ``+protocol`` in a line each."""
    return setting.replace("+", "\n+")


def of_sizes(rows: Sequence[Row], wanted: Sequence[str] | None) -> list[Row]:
    """Return the rows of some sizes, named ``96`` or, with the test size, ``96-128``; all rows where none is named.

    FgirError where the rows have no such size.
    """
    there = {sizes(row, "-") for row in rows}
    for size in wanted or ():
        if size not in there:
            names = sorted(there, key=lambda name: [int(part) for part in name.split("-")])
            raise FgirError(f'There is no size "{size}" in the summary; it has {", ".join(names)}.')
    return [row for row in rows if not wanted or sizes(row, "-") in wanted]


def varies(rows: Sequence[Row], what: Callable[[Row], Any]) -> bool:
    """Say whether there is more than one value of ``what`` among the rows."""
    return len({what(row) for row in rows}) > 1


def short(value: float | None, absent: str = "–") -> str:
    """Return a figure in about three digits and, but for the tiniest, without exponent: 0.00108, 7.83, 15.5, 1,204."""
    if value is None:
        return absent
    if value == 0:
        return "0"
    if abs(value) < _TINY:
        return f"{value:.2e}"
    # Behind the point: none for hundreds, two for ones, and so on.
    return f"{value:,.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def table_lines(console: Console) -> box.Box:
    """Return the lines of a printed table: one below its head, in what the terminal can show."""
    return _ASCII_BOX if console.options.ascii_only else box.SIMPLE_HEAD
