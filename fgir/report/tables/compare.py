"""Compare our accuracies with published ones: the difference of every cell, and which ones seeds explain.

A published accuracy and ours are means over different seeds, on the same test images. With s the standard deviation of
one seed, the difference of two such means has the standard deviation s * sqrt(1 / our seeds + 1 / published seeds); a
difference beyond twice that (and half a unit of the last published digit) is *outside what seeds explain*. About one
cell in twenty would be so by chance.

s is the sample deviation over the cell's own seeds, or the pooled one of all cells of the same dataset, setting and
adaptation, whichever is larger: three seeds that happen to lie close together explain nothing away. Where no such cell
has two seeds that differ, s is unknown, and so is the verdict. The binomial error of the test set is no part of it, as
the test images are the same; other epochs, learning rates or test images are not seeds, and are what a difference
outside may mean.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from fgir.report.tables.display import Row
from fgir.results.cell import mean
from fgir.results.measures import MEASURES
from fgir.study import SQUARE
from fgir.utils.errors import FgirError

# Standard deviations within which 95 of 100 differences by chance lie.
_DEVIATIONS = 2.0
# Published values have two decimals.
_ROUNDING = 0.005
# The measure that is compared.
OURS = MEASURES["top1"]
_KEPT = (
    *("dataset", "backbone", "setting", "train_size", "test_size", "adaptation", "crops"),
    *(OURS.column, OURS.deviation, "seeds_ok"),
    *(OURS.published, "published_seeds", "published_source", "learning_rate_edge"),
)
# What a deviation is pooled over.
_Pool = tuple[str, str, str, str]


def compare(rows: Sequence[Row]) -> list[Row]:
    """Return a row of table ``comparison`` for each row of a summary that has an accuracy and a published one.

    FgirError where there is none.
    """
    pooled = _pooled_deviations(rows)
    compared = [_compared(row, pooled) for row in rows if None not in (row[OURS.column], row[OURS.published])]
    if not compared:
        is_published = any(row[OURS.published] is not None for row in rows)
        reason = (
            "no cell with a published accuracy has one of its own yet."
            if is_published
            else "no cell has a published accuracy; name a file of them as published_file in the study."
        )
        raise FgirError(f"There is nothing to compare: {reason}")
    return compared


def _compared(row: Row, pooled: dict[_Pool, float]) -> Row:
    difference = row[OURS.column] - row[OURS.published]
    deviations = [s for s in (row[OURS.deviation], pooled.get(_pool(row))) if s]
    deviation = max(deviations, default=None)
    explained = None if deviation is None else _explained(deviation, row["seeds_ok"], row["published_seeds"] or 1)
    return {key: row[key] for key in _KEPT} | {
        "difference": difference,
        "seed_deviation": deviation,
        "explained": explained,
        "outside": None if explained is None else abs(difference) > explained,
    }


def _explained(deviation: float, ours: int, published: int) -> float:
    return _DEVIATIONS * deviation * math.sqrt(1 / ours + 1 / published) + _ROUNDING


def _pool(row: Row) -> _Pool:
    return row["dataset"], row["setting"], row["adaptation"], row["crops"] or SQUARE


def _pooled_deviations(rows: Sequence[Row]) -> dict[_Pool, float]:
    """Return the root mean square of the deviations of one seed, by pool, each weighing its seeds less one."""
    squares: dict[_Pool, float] = defaultdict(float)
    freedom: dict[_Pool, int] = defaultdict(int)
    for row in rows:
        if row[OURS.deviation] is not None:
            squares[_pool(row)] += (row["seeds_ok"] - 1) * row[OURS.deviation] ** 2
            freedom[_pool(row)] += row["seeds_ok"] - 1
    return {key: math.sqrt(total / freedom[key]) for key, total in squares.items()}


def mean_differences(compared: Sequence[Row], *keys: str) -> dict[tuple[Any, ...], tuple[float, int]]:
    """Return the mean difference and number of cells of each group of equal ``keys``: (backbone, setting), (setting),
    ().
    """
    groups: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    for row in compared:
        groups[tuple(row[key] for key in keys)].append(row["difference"])
    return {group: (mean(values) or 0.0, len(values)) for group, values in groups.items()}
