"""Tabulate resolution: top-1 by train and test size, and the best test size for each budget of inference."""

import math
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

from fgir.analysis.apparent_size import predicted
from fgir.report.tables.display import Row, is_unsteady, settings_of, sides
from fgir.report.tables.matrix import ABSENT, Matrix, backbone_titles
from fgir.results.measures import MEASURES, Measure
from fgir.results.pareto import front
from fgir.study.identities import SQUARE, UNADAPTED
from fgir.utils.errors import FgirError, nearest

TOP1 = MEASURES["top1"]
BUDGETS = (MEASURES["macs"], MEASURES["latency"])
_GRID = ("dataset", "backbone", "setting", "crops")


class Grid(NamedTuple):
    """Hold the rows of one dataset, backbone, setting and kind of crops, with their title."""

    title: str
    rows: list[Row]


class Budget(NamedTuple):
    """Hold the cells that are the best choice for some budget, from the smallest budget on."""

    measure: Measure
    rows: list[Row]
    notes: list[str]


def chosen(rows: Sequence[Row], **wanted: Sequence[str] | None) -> list[Row]:
    """Return the rows whose columns have one of the wanted values each, and their crops and adaptation named.

    No value wanted: any. FgirError where the rows have no such value.
    """
    named = [row | {"crops": crops_of(row), "adaptation": row["adaptation"] or UNADAPTED} for row in rows]
    for column, values in wanted.items():
        there = dict.fromkeys(row[column] for row in named)
        for value in values or ():
            if value not in there:
                raise FgirError(f'There is no {column} "{value}" in the summary{nearest(value, there)}')
        named = [row for row in named if not values or row[column] in values]
    return named


def crops_of(row: Row) -> str:
    """Return the kind of crops of a row."""
    return row.get("crops") or SQUARE


def grids(rows: Sequence[Row]) -> list[Grid]:
    """Return a grid of each dataset, backbone, setting and kind of crops that was tested at more than one size.

    Those without any accuracy are left out, unless all are. FgirError where there is none.
    """
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[key] for key in _GRID), []).append(row)
    several = {key: of for key, of in found.items() if len({row["test_size"] for row in of}) > 1}
    if not several:
        raise FgirError(f"There is nothing to compare: {_one_size(rows)}")
    filled = {key: of for key, of in several.items() if any(row[TOP1.column] is not None for row in of)} or several
    titles = dict(zip(dict.fromkeys(row["backbone"] for row in rows), backbone_titles(rows), strict=True))
    settings = settings_of(rows)
    order = sorted(filled, key=lambda key: (list(filled).index(key), settings.index(key[2])))
    return [Grid(_title(key, titles), filled[key]) for key in order]


def _title(key: tuple[str, ...], titles: dict[str, str]) -> str:
    dataset, backbone, setting, crops = key
    return f"{titles[backbone]} on {dataset}, {setting}" + ("" if crops == SQUARE else f", {crops} crops")


def _one_size(rows: Sequence[Row]) -> str:
    sizes = sorted({row["test_size"] for row in rows})
    if not sizes:
        return "the summary has no such cell."
    others = sorted({*sizes, *(round(size * ratio / 32) * 32 for size in sizes for ratio in (1.15, 1.3))})
    return (
        f"each model was tested at one size alone ({', '.join(map(str, sizes))} px); name more as test_sizes in the "
        f"study, such as test_sizes: [{', '.join(map(str, others))}], and run it again: no run is trained anew."
    )


def blocks(grid: Grid) -> list[Matrix]:
    """Return a table for each adaptation of a grid, none first: test sizes x train sizes, the best of a column marked.

    Accuracies are in %, with the sample deviation over seeds where there are two seeds or more.
    """
    adaptations = sorted(dict.fromkeys(row["adaptation"] for row in grid.rows), key=lambda name: name != UNADAPTED)
    tables = [_block(name, [row for row in grid.rows if row["adaptation"] == name]) for name in adaptations]
    # What holds for all of them is said once, below the last.
    tables[0] = tables[0]._replace(notes=[*tables[0].notes, *_predictions(grid.rows)])
    return [*tables[:-1], tables[-1]._replace(notes=[*tables[-1].notes, *_notes(grid.rows)])]


