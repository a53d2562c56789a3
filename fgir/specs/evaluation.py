"""Specify the evaluations of a run at one size."""

from typing import Literal

from fgir.specs.models import ModelSpec, Network
from fgir.study import CalOptions, Colour, Regime
from fgir.study.geometry import Geometry, geometry_of
from fgir.study.identities import SQUARE
from fgir.study.strict import Strict


class EvaluationSpec(Strict):
    """Specify the evaluations of a run at one size, whichever settings of its regime are asked for."""

    recipe: int
    dataset: str
    classes: int
    model: ModelSpec
    regime: Regime
    train_size: int
    test_size: int
    side: int
    adaptation: str
    seed: int
    pixels: Literal["store", "decode"]
    background: Colour
    precision: Literal["auto", "fp32"]
    cal: CalOptions | None
    crops: str = SQUARE
    shorter_side: int | None = None
    reduced: bool = False

    @property
    def network(self) -> Network:
        """Return the trained network, for images of the test size."""
        return Network(self.model, self.regime, self.classes, self.test_size, self.cal)

    @property
    def geometry(self) -> Geometry:
        """Return the geometry of crops of the test size."""
        return geometry_of(self.test_size, self.side, self.crops, shorter_side=self.shorter_side, reduced=self.reduced)
