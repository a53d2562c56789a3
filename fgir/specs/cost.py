"""Specs of what inference costs: MACs, timings of the network and from image files to the loss."""

from typing import Literal

from fgir.specs.models import ModelSpec
from fgir.study import CalOptions, Colour, Setting, TimingOptions
from fgir.study.strict import Strict


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
