"""Name trainings, rows of the summary and costs: the keys of specs and paths."""

from typing import NamedTuple

from fgir.study.methods import Regime
from fgir.study.settings import COSTS_AS, Setting


class Run(NamedTuple):
    """Name one training."""

    dataset: str
    backbone: str
    regime: Regime
    train_size: int
    seed: int


# The adaptation of a model that is evaluated as it was trained.
UNADAPTED = "none"


class Cell(NamedTuple):
    """Name one row of the summary; the seeds are its replicates."""

    dataset: str
    backbone: str
    setting: Setting
    train_size: int
    test_size: int
    adaptation: str = UNADAPTED


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

    @classmethod
    def of(cls, cell: Cell) -> "EndToEnd":
        """Return what a cell shares with those of the same images, network and views."""
        return cls(cell.dataset, cell.backbone, COSTS_AS[cell.setting], cell.test_size)
