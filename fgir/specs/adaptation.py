"""Specify the adaptation of a run to a test size: a training, or a look at its images, that starts from its weights."""

from typing import Literal

from fgir.specs.models import ModelSpec, Network
from fgir.specs.training import RunSpec
from fgir.study import CalOptions, Colour, Regime, TrainingOptions
from fgir.study.adaptations import Adaptation
from fgir.study.geometry import Geometry
from fgir.study.identities import SQUARE
from fgir.study.strict import Strict


class AdaptationSpec(Strict):
    """Specify the adaptation of a run to a test size."""

    recipe: int
    dataset: str
    classes: int
    model: ModelSpec
    regime: Regime
    train_size: int
    test_size: int
    side: int
    """That to which images are resized at the test size."""
    seed: int
    pixels: Literal["store", "decode"]
    pixels_recipe: int
    background: Colour
    precision: Literal["auto", "fp32"]
    cal: CalOptions | None
    name: str
    """That of the adaptation in the study."""
    adaptation: Adaptation
    crops: str = SQUARE
    shorter_side: int | None = None
    reduced: bool = False

    @property
    def network(self) -> Network:
        """Return the network that is adapted, for images of the test size."""
        return Network(self.model, self.regime, self.classes, self.test_size, self.cal)

    @property
    def geometry(self) -> Geometry:
        """Return the geometry of the crops that it looks at."""
        return self.training.geometry

    @property
    def training(self) -> RunSpec:
        """Return the training that it is, at the test size; of an adaptation that trains nothing, what it looks at."""
        how = self.adaptation
        return RunSpec(
            **self.model_dump(include=set(RunSpec.model_fields) & set(AdaptationSpec.model_fields) - {"train_size"}),
            train_size=self.test_size,
            part="train_val",
            learning_rate=how.learning_rate,
            training=self._options(),
            start="run",
            trainable=how.trained_part or "classifier",
            augmentation=how.augmentation,
        )

    def _options(self) -> TrainingOptions:
        how = self.adaptation
        return TrainingOptions(
            epochs=how.epochs,
            batch_size=how.batch_size,
            momentum=how.momentum,
            nesterov=False,
            weight_decay=how.weight_decay,
            clip_norm=None,
            schedule="step",
            decay_every=how.decay_every,
            min_learning_rate=0,
            warmup_steps=0,
            precision=self.precision,
            cal=self.cal or CalOptions(),
        )
