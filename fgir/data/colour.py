"""Colour jitter, pixel for pixel as torchvision does it to Pillow images."""

from collections.abc import Callable, Sequence
from itertools import permutations

import numpy as np
from PIL import Image

DRAWS = 4


def jitter(image: Image.Image, uniform: Sequence[float], strengths: Sequence[float]) -> Image.Image:
    """Change brightness, contrast and saturation, each by a factor, in any order alike.

    uniform: DRAWS numbers in [0, 1), one a factor and one for the order. strengths: s of brightness, contrast and
    saturation; a factor is uniform from max(0, 1 - s) to 1 + s.
    """
    *shares, place = uniform
    factors = [
        _between(max(0.0, 1 - strength), 1 + strength, share) for strength, share in zip(strengths, shares, strict=True)
    ]
    for number in _ORDERS[int(place * len(_ORDERS))]:
        image = _CHANGES[number](image, factors[number])
    return image


def brightness(image: Image.Image, factor: float) -> Image.Image:
    """Multiply all values; 0 is black."""
    return Image.blend(_plain(image, 0), image, factor)


def contrast(image: Image.Image, factor: float) -> Image.Image:
    """Multiply the distances from the mean grey of the image; 0 is that grey."""
    mean = np.asarray(image.convert("L")).mean()
    return Image.blend(_plain(image, int(mean + 0.5)), image, factor)


def saturation(image: Image.Image, factor: float) -> Image.Image:
    """Multiply the distances of each pixel from its grey; 0 is a picture in grey."""
    return Image.blend(image.convert("L").convert("RGB"), image, factor)


_CHANGES: tuple[Callable[[Image.Image, float], Image.Image], ...] = (brightness, contrast, saturation)
_ORDERS = tuple(permutations(range(len(_CHANGES))))


def _plain(image: Image.Image, grey: int) -> Image.Image:
    return Image.new("RGB", image.size, (grey, grey, grey))


def _between(low: float, high: float, share: float) -> float:
    return low + share * (high - low)
