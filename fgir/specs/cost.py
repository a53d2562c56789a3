"""Specify the jobs that measure what inference costs: MACs, and timings of the network and from files to the loss."""

from typing import Literal

from fgir.specs.models import ModelSpec, Network
from fgir.study import REGIME_OF, CalOptions, Colour, Setting, TimingOptions
from fgir.study.geometry import Geometry, geometry_of
from fgir.study.identities import SQUARE
from fgir.study.strict import Strict


class MacsSpec(Strict):
    """Specify a count of MACs, for any number of classes."""

    recipe: int
    model: ModelSpec
    setting: Setting
    test_size: int
    cal: CalOptions | None

    def network(self, classes: int) -> Network:
        """Return the network whose operations are counted."""
        return Network(self.model, REGIME_OF[self.setting], classes, self.test_size, self.cal)


class TimingSpec(Strict):
    """Specify a timing of the network."""

    recipe: int
    model: ModelSpec
    setting: Setting
    test_size: int
    classes: int
    cal: CalOptions | None
    timing: TimingOptions

    @property
    def network(self) -> Network:
        """Return the network that is timed."""
        return Network(self.model, REGIME_OF[self.setting], self.classes, self.test_size, self.cal)


class EndToEndSpec(Strict):
    """Specify a timing from the image files of a dataset to the loss."""

    recipe: int
    dataset: str
    classes: int
    model: ModelSpec
    setting: Setting
    test_size: int
    side: int
    background: Colour
    cal: CalOptions | None
    batch_size: int
    warmup: int
    passes: int
    tolerance: float
    precision: Literal["auto", "fp32"]
    crops: str = SQUARE
    shorter_side: int | None = None
    reduced: bool = False

    @property
    def network(self) -> Network:
        """Return the network that is timed."""
        return Network(self.model, REGIME_OF[self.setting], self.classes, self.test_size, self.cal)

    @property
    def geometry(self) -> Geometry:
        """Return the geometry of crops of the test size."""
        return geometry_of(self.test_size, self.side, self.crops, shorter_side=self.shorter_side, reduced=self.reduced)
