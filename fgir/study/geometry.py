"""Describe how an image becomes a crop as data: sequences of named operations with parameters.

What an operation does to pixels stands under its name in ``fgir/data/transforms.py``; here nothing is loaded for it.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import Literal, NamedTuple

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

    def before(self, rest: "Transform") -> "Transform":
        """Return the sequence of this and then ``rest``."""
        return Transform(self.operations + rest.operations)

    def cutting(self, crop: str) -> "Transform":
        """Return the sequence with its last operation, a centre crop, replaced by another crop of the same size."""
        *rest, (_, parameters) = self.operations
        return Transform((*rest, Operation(crop, parameters)))


# Of a training: its kind's own transform, the test transform, or that one mirrored, jittered and moved.
Augmentation = Literal["train", "test", "test_shift"]


class Geometry(NamedTuple):
    """Say how images become crops of one size, in training and at test.

    ``start``: what both of a kind begin with, for a pixel store to hold. Nothing random, as a test draws nothing.
    """

    train: Transform
    test: Transform
    start: Transform


class Crops(NamedTuple):
    """Describe a kind of crops by two sequences, where ``{size}`` is the crop's side and ``{side}`` int(ratio size)."""

    train: str
    test: str
    ratio: float


# FixRes (arXiv 1906.06423): the side before the crop is to the crop's as 256 to 224, whatever the size.
_RESIZED_CROP = "random_resized_crop {size} 0.08 bilinear | mirror | colour_jitter 0.3 0.3 0.3"
_SHORTER = "resize_shorter {side} bilinear"
_RATIO = 256 / 224

CROPS = {
    # As the FGIR study published.
    SQUARE: Crops(
        "resize_square {side} | random_crop {size} | mirror", "resize_square {side} | centre_crop {size}", 1.34
    ),
    "fixres": Crops(_RESIZED_CROP, f"{_SHORTER} | centre_crop {{size}}", _RATIO),
    # Its released code resizes the height, and fills with black what an upright image then lacks of a crop's width.
    "fixres_height": Crops(_RESIZED_CROP, "resize_height {side} bilinear | pad {size} | centre_crop {size}", _RATIO),
    # Its Table 9: objects appear as large in training as at test.
    "fixed_scale": Crops(f"{_SHORTER} | random_crop {{size}} | mirror", f"{_SHORTER} | centre_crop {{size}}", _RATIO),
}


def transform_of(text: str) -> Transform:
    """Return the sequence that a text describes: names and parameters, between bars. Whole numbers become int."""
    steps = [step.split() for step in text.split("|")] if text.strip() else []
    if not all(steps):
        raise FgirError(f'"{text}" has an empty operation; write names with their parameters, between single bars.')
    return Transform(tuple(Operation(name, tuple(map(_parameter, given))) for name, *given in steps))


@lru_cache(maxsize=1024)
def geometry_of(
    size: int,
    side: int,
    crops: str = SQUARE,
    augmentation: Augmentation = "train",
    shorter_side: int | None = None,
    reduced: bool = False,
) -> Geometry:
    """Return the geometry of crops of ``size`` from images resized to ``side``, by a kind of crops.

    ``augmentation`` names the sequence that trains; the start is the same whichever. Of a kind whose sequences begin
    otherwise than each other, images are first bounded to ``shorter_side`` pixels; null: they keep their own size.
    ``reduced``: where all images are resized first, files may be decoded at a size that is no less.
    """
    kind = CROPS[crops]
    train, test = (transform_of(text.format(size=size, side=side)) for text in (kind.train, kind.test))
    start = _shared(train, test)
    trained = {"train": train, "test": test, "test_shift": _shifted(test)}[augmentation]
    before = Transform()
    if shorter_side and not start.operations:
        before = transform_of(f"bound_shorter {shorter_side} bilinear")
    if reduced and (resize := before.before(start).operations[:1]):
        before = transform_of(f"reduced {resize[0].parameters[0]}").before(before)
    return Geometry(*(before.before(transform) for transform in (trained, test, start)))


def keeps_aspect(crops: str) -> bool:
    """Say whether crops of a kind are cut from images as they are, because training and test begin differently."""
    return not geometry_of(1, 1, crops).start.operations


def resized_side(size: int, rule: ResizeRule = "ratio", crops: str = SQUARE) -> int:
    """Return the side to which images are resized before a crop of ``size``: int(1.34 size) for squares.

    The rule ``published`` gives squares of 36 and 72 for the sizes 32 and 64, a kink in every curve over sizes.
    """
    side = int(CROPS[crops].ratio * size)
    return {32: 36, 64: 72}.get(size, side) if (rule, crops) == ("published", SQUARE) else side


def square(side: int) -> Transform:
    """Return the transform that resizes images to squares of ``side`` pixels."""
    return Transform((Operation("resize_square", (side,)),))


def side_of(start: Transform) -> int | None:
    """Return the side of the squares that a transform makes; None if it makes others, or no squares alone."""
    match start.operations:
        case (Operation("resize_square", (int(side),)),):
            return side
    return None


def store_name(start: Transform) -> str:
    """Return the name of the pixel store that holds images made by ``start``.

    It is 300 for squares of 300 pixels, and made of the words of any other: resize_shorter-292+equalise.
    """
    side = side_of(start)
    return str(side) if side is not None else str(start).replace(" | ", "+").replace(" ", "-") or "whole"


def start_of(name: str) -> Transform:
    """Return the transform that made the images of the pixel store of a name, the inverse of ``store_name``."""
    if name.isdecimal():
        return square(int(name))
    return transform_of("" if name == "whole" else name.replace("+", " | ").replace("-", " "))


def _shared(one: Transform, other: Transform) -> Transform:
    """Return the operations with which both begin."""
    pairs = zip(one.operations, other.operations, strict=False)
    return Transform(tuple(shared for shared, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)))


def _shifted(test: Transform) -> Transform:
    """Return a test transform whose image is mirrored by half and jittered slightly, its centre crop moved sideways.

    It is the second augmentation of FixRes' fine-tuning ("test DA2").
    """
    resize, *others = test.operations
    slight = transform_of("mirror | colour_jitter 0.05 0.05 0.05").operations
    moved = [step._replace(name="shifted_centre_crop") if step.name == "centre_crop" else step for step in others]
    return Transform((resize, *slight, *moved))


def _parameter(text: str) -> Parameter:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
