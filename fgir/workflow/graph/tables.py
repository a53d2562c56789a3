"""From files of one row to the tables and figures that people read."""

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from fgir.specs import SummarySpec
from fgir.study import Cell, EndToEnd, address
from fgir.workflow.graph.kind import Dataset, Kind, Paths


class Whole(NamedTuple):
    """Name a job of the whole study: there is one alone."""


class _Table(Kind):
    def _of_cell(self, cell: Cell) -> dict[str, list[str]]:
        """Return what one row of the summary is made of."""
        study, point = self.study, self.specs.cost_point(cell)
        streams = study.timing.scope == "end_to_end"
        return {
            "metrics": [self.result(address.METRICS, cell, seed=seed) for seed in study.seeds],
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
