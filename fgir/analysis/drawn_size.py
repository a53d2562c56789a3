"""Measure how large objects appear in the windows that training really draws, on the images of a manifest.

Equation 5 of FixRes supposes that the share of a window's area is uniform and the image square. A window that does not
fit into the image is drawn again, which makes large ones rarer: objects appear larger still in training.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from fgir.analysis.apparent_size import expected_ratio
from fgir.data.resized_crop import DRAWS, box_of
from fgir.study.geometry import CROPS, geometry_of, resized_side
from fgir.utils.errors import FgirError

_WINDOWS = 20_000
_RANDOM = "random_resized_crop"


class Apparent(NamedTuple):
    """Hold how large objects appear at one train size, and at a test of the same size."""

    train_size: int
    in_training: float | None
    """Mean side of objects in pixels, where a dataset knows it; of those that a crop cuts, as if it did not."""
    at_test: float | None
    expected: float
    """The ratio of sizes at test to those in training by equation 5."""
    drawn: float
    """The same as drawn."""

    @property
    def expected_best(self) -> float:
        """Return the test size at which objects appear as large as in training, by equation 5."""
        return self.train_size / self.expected

    @property
    def drawn_best(self) -> float:
        """Return the same as drawn."""
        return self.train_size / self.drawn


def apparent(images: Sequence[dict[str, Any]], train_size: int, crops: str, seed: int = 0) -> Apparent:
    """Return how large objects appear in images given by ``height``, ``width`` and ``object_size``, rows of a manifest.

    About 20,000 windows are drawn from ``seed``. FgirError where there is no image.
    """
    import numpy as np

    if not images:
        raise FgirError("There is no image to look at.")
    side = resized_side(train_size, crops=crops)
    repeats = math.ceil(_WINDOWS / len(images))
    rows = [images[place] for place in np.linspace(0, len(images) - 1, min(len(images), _WINDOWS)).astype(int)]
    uniforms = np.random.default_rng(seed).random((len(rows), repeats, DRAWS)).tolist()
    training = np.array(
        [[_scale(row, train_size, side, crops, u) for u in own] for row, own in zip(rows, uniforms, strict=True)]
    )
    test = np.array([_test_scale(row, side, crops) for row in rows])
    sizes = np.array([row["object_size"] or math.nan for row in rows], dtype=np.float64)
    known = ~np.isnan(sizes)
    shrinks = _smallest_share(train_size, side, crops) is not None
    return Apparent(
        train_size,
        float((training.mean(axis=1) * sizes)[known].mean()) if known.any() else None,
        float((test * sizes)[known].mean()) if known.any() else None,
        expected_ratio(side, train_size) if shrinks else 1.0,
        float((test[:, None] / training).mean()),
    )


def _smallest_share(size: int, side: int, crops: str) -> float | None:
    """Return the smallest share of the area of a random window; None of crops that are resized as at test."""
    first = geometry_of(size, side, crops).train.operations[0]
    return float(first.parameters[1]) if first.name == _RANDOM else None


def _scale(row: dict[str, Any], size: int, side: int, crops: str, uniform: Sequence[float]) -> float:
    """Return by how much a drawn crop enlarges what is in it: the root of the areas' ratio."""
    smallest = _smallest_share(size, side, crops)
    if smallest is None:
        return _test_scale(row, side, crops)
    box = box_of(row["height"], row["width"], smallest, uniform)
    return size / math.sqrt(box.height * box.width)


def _test_scale(row: dict[str, Any], side: int, crops: str) -> float:
    height, width = row["height"], row["width"]
    first = CROPS[crops].test.split()[0]
    return side / {"resize_square": math.sqrt(height * width), "resize_height": height}.get(first, min(height, width))
