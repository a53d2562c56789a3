"""The box of a random resized crop, as torchvision draws it, of uniform numbers that are given.

Source: torchvision's RandomResizedCrop.get_params, whose boxes are distributed alike.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

_ATTEMPTS = 10
DRAWS = 2 * _ATTEMPTS + 2
_RATIO = (3 / 4, 4 / 3)


class Box(NamedTuple):
    """A window of an image, in pixels."""

    top: int
    left: int
    height: int
    width: int


def box_of(height: int, width: int, smallest: float, uniform: Sequence[float]) -> Box:
    """Return a window of an image, by DRAWS uniform numbers in [0, 1).

    Its share of the image's area is uniform from ``smallest`` to 1, the logarithm of its ratio from log 3/4 to log 4/3:
    the first of ten tries that fits into the image, at any place alike; where none fits, the largest in the middle.
    """
    low, high = map(math.log, _RATIO)
    for share, stretch in zip(uniform[: 2 * _ATTEMPTS : 2], uniform[1 : 2 * _ATTEMPTS : 2], strict=True):
        area = height * width * (smallest + share * (1 - smallest))
        ratio = math.exp(low + stretch * (high - low))
        tall, wide = round(math.sqrt(area / ratio)), round(math.sqrt(area * ratio))
        if 0 < tall <= height and 0 < wide <= width:
            down, across = uniform[2 * _ATTEMPTS : DRAWS]
            return Box(int(down * (height - tall + 1)), int(across * (width - wide + 1)), tall, wide)
    return _largest(height, width)


def _largest(height: int, width: int) -> Box:
    """Return the largest window in the middle whose ratio is between the bounds."""
    narrowest, widest = _RATIO
    tall, wide = height, width
    if width / height < narrowest:
        tall = round(width / narrowest)
    elif width / height > widest:
        wide = round(height * widest)
    return Box((height - tall) // 2, (width - wide) // 2, tall, wide)
