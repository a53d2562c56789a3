"""From files of one row to the tables and figures that people read."""

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from fgir.results.papers import FIXRES, read_paper, tables_of
from fgir.results.published import of_table, read_published
from fgir.specs import SummarySpec
from fgir.study import Cell, EndToEnd, address
from fgir.workflow.graph.kind import Dataset, Identity, Kind, Paths


class Whole(NamedTuple):
    """Name a job of the whole study: there is one alone."""


class _Table(Kind):
    def _of_cell(self, cell: Cell) -> dict[str, list[str]]:
        """Return what one row of the summary is made of."""
        study, point = self.study, self.specs.cost_point(cell)
        streams = study.timing.scope == "end_to_end"
        return {
            "metrics": [self.result(address.METRICS, cell, seed=seed) for seed in study.seeds],
            "adapt": [self.result(address.ADAPT, adapted) for adapted in map(cell.adapted, study.seeds) if adapted],
            "train": [self.result(address.TRAIN, cell.run(seed)) for seed in study.seeds],
            "macs": [self.result(address.MACS, point)],
            "timing": [self.result(address.TIMING, point)],
            "end_to_end": [self.result(address.END_TO_END, EndToEnd.of(cell))] if streams else [],
            "published": [study.published_file] if study.published_file else [],
        }


class OneCell(_Table):
    """Make one row of the summary; on request alone."""

    rule, last, identity = "cell", "cell", Cell
    log = "cell/{dataset}-{backbone}-{setting}-{crops}{train_size}-{test_size}{adaptation}"
    outputs: ClassVar = {"cell": address.CELL}

    def identities(self) -> Iterator[Cell]:
        yield from ()

    def spec(self, job: Cell) -> SummarySpec:
        return self.specs.cell(job)

    def inputs(self, job: Cell) -> Paths:
        return {**self._of_cell(job)}


class Summary(_Table):
    """Make the summary of the whole study."""

    rule, log, last, identity = "summary", "summary", "summary", Whole
    outputs: ClassVar = {"evaluations": address.EVALUATIONS, "summary": address.SUMMARY}

    def identities(self) -> Iterator[Whole]:
        yield Whole()

    def spec(self, job: Whole) -> SummarySpec:
        return self.specs.summary()

    def inputs(self, job: Whole) -> Paths:
        gathered: dict[str, dict[str, None]] = {}
        for cell in self.study.cells():
            for name, paths in self._of_cell(cell).items():
                gathered.setdefault(name, {}).update(dict.fromkeys(paths))
        return {name: list(paths) for name, paths in gathered.items()}


class Figure(Kind):
    """Draw accuracy against cost of one dataset."""

    rule, log, last, identity = "figure", "figure/{dataset}", "png", Dataset
    outputs: ClassVar = {form: address.FIGURE.replace("{format}", form) for form in ("png", "svg")}

    def identities(self) -> Iterator[Dataset]:
        yield from map(Dataset, self.study.datasets)

    def inputs(self, job: Dataset) -> Paths:
        return {"summary": self.result(address.SUMMARY)}


class Resolution(Figure):
    """Draw accuracy against the test size of one dataset, in studies that test a model at more than one."""

    rule, log = "resolution", "resolution/{dataset}"
    outputs: ClassVar = {form: address.RESOLUTION.replace("{format}", form) for form in ("png", "svg")}

    def identities(self) -> Iterator[Dataset]:
        yield from map(Dataset, self.study.datasets if len(self.study.test_sizes or ()) > 1 else ())


class Table(NamedTuple):
    """Name a job of a printed table."""

    table: str


class Picture(NamedTuple):
    """Name a job of a printed figure."""

    figure: str


class _Printed(Kind):
    """Set again what is made from published values and those of their cells that the study has; on request alone."""

    def identities(self) -> Iterator[NamedTuple]:
        yield from ()

    def inputs(self, job: Identity) -> Paths:
        own = set(self.study.cells())
        published = of_table(read_published(FIXRES), tables_of(read_paper(FIXRES))[job[0]])
        cells = dict.fromkeys(cell for row in published for cell in row.cells if cell in own)
        return {"published": str(FIXRES), "cells": [self.result(address.CELL, cell) for cell in cells]}


class FixRes(_Printed):
    """Set a table of FixRes."""

    rule, log, last, identity = "fixres", "fixres/{table}", "table", Table
    outputs: ClassVar = {"table": address.FIXRES}


class FixResFigure(_Printed):
    """Draw a figure of FixRes."""

    rule, log, last, identity = "fixres_figure", "fixres/{figure}", "png", Picture
    outputs: ClassVar = {form: address.FIXRES_FIGURE.replace("{format}", form) for form in ("png", "svg")}
