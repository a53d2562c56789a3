"""One image as a source names it."""

from typing import NamedTuple


class SourceImage(NamedTuple):
    """An image before it was opened: what the source says of it."""

    path: str
    """Inside the archive root, with forward slashes."""
    class_name: str
    part: str | None
    """Official part: train_val or test; None where the dataset has none."""
    object_size: float | None = None
    """Apparent size of the object (square root of its area) in pixels; None where unknown."""
