"""One image of a word: varied text, size, position, contrast and background, drawn from a seed alone."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

# Short, so that letters are large enough to distinguish faces, and rich in letters that differ most (a, g, Q, R, …).
WORDS = (
    *("Rag", "Quay", "Egg", "Gate", "Jay", "Kiwi", "Sage", "Tag", "Fog", "Key", "Ray", "Zag", "Rye", "Gym", "Ark"),
    *("Yak", "Rg", "ag", "a", "g", "R", "Q"),
)
# Square root of a word's area as a part of the image's side.
OBJECT_SIZES = (0.3, 0.6)
# Words stand in this middle part of each side: the centre crop of evaluation (1/1.34 of a side, 0.746) holds them
# whole, however positions are rounded.
MIDDLE = 0.73
# Smallest difference in lightness between word and background, of 255.
CONTRAST = 70
MEASURED_AT = 100
SMALLEST = 4


def render(face: str, side: int, seed: Sequence[int]) -> tuple[Image.Image, float]:
    """Draw one word in a font face of matplotlib on a ``side`` x ``side`` RGB image.

    Returns the image and the square root of the area of the word's bounding box, in pixels.
    """
    rng = np.random.default_rng(seed)
    text = WORDS[rng.integers(len(WORDS))]
    mask = _mask(text, face, side, rng)
    word, ground = _lightness(rng)
    canvas = _background(side, ground, rng)
    tint = rng.uniform(-25, 25, size=(2, 3))
    alpha = np.asarray(mask, dtype=np.float64)[..., None] / 255
    pixels = (1 - alpha) * (canvas[..., None] + tint[0]) + alpha * (word + tint[1])
    pixels += rng.normal(0, rng.uniform(1, 6), size=(side, side, 1))
    left, top, right, bottom = mask.getbbox() or (0, 0, 0, 0)
    object_size = float(np.sqrt((right - left) * (bottom - top)))
    return Image.fromarray(pixels.clip(0, 255).round().astype(np.uint8)), object_size


def _mask(text: str, face: str, side: int, rng: np.random.Generator) -> Image.Image:
    """Return the word in white on black, anywhere in the middle."""
    room = MIDDLE * side
    font = _fitting_font(text, face, rng.uniform(*OBJECT_SIZES) * side, room)
    left, top, right, bottom = font.getbbox(text)
    border = (side - room) / 2
    x = border + rng.uniform(0, max(0, room - (right - left)))
    y = border + rng.uniform(0, max(0, room - (bottom - top)))
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).text((round(x) - left, round(y) - top), text, font=font, fill=255)
    return mask


def _fitting_font(text: str, face: str, object_size: float, room: float) -> ImageFont.FreeTypeFont:
    """Return the face at the size that gives ``text`` about the wanted object size, no side longer than ``room``."""
    width, height = _extent(_font(face, MEASURED_AT), text)
    size = max(SMALLEST, int(MEASURED_AT * object_size / np.sqrt(width * height)))
    # Letters are fitted to whole pixels, so that a word does not shrink in proportion with its font.
    while size > SMALLEST and max(_extent(_font(face, size), text)) > room:
        size -= 1
    return _font(face, size)


def _extent(font: ImageFont.FreeTypeFont, text: str) -> tuple[float, float]:
    left, top, right, bottom = font.getbbox(text)
    return right - left, bottom - top


def _lightness(rng: np.random.Generator) -> tuple[float, float]:
    """Return the lightness of the word and, at least CONTRAST away, of the background; either may be the lighter."""
    dark = rng.uniform(0, 255 - CONTRAST)
    light = rng.uniform(dark + CONTRAST, 255)
    return (dark, light) if rng.random() < 0.5 else (light, dark)


def _background(side: int, lightness: float, rng: np.random.Generator) -> np.ndarray:
    """Return a background, plain, a gradient in any direction, or blotches; (side, side), of 255."""
    kind = rng.integers(3)
    strength = rng.uniform(10, 35)
    if kind == 0:
        return np.full((side, side), lightness)
    if kind == 1:
        angle = rng.uniform(0, 2 * np.pi)
        y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
        return lightness + strength * (np.cos(angle) * x + np.sin(angle) * y)
    coarse = Image.fromarray(rng.normal(0, strength, size=(8, 8)).astype(np.float32))
    return lightness + np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC), dtype=np.float64)


@lru_cache(maxsize=256)
def _font(face: str, size: int) -> ImageFont.FreeTypeFont:
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{face}.ttf"
    # The basic layout is everywhere; another one might be found on some machines and space letters otherwise.
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
