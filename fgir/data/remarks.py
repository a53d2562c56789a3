"""Remarks on a dataset that are no faults: images of extreme sizes, and copies within a class."""

from collections import Counter
from collections.abc import Iterator, Sequence

from fgir.data.look import Measured
from fgir.data.sources.image import SourceImage
from fgir.utils.words import counted, shown

# Pixels. Web pages hold images of one pixel, and frames of a few.
_SMALL = 8
# Times as long as wide: as a square, such an image shows next to nothing.
_LONG = 20


def of_sizes(images: Sequence[SourceImage], measured: Sequence[Measured | str | None]) -> Iterator[str]:
    """Return a sentence on images with a side under 8 pixels, and one on those 20 times as long as wide."""
    sizes = [
        (image.path, min(one.width, one.height), max(one.width, one.height))
        for image, one in zip(images, measured, strict=True)
        if isinstance(one, Measured)
    ]
    small = [path for path, short, _ in sizes if short < _SMALL]
    long = [path for path, short, side in sizes if side >= _LONG * short]
    if small:
        which = counted(len(small), "image has", "images have")
        yield f"{which} a side of less than {_SMALL} pixels, e.g. {shown(small[0])}."
    if long:
        which = counted(len(long), "image is", "images are")
        yield f"{which} {_LONG} times as long as wide, or more, e.g. {shown(long[0])}; they are made square."


def of_copies(images: Sequence[SourceImage], measured: Sequence[Measured | str | None]) -> Iterator[str]:
    """Return a sentence on images that stand, byte for byte, more than once in the same class and part."""
    seen = Counter(
        (image.class_name, image.part, one.digest)
        for image, one in zip(images, measured, strict=True)
        if isinstance(one, Measured)
    )
    if copies := sum(seen.values()) - len(seen):
        yield f"{counted(copies, 'image')} more than once in the same class and part."