def _block(adaptation: str, rows: Sequence[Row]) -> Matrix:
    trains, tests = (sorted({row[key] for row in rows}) for key in ("train_size", "test_size"))
    cell = {(row["test_size"], row["train_size"]): row for row in rows if row[TOP1.column] is not None}
    best = {train: _best([row for row in cell.values() if row["train_size"] == train]) for train in trains}
    marks = [[test in best[train] for train in trains] for test in tests]
    texts = [[accuracy(cell.get((test, train))) for train in trains] for test in tests]
    title = "not adapted" if adaptation == UNADAPTED else f"adaptation {adaptation}"
    return Matrix(
        title=f"{title}: top-1 %, tested at … px after training at … px",
        corner="test \\ train",
        columns=[str(size) for size in trains],
        rows=[str(size) for size in tests],
        means=[],
        texts=texts,
        best=marks,
        best_of="train size",
        doubtful=[[False] * len(trains) for _ in tests],
        notes=_gains(cell, best),
    )


def _best(rows: Sequence[Row]) -> list[int]:
    """Return the test sizes of the best accuracy; none where there is nothing to compare."""
    highest = max((row[TOP1.column] for row in rows), default=None)
    return [row["test_size"] for row in rows if row[TOP1.column] == highest] if len(rows) > 1 else []


def accuracy(row: Row | None) -> str:
    """Return top-1 in %, and ± the deviation over seeds where it is known."""
    if row is None or row[TOP1.column] is None:
        return ABSENT
    deviation = row[TOP1.deviation]
    return f"{row[TOP1.column]:.1f}" + ("" if deviation is None else f" ±{deviation:.1f}")


def _gains(cell: dict[tuple[int, int], Row], best: dict[int, list[int]]) -> list[str]:
    """Say how much the best test size of each train size is above testing at the train size itself."""
    own = {train: cell[train, train][TOP1.column] for train in best if (train, train) in cell}
    gains = [
        f"{train} px {cell[best[train][0], train][TOP1.column] - top1:+.1f}"
        for train, top1 in own.items()
        if best[train] and train not in best[train]
    ]
    return [f"gain over testing at the train size: {', '.join(gains)}"] if gains else []


def _predictions(rows: Sequence[Row]) -> list[str]:
    """Say at which test size objects appear as large as in training, where that is not the train size."""
    sizes = {train: predicted(train, rows[0]["crops"]) for train in sorted({row["train_size"] for row in rows})}
    texts = [f"{train} px {size:.0f}" for train, size in sizes.items() if size is not None and size != train]
    return [f"objects appear as large as in training at: {', '.join(texts)}"] if texts else []


def _notes(rows: Sequence[Row]) -> list[str]:
    notes = []
    if any(row[TOP1.deviation] is not None for row in rows):
        notes.append("± deviation over seeds")
    elif any(row["seeds_ok"] == 1 for row in rows):
        notes.append("of a single seed")
    errors = [error for row in rows if (error := standard_error(row)) is not None]
    if errors:
        images = max(row["test_images"] or 0 for row in rows)
        notes.append(f"standard error of {images:,} test images: {max(errors):.1f} at most")
    return notes


def standard_error(row: Row) -> float | None:
    """Return the binomial standard error of a top-1 by the number of its test images, %; None where not known."""
    if row[TOP1.column] is None or not row["test_images"]:
        return None
    share = row[TOP1.column] / 100
    return 100 * math.sqrt(share * (1 - share) / row["test_images"])


def budgets(rows: Sequence[Row]) -> Iterator[Budget]:
    """Yield the best choices for each budget of multiply-adds and of latency, of rows of one dataset.

    A cell is a choice if nothing as cheap is as accurate. Figures measured on a disturbed machine do not compete.
    """
    for measure in BUDGETS:
        unsteady = [row for row in rows if is_unsteady(row, measure.column)]
        measured = [row for row in rows if row not in unsteady and None not in (row[TOP1.column], row[measure.column])]
        if measured:
            yield Budget(measure, _front(measured, measure), list(_doubts(measured, len(unsteady), measure)))


def _front(rows: Sequence[Row], measure: Measure) -> list[Row]:
    import numpy as np

    top1, cost = (np.array([row[key] for row in rows], dtype=np.float64) for key in (TOP1.column, measure.column))
    best = [row for row, marked in zip(rows, front(top1, cost).tolist(), strict=True) if marked]
    return sorted(best, key=lambda row: (row[measure.column], sides(row)))


def _doubts(rows: Sequence[Row], unsteady: int, measure: Measure) -> Iterator[str]:
    if unsteady:
        yield f"left out, as measured on a disturbed machine: {unsteady}"
    ways = set(map(itemgetter(*measure.conditions), rows)) if measure.conditions else set()
    if len(ways) > 1:
        named = sorted(", ".join(map(str, way)) for way in ways)
        yield f"not measured alike, and not comparable: {' / '.join(named)}"
