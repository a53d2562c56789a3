"""One image as a source names it."""

from collections.abc import Sequence
from typing import NamedTuple


class SourceImage(NamedTuple):
    """An image before it was opened: what the source says of it."""

    path: str
    """Inside the archive root, with forward slashes."""
    class_name: str
    part: str | None
    """Official part: train_val (train or val, where the dataset divides them) or test; None where it has none."""
    object_size: float | None = None
    """Apparent size of the object (square root of its area) in pixels; None where unknown."""


class Listing(NamedTuple):
    """All that a source finds of a dataset."""

    classes: list[str]
    """Names in the order of their labels."""
    images: list[SourceImage]
    """Every image, always in the same order; paths relative to the root folder."""
    notes: Sequence[str] = ()
    """Sentences on what was passed over."""
