"""Operations of image geometry done to pixels: each a function, and a line of OPERATIONS.

A function takes an image, then the uniform numbers in [0, 1) that it asks for, then the parameters that its step of a
transform (``fgir/study/geometry.py``) names. It gets and returns either a Pillow image or uint8 (h, w, 3), and must
not change what it gets, which may lie in the pixel store.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from fgir.study.geometry import Transform
from fgir.utils.errors import FgirError, nearest

Pixels = Image.Image | np.ndarray


def resize_square(image: Pixels, side: int) -> Pixels:
    """Resize to ``side`` x ``side`` by bicubic interpolation. The aspect ratio is not kept, as published."""
    return as_image(image).resize((side, side), Image.Resampling.BICUBIC)


def random_crop(image: Pixels, down: float, across: float, size: int) -> Pixels:
    """Cut a window of ``size`` x ``size``; all places are equally likely."""
    pixels = np.asarray(image)
    height, width, _ = pixels.shape
    if height < size or width < size:
        raise _too_small(pixels, size)
    top, left = int(down * (height - size + 1)), int(across * (width - size + 1))
    return pixels[top : top + size, left : left + size]


def centre_crop(image: Pixels, size: int) -> Pixels:
    """Cut the middle ``size`` x ``size``, rounded as torchvision's CenterCrop rounds."""
    pixels = np.asarray(image)
    height, width, _ = pixels.shape
    if height < size or width < size:
        raise _too_small(pixels, size)
    top, left = round((height - size) / 2), round((width - size) / 2)
    return pixels[top : top + size, left : left + size]


def mirror(image: Pixels, chance: float) -> Pixels:
    """Mirror left and right in half of all cases."""
    return np.asarray(image)[:, ::-1] if chance >= 0.5 else image


class Implementation(NamedTuple):
    """The function of an operation, and how many uniform numbers it asks for; none: it is deterministic."""

    function: Callable[..., Pixels]
    draws: int = 0


OPERATIONS = {
    "resize_square": Implementation(resize_square),
    "random_crop": Implementation(random_crop, draws=2),
    "centre_crop": Implementation(centre_crop),
    "mirror": Implementation(mirror, draws=1),
}


class Pipeline:
    """A transform that can be done to images. ``draws``: uniform numbers that it takes for each.

    Raises FgirError at an operation that there is not.
    """

    def __init__(self, transform: Transform) -> None:
        self.draws = 0
        self._steps = []
        for name, parameters in transform.operations:
            if name not in OPERATIONS:
                raise FgirError(f'There is no operation "{name}"{nearest(name, OPERATIONS)}')
            function, draws = OPERATIONS[name]
            self._steps.append((function, self.draws, self.draws + draws, parameters))
            self.draws += draws

    def __call__(self, image: Pixels, uniform: Sequence[float] = ()) -> np.ndarray:
        """Return the pixels of ``image`` transformed, uint8 (h, w, 3); maybe a view of those that came in."""
        for function, first, last, parameters in self._steps:
            image = function(image, *uniform[first:last], *parameters)
        return np.asarray(image)


def deterministic(transform: Transform, purpose: str) -> Pipeline:
    """Return the pipeline of a transform; FgirError that names its ``purpose`` where it draws random numbers."""
    pipeline = Pipeline(transform)
    if pipeline.draws:
        raise FgirError(f'"{transform}" draws random numbers, but {purpose}.')
    return pipeline


def as_image(image: Pixels) -> Image.Image:
    """Return an image as one of Pillow."""
    return Image.fromarray(image) if isinstance(image, np.ndarray) else image


def _too_small(pixels: np.ndarray, size: int) -> FgirError:
    height, width, _ = pixels.shape
    return FgirError(f"Images of {width} x {height} are too small for crops of {size}; resize them to more.")
