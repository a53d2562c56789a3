"""Specify trainings: a run, the candidates of a search, the choice among them."""

from typing import Literal

from pydantic import Field, model_validator

from fgir.specs.models import ModelSpec, Network
from fgir.study import ADAPTED_PARTS, METHODS, Colour, Method, Regime, Trainable, TrainingOptions
from fgir.study.geometry import Augmentation, Geometry, geometry_of
from fgir.study.identities import SQUARE
from fgir.study.strict import Strict


class RunSpec(Strict):
    """Specify one training: a candidate of the search, or the final one."""

    recipe: int
    dataset: str
    classes: int
    model: ModelSpec
    regime: Regime
    train_size: int
    side: int
    seed: int
    part: Literal["train", "train_val"]
    learning_rate: float | None
    """null: the one chosen by the search."""
    pixels: Literal["store", "decode"]
    pixels_recipe: int
    """The recipe of the pixel store, whose bytes decide those of the run."""
    background: Colour
    training: TrainingOptions
    start: Literal["backbone", "run"] = "backbone"
    """The weights it starts from: a weights file, or the model of another run with the same network."""
    trainable: Trainable | None = None
    """null: what the method says."""
    crops: str = SQUARE
    shorter_side: int | None = None
    reduced: bool = False
    augmentation: Augmentation = "train"
    """The name of the transform by which its images become crops; an adaptation may train on test crops."""

    @property
    def method(self) -> Method:
        """Return the method by which it trains."""
        return METHODS[self.regime]

    @property
    def part_that_learns(self) -> Trainable:
        """Return what of the network learns."""
        return self.trainable or self.method.trainable

    @property
    def adapts(self) -> bool:
        """Say whether it adapts a part of a trained network: its loss is that of the images as they are."""
        return self.trainable in ADAPTED_PARTS

    @property
    def pairs(self) -> bool:
        """Say whether a batch holds each image beside another of its class."""
        return self.method.pairs and not self.adapts

    @property
    def network(self) -> Network:
        """Return the network that it trains."""
        return Network(self.model, self.regime, self.classes, self.train_size, self.training.cal)

    @property
    def geometry(self) -> Geometry:
        """Return the geometry of crops of the train size."""
        return geometry_of(self.train_size, self.side, self.crops, self.augmentation, self.shorter_side, self.reduced)


class AdoptSpec(Strict):
    """Specify a run of pretrained weights as they are, with their own classifier."""

    recipe: int
    dataset: str
    classes: int
    model: ModelSpec
    regime: Regime
    train_size: int
    seed: int
    crops: str = SQUARE

    @property
    def network(self) -> Network:
        """Return the network that it makes."""
        return Network(self.model, self.regime, self.classes, self.train_size)


class SearchSpec(Strict):
    """Specify candidates of a learning-rate search: all of them if they share one pass over the images, else one."""

    run: RunSpec
    learning_rates: list[float] = Field(min_length=1)

    @model_validator(mode="after")
    def _share_a_pass(self) -> "SearchSpec":
        if len(self.learning_rates) > 1 and self.run.method.trains_backbone:
            raise ValueError(f"{self.run.regime} trains the backbone, so that each learning rate is a job of its own")
        return self


class ChoiceSpec(Strict):
    """Specify the choice among the candidates of one search."""

    dataset: str
    backbone: str
    regime: Regime
    train_size: int
    min_train_top1: float
    crops: str = SQUARE
