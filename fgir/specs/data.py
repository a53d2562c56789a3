"""Specs of the stages from a dataset's archive to its pixel store."""

from typing import Literal

from fgir.study import GREY, Colour
from fgir.study.catalogue import AnyDataset
from fgir.study.geometry import Transform, square
from fgir.study.strict import Strict


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

    @property
    def start(self) -> Transform:
        """Return the transform whose images the store holds."""
        return square(self.side)
