"""Compute what the box plot by setting draws: accuracy, training time and throughput, min-max normalised.

Normalised is x' = (x - min) / (max - min). Of ``backbones``, as in the published study: a point is a backbone's mean
over some datasets, and minimum and maximum are those of all points, of whatever setting and size. Of ``cells``: a point
is a cell, and minimum and maximum are those of its dataset, so that the settings of an easy, small
dataset and of a hard, large one lie on one scale.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from fgir.report.tables.display import Row, condition, is_unsteady
from fgir.report.tables.matrix import backbone_titles
from fgir.results.cell import mean
from fgir.results.measures import MEASURES, Measure
from fgir.utils.errors import FgirError, nearest

WAYS = {"backbones": "a point is a backbone's mean over datasets", "cells": "a point is a cell"}
# What figures are of: a condition (sizes, adaptation) and a setting.
Place = tuple[str, str]


class Metric(NamedTuple):
    """Name a metric, and the measures that give it, first that which is comparable with the published study's."""

    name: str
    measures: tuple[Measure, ...]

    @property
    def better(self) -> str:
        """Say in words which direction is better."""
        return f"{'more' if self.measures[0].more_is_better else 'less'} is better"


METRICS = (
    Metric("top-1 accuracy", (MEASURES["top1"],)),
    # The study's is of the whole process, and its throughput of decoding, transforms and transfer too.
    Metric("training time", (MEASURES["training_job"],)),
    Metric("throughput", (MEASURES["end_to_end"], MEASURES["throughput"])),
)


class Panel(NamedTuple):
    """Hold the normalised figures of a metric, by place and by what a point is; and what is left out, lacking what."""

    metric: Metric
    measure: Measure
    values: dict[Place, dict[Hashable, float]]
    left_out: dict[tuple[str, str, str], list[str]]
    """By backbone, condition and setting: the datasets without a figure."""
    doubtful: dict[Place, set[Hashable]]
    """Points that were measured on a disturbed machine, or are means of such a figure."""

    @property
    def column(self) -> str:
        """Return the column of the summary that the figures are of."""
        return self.measure.column

    def differs(self) -> bool:
        """Say whether there are two figures that differ."""
        return len({value for figures in self.values.values() for value in figures.values()}) > 1


class Boxes(NamedTuple):
    """Hold all panels of a figure, and the datasets that its means are over (``cells``: that it is of)."""

    of: str
    datasets: list[str]
    without_figures: list[str]
    """Datasets that the means should be over too, and of which some metric has no figure at all."""
    panels: list[Panel]


def boxes(rows: Sequence[Row], of: str = "backbones", over: Sequence[str] | None = None) -> Boxes:
    """Return the panels of rows of a summary, one a metric; those of metrics that no row has have no values.

    ``over`` names the datasets of ``backbones``; None: all that are there.
    FgirError where ``of`` is not one of WAYS.
    """
    if of not in WAYS:
        raise FgirError(f'Boxes cannot be of "{of}"{nearest(of, WAYS)}')
    there = list(dict.fromkeys(row["dataset"] for row in rows))
    measured = [(metric, _measure(metric, rows)) for metric in METRICS]
    if of == "cells":
        cells = {cell: cell for row in rows for cell in [(row["backbone"], row["dataset"])]}
        panels = [
            Panel(metric, measure, _of_cells(rows, measure.column), {}, _doubtful(rows, measure.column, cells))
            for metric, measure in measured
        ]
        return Boxes(of, there, [], panels)
    wanted = list(over or there)
    columns = [measure.column for _, measure in measured if any(_has(row, measure.column) for row in rows)]
    datasets = [name for name in wanted if all(_any_has(rows, name, column) for column in columns)]
    titles = {(backbone, dataset): title for backbone, title in _titles(rows).items() for dataset in datasets}
    panels = [
        Panel(metric, measure, *_of_backbones(rows, measure.column, datasets), _doubtful(rows, measure.column, titles))
        for metric, measure in measured
    ]
    return Boxes(of, datasets, [name for name in wanted if name not in datasets], panels)


def _measure(metric: Metric, rows: Sequence[Row]) -> Measure:
    """Return the measure that most rows have; of equal ones the first."""
    return max(metric.measures, key=lambda measure: sum(_has(row, measure.column) for row in rows))


def _has(row: Row, column: str) -> bool:
    return row[column] is not None


def _any_has(rows: Sequence[Row], dataset: str, column: str) -> bool:
    return any(row["dataset"] == dataset and _has(row, column) for row in rows)


def _of_cells(rows: Sequence[Row], column: str) -> dict[Place, dict[Hashable, float]]:
    by_dataset: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if _has(row, column):
            by_dataset[row["dataset"]].append(row)
    values: dict[Place, dict[Hashable, float]] = defaultdict(dict)
    for dataset, cells in by_dataset.items():
        low, high = min(cell[column] for cell in cells), max(cell[column] for cell in cells)
        for cell in cells if high > low else ():
            place = (condition(cell), cell["setting"])
            values[place][cell["backbone"], dataset] = (cell[column] - low) / (high - low)
    return dict(values)


def _doubtful(
    rows: Sequence[Row], column: str, points: Mapping[tuple[str, str], Hashable]
) -> dict[Place, set[Hashable]]:
    """Return the points, of which there is one for each backbone and dataset that is drawn, with an unsteady figure."""
    found: dict[Place, set[Hashable]] = defaultdict(set)
    for row in rows:
        point = points.get((row["backbone"], row["dataset"]))
        if point is not None and is_unsteady(row, column):
            found[condition(row), row["setting"]].add(point)
    return dict(found)


def _titles(rows: Sequence[Row]) -> dict[str, str]:
    return dict(zip(dict.fromkeys(row["backbone"] for row in rows), backbone_titles(rows), strict=True))


def _of_backbones(
    rows: Sequence[Row], column: str, datasets: Sequence[str]
) -> tuple[dict[Place, dict[Hashable, float]], dict[tuple[str, str, str], list[str]]]:
    titles = _titles(rows)
    figures: dict[tuple[str, str, str], dict[str, float]] = {}
    for row in rows:
        found = figures.setdefault((titles[row["backbone"]], condition(row), row["setting"]), {})
        if row["dataset"] in datasets and _has(row, column):
            found[row["dataset"]] = row[column]
    if not any(figures.values()):
        return {}, {}
    left_out = {key: lacking for key, found in figures.items() if (lacking := [d for d in datasets if d not in found])}
    means = {key: mean(list(found.values())) or 0.0 for key, found in figures.items() if key not in left_out}
    low, high = min(means.values(), default=0.0), max(means.values(), default=0.0)
    values: dict[Place, dict[Hashable, float]] = defaultdict(dict)
    for (backbone, where, setting), figure in means.items() if high > low else ():
        values[where, setting][backbone] = (figure - low) / (high - low)
    return dict(values), left_out
