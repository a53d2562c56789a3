"""What each job is told: a typed spec per stage, passed as canonical JSON.

Canonical means that the same meaning has the same text, whatever the order of keys or the spelling of numbers in the
study file, so that Snakemake reruns a job only when its meaning changes. What has its default is left out: a new option
reruns nothing. ``recipe`` is raised by hand when the code of a stage changes what it computes, or a default changes; a
comment or a rename retrains nothing.
"""

import json
from itertools import product
from typing import Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from fgir.catalogue import AnyDataset, AnyWeights, Backbone
from fgir.errors import FgirError
from fgir.strict import Strict
from fgir.study import (
    GREY,
    CalOptions,
    Colour,
    Regime,
    Scope,
    Setting,
    TimingOptions,
    TrainingOptions,
)

RECIPE = {
    "source": 2,
    "split": 2,
    "pixels": 2,
    "weights": 1,
    "train": 2,
    "evaluate": 2,
    "macs": 3,
    "timing": 2,
    "end_to_end": 1,
    "summary": 3,
}


class SourceSpec(Strict):
    """Of download and manifest."""

    recipe: int
    dataset: str
    entry: AnyDataset
    archives: str


class SplitSpec(Strict):
    """Of split."""

    recipe: int
    dataset: str
    classes: int
    train_val: int | None
    test: int | None
    train: int | None
    val: int | None
    test_fraction: float | None
    test_seed: int
    val_part: Literal["first", "official", "auto"]
    leaks: Literal["refuse", "report"]
    limit_per_class: int | None
    split_rule: Literal["first", "stratified"]
    train_fraction: float
    split_seed: int


class PixelsSpec(Strict):
    """Of pixels: images resized to ``side`` x ``side``."""

    recipe: int
    dataset: str
    side: int
    background: Colour = GREY


class WeightsSpec(Strict):
    """Of weights."""

    recipe: int
    backbone: str
    timm: str
    weights: AnyWeights
    archives: str


class ModelSpec(Strict):
    """A backbone as every job that builds it needs it."""

    backbone: str
    timm: str
    pool: Literal["token", "mean"] | None
    mean: tuple[float, float, float] | None
    std: tuple[float, float, float] | None
    weights: str
    """Where the weights come from, as the tables show it: ``package …``, ``timm …``, ``file …``, ``none (random)``."""


class RunSpec(Strict):
    """Of one training, whether a candidate of the search or the final one."""

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
    """Of the pixel store too: its bytes decide the run's, which a finished run is known by."""
    background: Colour
    training: TrainingOptions


class SearchSpec(Strict):
    """Of candidates of a learning-rate search: several where they share one pass over the images, else one."""

    run: RunSpec
    learning_rates: list[float] = Field(min_length=1)

    @model_validator(mode="after")
    def _share_a_pass(self) -> "SearchSpec":
        if len(self.learning_rates) > 1 and self.run.regime != "frozen":
            raise ValueError(f"{self.run.regime} trains the backbone, so that each learning rate is a job of its own")
        return self


class ChoiceSpec(Strict):
    """Of the choice among the candidates of one search."""

    dataset: str
    backbone: str
    regime: Regime
    train_size: int
    min_train_top1: float


class EvaluationSpec(Strict):
    """Of the evaluations of a run at one size, whichever settings of its regime are asked for."""

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


class MacsSpec(Strict):
    """Of MACs, whatever the number of classes."""

    recipe: int
    model: ModelSpec
    setting: Setting
    test_size: int
    cal: CalOptions | None


class TimingSpec(Strict):
    """Of timing."""

    recipe: int
    model: ModelSpec
    setting: Setting
    test_size: int
    classes: int
    cal: CalOptions | None
    timing: TimingOptions


class EndToEndSpec(Strict):
    """Of a timing from the image files of a dataset to the loss."""

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


class CellSpec(Strict):
    """One row of the summary: what it is, and its names as shown."""

    dataset: str
    dataset_title: str
    backbone: str
    backbone_title: str
    family: str
    pretraining: str
    setting: Setting
    train_size: int
    test_size: int
    adaptation: str
    classes: int
    seeds: list[int]
    scope: Scope = "network"


class DatasetLabel(Strict):
    """A dataset as the tables name it."""

    name: str
    title: str
    classes: int


class BackboneLabel(Strict):
    """A backbone as the tables name it."""

    name: str
    title: str
    family: str
    pretraining: str


class SummarySpec(Strict):
    """Of the summary: what its cells are the cross of. A list of the cells would be too long for a command line."""

    recipe: int
    results: str
    datasets: list[DatasetLabel]
    backbones: list[BackboneLabel]
    settings: list[Setting]
    sizes: list[tuple[int, int]]
    seeds: list[int]
    scope: Scope = "network"

    def cells(self) -> list[CellSpec]:
        """Every cell, in the order of the study."""
        return [self._cell(*identity) for identity in product(self.datasets, self.backbones, self.settings, self.sizes)]

    def _cell(
        self, dataset: DatasetLabel, backbone: BackboneLabel, setting: Setting, sizes: tuple[int, int]
    ) -> CellSpec:
        return CellSpec(
            dataset=dataset.name,
            dataset_title=dataset.title,
            backbone=backbone.name,
            backbone_title=backbone.title,
            family=backbone.family,
            pretraining=backbone.pretraining,
            setting=setting,
            train_size=sizes[0],
            test_size=sizes[1],
            adaptation="none",
            classes=dataset.classes,
            seeds=self.seeds,
            scope=self.scope,
        )


Spec = TypeVar("Spec", bound=Strict)


def canonical(spec: Strict) -> str:
    """Return the one JSON text of a spec, without what has its default."""
    return json.dumps(spec.model_dump(mode="json", exclude_defaults=True), sort_keys=True, separators=(",", ":"))


def parse(kind: type[Spec], text: str) -> Spec:
    """Read a spec from its JSON text; FgirError where it does not fit."""
    try:
        return TypeAdapter(kind).validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the text"
        raise FgirError(f"The {kind.__name__} is not valid at {where}: {first['msg']}.") from None


def weights_label(backbone: Backbone) -> str:
    """Where a backbone's weights come from, in words for the tables."""
    weights = backbone.weights
    match weights.source:
        case "package":
            return f"package {weights.package.name} {weights.package.version}"
        case "timm":
            return f"timm {backbone.timm}"
        case "file":
            return f"file {weights.path}"
        case _:
            return "none (random)"
