"""Define the options of a study; their defaults are the published protocol."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from fgir.study.methods import METHODS, Regime
from fgir.study.settings import Scope
from fgir.study.strict import Strict

ResizeRule = Literal["ratio", "published"]
_Byte = Annotated[int, Field(ge=0, le=255)]
Colour = tuple[_Byte, _Byte, _Byte]
GREY: Colour = (128, 128, 128)
_Rate = Annotated[float, Field(gt=0)]
# At most this many of a dataset's test images make the latency end to end.
STREAMED_IMAGES = 200


def repeated(values: list[Any]) -> list[Any]:
    """Return the values that occur more than once, each once."""
    return [value for value in dict.fromkeys(values) if values.count(value) > 1]


class DataOptions(Strict):
    """Say how images are chosen, split and read."""

    limit_per_class: int | None = Field(
        default=None,
        ge=2,
        description="at most this many train_val and this many test images a class (seeded choice)",
    )
    split_rule: Literal["first", "stratified"] = Field(
        default="first",
        description="first: as published, the first int(n*p) rows of each class train, or the dataset's own val part "
        "where the catalogue says so; stratified: a seeded choice",
    )
    train_fraction: float | None = Field(
        default=None, gt=0, lt=1, description="p of the split rule; null: the catalogue's, 0.8 unless it says otherwise"
    )
    split_seed: int = Field(default=0, ge=0, description="seed of the stratified rule and of limit_per_class")
    pixels: Literal["store", "decode"] = Field(
        default="store",
        description="store: resize once into a shared uint8 file; decode: resize at every reading",
    )
    resize_rule: ResizeRule = Field(
        default="ratio",
        description="side of the square before a crop of K pixels. ratio: int(1.34 K); published: the same, but 36 for "
        "32 and 72 for 64",
    )
    shorter_side: int | None = Field(
        default=None,
        ge=16,
        examples=[600],
        description="crops that are cut from images in their own aspect (fixres): larger images are first resized so "
        "that their shorter side has so many pixels; null: they keep their size, on disk too",
    )
    reduced_decoding: bool = Field(
        default=False,
        description="true: a JPEG file is decoded at a half, a quarter or an eighth of its size where that is no less "
        "than what it is resized to first: faster for large photographs, with slightly other pixels",
    )
    background: Colour = Field(default=GREY, description="red, green and blue, 0 to 255, behind transparent images")
    normalisation: Literal["model", "imagenet"] = Field(
        default="model", description="mean and std of the backbone, or ImageNet's for all (as published)"
    )


class CalOptions(Strict):
    """Set options of the regimes cal and calmix."""

    attention_maps: int = Field(default=32, ge=1)
    mask_interpolation: Literal["bicubic", "bilinear"] = Field(
        default="bicubic",
        description="how attention maps grow to image size; bilinear: results before May 2024",
    )
    centre_momentum: float = Field(default=0.05, gt=0, le=1, description="beta of the feature centre")


class TrainingOptions(Strict):
    """Say how weights are trained; the defaults are the published protocol."""

    epochs: int = Field(default=50, ge=1)
    batch_size: int = Field(default=8, ge=2, description="images a step; calmix draws batch_size/2 same-class pairs")
    batch_size_of: dict[str, Annotated[int, Field(ge=2)]] = Field(
        default={},
        examples=[{"cub": 16}],
        description="batch size of single datasets; their learning rates are the candidates x this / batch_size",
    )
    repeats: int = Field(
        default=1,
        ge=1,
        description="times that an image is taken one after the other, each time cropped anew (repeated augmentation; "
        "FixRes: 3); an epoch stays as long, and takes so many times fewer images",
    )
    accumulation: int = Field(default=1, ge=1, description="batches whose gradients are averaged for one update")
    momentum: float = Field(default=0.9, ge=0, lt=1)
    nesterov: bool = Field(default=True, description="momentum looks ahead; false: plain momentum, as in FixRes")
    weight_decay: float = Field(default=0.0, ge=0)
    clip_norm: float | None = Field(
        default=1.0, gt=0, description="largest total norm of the gradients; null: they are not clipped"
    )
    schedule: Literal["cosine", "step"] = Field(
        default="cosine",
        description="learning rate after the warm-up. cosine: down to min_learning_rate; step: a tenth of it every "
        "decay_every epochs, as in FixRes",
    )
    decay_every: int = Field(default=30, ge=1, description="epochs between the steps of schedule step")
    min_learning_rate: float = Field(default=1e-5, ge=0)
    warmup_steps: int = Field(default=500, ge=0)
    warmup_learning_rate: float = Field(default=1e-6, ge=0)
    frozen_batch_norm: Literal["eval", "train"] = Field(
        default="eval",
        description="frozen regime: batch-norm as at inference, or with batch statistics as published",
    )
    drop_path: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="stochastic depth of the backbone, rising from 0 in its first block to this in its last",
    )
    dropout: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="dropout of the backbone's projections (ViT's attention and MLP), else of the vector it ends in",
    )
    precision: Literal["auto", "fp32"] = Field(
        default="auto", description="auto: mixed float16 on a GPU, float32 on a CPU"
    )
    cal: CalOptions = CalOptions()


class TuningOptions(Strict):
    """Set the learning-rate search, which trains on train and judges on val."""

    learning_rates: dict[Regime, Annotated[list[_Rate], Field(min_length=1)]] = Field(
        default={name: list(method.learning_rates) for name, method in METHODS.items() if method.learns},
        description="candidates of each regime; a single one is taken without a search",
    )
    epochs: int | None = Field(default=None, ge=1, description="null: as many as training")
    seed: int = Field(default=1, ge=0)
    min_train_top1: float = Field(
        default=50.0, ge=0, le=100, description="candidates below this train accuracy (%) are passed over"
    )

    @field_validator("learning_rates")
    @classmethod
    def _distinct(cls, grids: dict[str, list[float]]) -> dict[str, list[float]]:
        twice = [f"{rate:g} is named twice for {regime}" for regime, grid in grids.items() for rate in repeated(grid)]
        if twice:
            raise ValueError(f"{', '.join(twice)}; name each candidate once")
        return {regime: sorted(grid, reverse=True) for regime, grid in grids.items()}


class PlanOptions(Strict):
    """Say how the plan estimates hours; only time limits follow from it, never a result."""

    device: str | None = Field(
        default=None,
        min_length=1,
        examples=["NVIDIA H200"],
        description="device whose measured rows count, as the column device names it; null: any GPU, never a CPU",
    )
    teramacs: float = Field(
        default=10.0,
        gt=0,
        description="multiply-adds (10^12 a second) that it really does in training; used where nothing was measured",
    )
    margin: float = Field(default=2.0, ge=1, description="a job may run this many times the estimate")


class TimingOptions(Strict):
    """Say how throughput and latency are measured."""

    batch_size: int = Field(default=8, ge=1)
    warmup: int = Field(default=5, ge=0, description="batches before the clock starts")
    repeats: int = Field(default=30, ge=4, description="timed batches a round; 4 or more, or quartiles say nothing")
    max_repeats: int | None = Field(
        default=None,
        ge=4,
        description="timed batches at most: rounds are repeated until one is steady; null: five times repeats",
    )
    tolerance: float = Field(
        default=0.1,
        gt=0,
        description="a round is steady if its interquartile range and the difference of its halves are at most this "
        "share of the median, and no thread waited longer than this share of the time for a core",
    )
    precision: Literal["auto", "fp32"] = "auto"
    scope: Scope = Field(
        default="network",
        description="network: on images that are already on the device; end_to_end: besides, over whole passes of the "
        "test images, with decoding, transforms, transfer and loss, as published",
    )
    passes: int = Field(default=5, ge=3, description="passes over the test images of scope end_to_end")

    @property
    def rounds(self) -> int:
        """Return the largest number of rounds of ``repeats`` batches."""
        return 5 if self.max_repeats is None else self.max_repeats // self.repeats
