"""Name trainings, rows of the summary and costs: the keys of specs and paths."""

from typing import NamedTuple

from fgir.study.methods import Regime
from fgir.study.settings import COSTS_AS, REGIME_OF, Setting

# The published kind of crops, which has no part in a path.
SQUARE = "square"
# The adaptation of a model that is evaluated as it was trained.
UNADAPTED = "none"


class Run(NamedTuple):
    """Name one training."""

    dataset: str
    backbone: str
    regime: Regime
    train_size: int
    seed: int
    crops: str = SQUARE


class Search(NamedTuple):
    """Name a search for a learning rate."""

    dataset: str
    backbone: str
    regime: Regime
    train_size: int
    crops: str = SQUARE


class Candidate(NamedTuple):
    """Name a candidate of a search."""

    dataset: str
    backbone: str
    regime: Regime
    train_size: int
    learning_rate: float
    crops: str = SQUARE

    @property
    def search(self) -> Search:
        """Return the search that tries it."""
        return Search(*self[:4], self.crops)


class Adapted(NamedTuple):
    """Name the adaptation of a run to a test size."""

    dataset: str
    backbone: str
    regime: Regime
    train_size: int
    test_size: int
    seed: int
    adaptation: str
    crops: str = SQUARE

    @property
    def run(self) -> Run:
        """Return the run that is adapted."""
        return Run(*self[:4], self.seed, self.crops)


class Cell(NamedTuple):
    """Name one row of the summary; the seeds are its replicates."""

    dataset: str
    backbone: str
    setting: Setting
    train_size: int
    test_size: int
    adaptation: str = UNADAPTED
    crops: str = SQUARE

    def run(self, seed: int) -> Run:
        """Return the run of a seed."""
        return Run(self.dataset, self.backbone, REGIME_OF[self.setting], self.train_size, seed, self.crops)

    def adapted(self, seed: int) -> Adapted | None:
        """Return the adaptation of the run of a seed; None if there is none."""
        if self.adaptation == UNADAPTED:
            return None
        run = self.run(seed)
        return Adapted(*run[:4], self.test_size, seed, self.adaptation, self.crops)


class CostPoint(NamedTuple):
    """Name what the cost of inference depends on; ``of`` makes it. Its setting stands for all that cost the same."""

    backbone: str
    setting: Setting
    test_size: int
    classes: int

    @classmethod
    def of(cls, backbone: str, setting: Setting, test_size: int, classes: int) -> "CostPoint":
        """Return the point that any setting shares with those of the same network and views."""
        return cls(backbone, COSTS_AS[setting], test_size, classes)


class EndToEnd(NamedTuple):
    """Name what a timing from image files to the loss depends on; ``of`` makes it.

    Its setting stands for all that cost the same.
    """

    dataset: str
    backbone: str
    setting: Setting
    test_size: int
    crops: str = SQUARE

    @classmethod
    def of(cls, cell: Cell) -> "EndToEnd":
        """Return what a cell shares with those of the same images, network and views."""
        return cls(cell.dataset, cell.backbone, COSTS_AS[cell.setting], cell.test_size, cell.crops)
