"""Where each image is cropped and whether it is mirrored: drawn from (seed, epoch, image) alone."""

from collections.abc import Iterable
from typing import Protocol

import numpy as np


class Images(Protocol):
    """Square images by row: ``images[i]`` is uint8 (side, side, 3)."""

    side: int

    def __len__(self) -> int: ...

    def __getitem__(self, row: int) -> np.ndarray: ...


def draws(seed: int, epoch: int, slot: int, count: int) -> np.ndarray:
    """Return uniform numbers in [0, 1), float64 (count, 3); row i is the same whatever ``count``.

    Each ``slot`` is another independent stream.
    """
    return np.random.default_rng([seed, epoch, slot]).random((count, 3))


def random_boxes(uniform: np.ndarray, side: int, size: int) -> np.ndarray:
    """Return boxes, int64 (..., 3), from uniform numbers (..., 3): top, left and mirrored or not, of a crop of
    ``size``.

    All (side - size + 1)^2 places are equally likely, and half of the crops are mirrored.
    """
    places = side - size + 1
    return (uniform * (places, places, 2)).astype(np.int64)


def centre_box(side: int, size: int) -> np.ndarray:
    """Return the box, int64 (3,), of the crop in the middle, rounded as torchvision's CenterCrop rounds."""
    place = round((side - size) / 2)
    return np.array([place, place, 0])


def cut(images: Images, rows: Iterable[int], boxes: np.ndarray, size: int) -> np.ndarray:
    """Return crops, uint8 (B, size, size, 3), of the images ``rows`` at ``boxes`` (B, 3)."""
    crops = np.empty((len(boxes), size, size, 3), np.uint8)
    for out, row, (top, left, mirrored) in zip(crops, rows, boxes.tolist(), strict=True):
        window = images[row][top : top + size, left : left + size]
        if mirrored:
            # NumPy mirrors the three channels one by one eight times as fast as together.
            for channel in range(3):
                out[:, :, channel] = window[:, ::-1, channel]
        else:
            out[:] = window
    return crops
