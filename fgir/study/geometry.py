"""Describe how an image becomes a crop as data: sequences of named operations with parameters.

What an operation does to pixels stands under its name in ``fgir/data/transforms.py``; here nothing is loaded for it.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

from fgir.study.identities import SQUARE
from fgir.study.options import ResizeRule
from fgir.utils.errors import FgirError

Parameter = int | float | str


class Operation(NamedTuple):
    """Name one step from an image to a crop: ``random_crop 224``."""

    name: str
    parameters: tuple[Parameter, ...] = ()

    def __str__(self) -> str:
        return " ".join(map(str, (self.name, *self.parameters)))


@dataclass(frozen=True)
class Transform:
    """Order operations: ``resize_square 300 | random_crop 224 | mirror``. An empty sequence changes nothing."""

    operations: tuple[Operation, ...] = ()

    def __str__(self) -> str:
        return " | ".join(map(str, self.operations))

    def after(self, start: "Transform") -> "Transform":
        """Return what is left to do after ``start``. Raises FgirError if the sequence begins otherwise."""
        done = len(start.operations)
        if self.operations[:done] != start.operations:
            raise FgirError(f'Images made by "{start}" cannot become crops by "{self}", which begins otherwise.')
        return Transform(self.operations[done:])


class Geometry(NamedTuple):
    """Say how images become crops of one size, in training and at test."""

    train: Transform
    test: Transform

    @property
    def start(self) -> Transform:
        """Return what both begin with, for a pixel store to hold: nothing random, as a test transform draws nothing."""
        pairs = zip(self.train.operations, self.test.operations, strict=False)
        return Transform(tuple(shared for shared, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)))


class Crops(NamedTuple):
    """Describe a kind of crops by two sequences, where ``{size}`` is the crop's side and ``{side}`` int(ratio size)."""

    train: str
    test: str
    ratio: float


CROPS = {
    # As the FGIR study published.
    SQUARE: Crops(
        "resize_square {side} | random_crop {size} | mirror", "resize_square {side} | centre_crop {size}", 1.34
    ),
}


def transform_of(text: str) -> Transform:
    """Return the sequence that a text describes: names and parameters, between bars. Whole numbers become int."""
    steps = [step.split() for step in text.split("|")] if text.strip() else []
    if not all(steps):
        raise FgirError(f'"{text}" has an empty operation; write names with their parameters, between single bars.')
    return Transform(tuple(Operation(name, tuple(map(_parameter, given))) for name, *given in steps))


@lru_cache(maxsize=1024)
def geometry_of(size: int, side: int, crops: str = SQUARE) -> Geometry:
    """Return the geometry of crops of ``size`` from images resized to ``side``, by a kind of crops."""
    kind = CROPS[crops]
    return Geometry(*(transform_of(text.format(size=size, side=side)) for text in (kind.train, kind.test)))


def resized_side(size: int, rule: ResizeRule = "ratio", crops: str = SQUARE) -> int:
    """Return the side to which images are resized before a crop of ``size``: int(1.34 size) for squares.

    The rule ``published`` gives 36 and 72 for the sizes 32 and 64, which is a kink in every curve over sizes.
    """
    side = int(CROPS[crops].ratio * size)
    return {32: 36, 64: 72}.get(size, side) if rule == "published" else side


def square(side: int) -> Transform:
    """Return the transform that resizes images to squares of ``side`` pixels."""
    return Transform((Operation("resize_square", (side,)),))


def store_name(start: Transform) -> str:
    """Return the name of the pixel store that holds images made by ``start``.

    It is 300 for squares of 300 pixels, and made of the words of any other: resize_shorter-292+equalise.
    """
    match start.operations:
        case (Operation("resize_square", (side,)),):
            return str(side)
    return str(start).replace(" | ", "+").replace(" ", "-") or "whole"


def _parameter(text: str) -> Parameter:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
