"""Operations of image geometry done to pixels: each a function, and a line of OPERATIONS.

A function takes an image, then the uniform numbers in [0, 1) that it asks for, then the parameters that its step of a
transform (``fgir/study/geometry.py``) names. It gets and returns either a Pillow image or uint8 (h, w, 3), and must
not change what it gets, which may lie in the pixel store.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from fgir.data import colour, resized_crop
from fgir.data.resized_crop import Box, box_of
from fgir.study.geometry import Transform
from fgir.utils.errors import FgirError, nearest

Pixels = Image.Image | np.ndarray

_INTERPOLATIONS = {name.lower(): getattr(Image.Resampling, name) for name in ("BILINEAR", "BICUBIC", "LANCZOS")}


def resize_square(image: Pixels, side: int) -> Pixels:
    """Resize to ``side`` x ``side`` by bicubic interpolation. The aspect ratio is not kept, as published."""
    return as_image(image).resize((side, side), Image.Resampling.BICUBIC)


def resize_shorter(image: Pixels, side: int, interpolation: str) -> Pixels:
    """Resize so that the shorter side is of ``side`` pixels and the aspect ratio is kept, rounded as torchvision."""
    width, height = _size_of(image)
    size = (side, int(side * height / width)) if width <= height else (int(side * width / height), side)
    return _resized(image, size, interpolation)


def resize_height(image: Pixels, side: int, interpolation: str) -> Pixels:
    """Resize so that the height is of ``side`` pixels, upright or not, and the aspect ratio is kept."""
    width, height = _size_of(image)
    return _resized(image, (max(1, int(side * width / height)), side), interpolation)


def bound_shorter(image: Pixels, side: int, interpolation: str) -> Pixels:
    """Resize as resize_shorter does, but leave an image as it is whose shorter side is no larger."""
    return image if min(_size_of(image)) <= side else resize_shorter(image, side, interpolation)


def random_resized_crop(image: Pixels, *given: Any) -> Pixels:
    """Cut a random window and resize it to ``size`` x ``size``.

    ``given``: uniform numbers, then ``size``, the smallest share of the area (the largest is 1), the interpolation.
    """
    *uniform, size, smallest, interpolation = given
    width, height = _size_of(image)
    return _resized(_window(image, box_of(height, width, smallest, uniform)), (size, size), interpolation)


def reduced(image: Pixels, side: int) -> Pixels:
    """Return the image as it is: where its file allowed it, it was decoded at a smaller size (``least_side``)."""
    return image


def random_crop(image: Pixels, down: float, across: float, size: int) -> Pixels:
    """Cut a window of ``size`` x ``size``; all places are equally likely."""
    width, height = _large_enough(image, size)
    return _window(image, Box(int(down * (height - size + 1)), int(across * (width - size + 1)), size, size))


def centre_crop(image: Pixels, size: int) -> Pixels:
    """Cut the middle ``size`` x ``size``, rounded as torchvision's CenterCrop rounds."""
    width, height = _large_enough(image, size)
    return _window(image, Box(round((height - size) / 2), round((width - size) / 2), size, size))


def ten_crop(image: Pixels, size: int) -> Pixels:
    """Cut ten windows, one below the other, (10 size, size, 3): the centre, the four corners, then their mirrors."""
    pixels = np.asarray(image)
    width, height = _large_enough(pixels, size)
    down, right = height - size, width - size
    corners = [pixels[top : top + size, left : left + size] for top in (0, down) for left in (0, right)]
    windows = [np.asarray(centre_crop(pixels, size)), *corners]
    return np.concatenate([*windows, *(window[:, ::-1] for window in windows)])


def shifted_centre_crop(image: Pixels, side: float, far: float, size: int) -> Pixels:
    """Cut the middle ``size`` x ``size``, moved left or right alike, by 0 pixels to as many as the middle leaves."""
    width, height = _large_enough(image, size)
    middle = round((width - size) / 2)
    moved = int(far * (middle + 1)) * (1 if side >= 0.5 else -1)
    # The middle of an odd margin is rounded, so that the last place to the right may lie outside.
    return _window(image, Box(round((height - size) / 2), min(middle + moved, width - size), size, size))


