"""Any image that Pillow reads as RGB of 8 bits: upright, scaled by its mode's range, without transparency."""

import warnings
from typing import Any, NamedTuple

import numpy as np
from PIL import ExifTags, Image

from fgir.study import GREY, Colour

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TIFF_BITS, _TIFF_PHOTOMETRIC, _TIFF_SAMPLE_FORMAT = 258, 262, 339
_SIGNED, _WHITE_IS_ZERO = 2, 0
# Brighter than this, of 255, is something in nearly every picture that uses the range of its type.
_DARK = 16


class UnfitImage(ValueError):
    """An image whose values no rule makes a picture of; the text goes on after the file's name."""


class _Whole(NamedTuple):
    """Bounds of the whole numbers of an image."""

    bits: int
    signed: bool


def to_rgb(image: Image.Image, background: Colour = GREY) -> Image.Image:
    """Return an opened image in mode RGB; of an animated one its first frame.

    Whole numbers of 16 and 32 bits keep their 8 highest bits (65535 -> 255), floats count from 0 to 1, what is
    transparent lies on ``background``, and the EXIF orientation is applied. Raises UnfitImage at floats outside 0 to
    1, at negative whole numbers, and where the 8 highest bits of all are 0 but the image is not black.
    """
    if _has_frames(image):
        warnings.warn("Several frames or pages, of which the first is read", stacklevel=1)
    image.load()
    turn = _TURNS.get(_orientation(image))
    coloured = _coloured(image, background)
    return coloured if turn is None else coloured.transpose(turn)


def _has_frames(image: Image.Image) -> bool:
    # The second picture that phones put behind a JPEG photograph is a preview or a depth map.
    if image.format == "MPO":
        return False
    try:
        return bool(getattr(image, "is_animated", False))
    # What is damaged behind the first frame spoils nothing of it.
    except Exception:
        return False


def _orientation(image: Image.Image) -> Any:
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    # Pillow raises nearly anything at damaged metadata, which spoils no pixel.
    except Exception:
        warnings.warn("Damaged EXIF data; the image is taken to be upright", stacklevel=2)
        return 1


def _coloured(image: Image.Image, background: Colour) -> Image.Image:
    if image.mode[0] in "IF":
        return _grey(image, background)
    if image.has_transparency_data:
        _shorten_transparent_colour(image)
        return _composited(image.convert("RGBA"), background)
    return image if image.mode == "RGB" else image.convert("RGB")


def _composited(image: Image.Image, background: Colour) -> Image.Image:
    if image.getchannel("A").getextrema() == (255, 255):
        return image.convert("RGB")
    ground = Image.new("RGBA", image.size, (*background, 255))
    ground.alpha_composite(image)
    return ground.convert("RGB")


def _shorten_transparent_colour(image: Image.Image) -> None:
    """Shorten the colour that stands for transparent: Pillow keeps 8 of the 16 bits of a PNG file's other colours."""
    colour = image.info.get("transparency")
    if isinstance(colour, tuple) and max(colour) > 255:
        image.info["transparency"] = tuple(value >> 8 for value in colour)


def _grey(image: Image.Image, background: Colour) -> Image.Image:
    """Return an image of one channel, with more than 8 bits, as RGB."""
    values = np.asarray(image)
    is_float = values.dtype.kind == "f"
    bytes_ = _of_floats(values) if is_float else _of_whole_numbers(values, _range(image))
    if values.any() and not bytes_.any():
        raise UnfitImage(
            f"would be black: its largest value is {values.max():g}, next to nothing in the range of its type; "
            "scale its values, or save it with 8 bits"
        )
    if 0 < bytes_.max() < _DARK:
        warnings.warn("Dark: less than a sixteenth of the range of its type is used", stacklevel=2)
    if _tags(image).get(_TIFF_PHOTOMETRIC) == _WHITE_IS_ZERO:
        bytes_ = 255 - bytes_
    grey = Image.fromarray(bytes_)
    # In a PNG file of 16 bits, one shade may stand for transparent.
    shade = image.info.get("transparency")
    if not isinstance(shade, int):
        return grey.convert("RGB")
    grey.putalpha(Image.fromarray(np.where(values == shade, 0, 255).astype(np.uint8)))
    return _composited(grey.convert("RGBA"), background)


def _of_floats(values: np.ndarray) -> np.ndarray:
    low, high = values.min(), values.max()
    # Written so that it also fails for what is not a number.
    if not (low >= 0 and high <= 1):
        raise UnfitImage(
            f"holds values from {low:g} to {high:g}, but floating-point images are read from 0 to 1; "
            "scale it, or save it with 8 or 16 bits"
        )
    return np.rint(values * 255).astype(np.uint8)


def _of_whole_numbers(values: np.ndarray, whole: _Whole) -> np.ndarray:
    if not whole.signed and values.dtype == np.int32:
        values = values.view(np.uint32)
    if values.min() < 0:
        raise UnfitImage(
            f"holds negative values ({values.min()}), which are no shade; scale it from 0, or save it with 8 or 16 bits"
        )
    return (values >> (whole.bits - whole.signed - 8)).astype(np.uint8)


def _range(image: Image.Image) -> _Whole:
    tags = _tags(image)
    if tags:
        return _Whole(int(np.ravel(tags.get(_TIFF_BITS, 16))[0]), _SIGNED in np.ravel(tags.get(_TIFF_SAMPLE_FORMAT, 1)))
    # Mode I is of 32 bits, but holds 16 of PNG files in some versions of Pillow, and always of PPM files.
    if image.mode != "I" or image.format in ("PNG", "PPM"):
        return _Whole(16, signed=False)
    return _Whole(32, signed=True)


def _tags(image: Image.Image) -> Any:
    return getattr(image, "tag_v2", {})