def pad(image: Pixels, size: int) -> Pixels:
    """Frame an image that is smaller than ``size`` with black, in the middle, as torchvision's CenterCrop does."""
    pixels = np.asarray(image)
    missing = [max(0, size - side) for side in pixels.shape[:2]]
    if not any(missing):
        return pixels
    return np.pad(pixels, [*((lack // 2, lack - lack // 2) for lack in missing), (0, 0)])


def mirror(image: Pixels, chance: float) -> Pixels:
    """Mirror left and right in half of all cases."""
    if chance < 0.5:
        return image
    if isinstance(image, Image.Image):
        return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return image[:, ::-1]


def colour_jitter(image: Pixels, *given: float) -> Pixels:
    """Change brightness, contrast and saturation at random; ``given``: uniform numbers, then the strength of each."""
    return colour.jitter(as_image(image), given[: colour.DRAWS], given[colour.DRAWS :])


class Implementation(NamedTuple):
    """The function of an operation, and how many uniform numbers it asks for; none: it is deterministic."""

    function: Callable[..., Pixels]
    draws: int = 0


OPERATIONS = {
    "reduced": Implementation(reduced),
    "resize_square": Implementation(resize_square),
    "resize_shorter": Implementation(resize_shorter),
    "resize_height": Implementation(resize_height),
    "bound_shorter": Implementation(bound_shorter),
    "random_crop": Implementation(random_crop, draws=2),
    "random_resized_crop": Implementation(random_resized_crop, draws=resized_crop.DRAWS),
    "centre_crop": Implementation(centre_crop),
    "ten_crop": Implementation(ten_crop),
    "shifted_centre_crop": Implementation(shifted_centre_crop, draws=2),
    "pad": Implementation(pad),
    "mirror": Implementation(mirror, draws=1),
    "colour_jitter": Implementation(colour_jitter, draws=colour.DRAWS),
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


def least_side(transform: Transform) -> int | None:
    """Return the side in pixels below which no side of an image may be decoded; None: it is decoded in full."""
    first = transform.operations[:1]
    return int(first[0].parameters[0]) if first and first[0].name == "reduced" else None


def deterministic(transform: Transform, purpose: str) -> Pipeline:
    """Return the pipeline of a transform; FgirError that names its ``purpose`` where it draws random numbers."""
    pipeline = Pipeline(transform)
    if pipeline.draws:
        raise FgirError(f'"{transform}" draws random numbers, but {purpose}.')
    return pipeline


def as_image(image: Pixels) -> Image.Image:
    """Return an image as one of Pillow."""
    return Image.fromarray(image) if isinstance(image, np.ndarray) else image


def _resized(image: Pixels, size: tuple[int, int], interpolation: str) -> Image.Image:
    """Return an image resized to (width, height) by Pillow, whose filters grow with the scale against aliases."""
    if interpolation not in _INTERPOLATIONS:
        raise FgirError(f'There is no interpolation "{interpolation}"{nearest(interpolation, _INTERPOLATIONS)}')
    return as_image(image).resize(size, _INTERPOLATIONS[interpolation])


def _window(image: Pixels, box: Box) -> Pixels:
    top, left, height, width = box
    if isinstance(image, Image.Image):
        return image.crop((left, top, left + width, top + height))
    return image[top : top + height, left : left + width]


def _size_of(image: Pixels) -> tuple[int, int]:
    """Return width and height."""
    return image.size if isinstance(image, Image.Image) else (image.shape[1], image.shape[0])


def _large_enough(image: Pixels, size: int) -> tuple[int, int]:
    """Return width and height; FgirError where one is smaller than a crop of ``size``."""
    width, height = _size_of(image)
    if height < size or width < size:
        raise FgirError(f"Images of {width} x {height} are too small for crops of {size}; resize them to more.")
    return width, height
