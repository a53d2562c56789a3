"""Folders of small images for tests: smooth colours with noise on them, as photographs have, in several formats."""

from pathlib import Path

import numpy as np
from PIL import Image

from fgir.results.parquet import write_rows

FORMATS = ((".jpg", "RGB"), (".png", "L"), (".png", "RGBA"), (".png", "P"), (".bmp", "RGB"))


def photograph(width: int, height: int, seed: int) -> Image.Image:
    """A reproducible RGB image."""
    generator = np.random.default_rng(seed)
    coarse = Image.fromarray(generator.integers(0, 256, (5, 6, 3), dtype=np.uint8)).resize((width, height))
    noise = generator.integers(-12, 13, (height, width, 3))
    return Image.fromarray((np.asarray(coarse) + noise).clip(0, 255).astype(np.uint8))


def make_folder(root: Path, count: int) -> list[str]:
    """Write ``count`` images of various sizes, modes and formats; return their paths inside ``root``."""
    root.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(count):
        suffix, mode = FORMATS[number % len(FORMATS)]
        paths.append(f"image {number}{suffix}")
        photograph(50 + 7 * number % 41, 40 + 5 * number % 37, number).convert(mode).save(root / paths[-1])
    return paths


def write_split(paths: list[str], out: Path) -> Path:
    """Write a split file that puts every image in train."""
    rows = [
        {"image": number, "path": path, "label": number % 3, "part": "train", "rule": "test"}
        for number, path in enumerate(paths)
    ]
    write_rows("split", rows, out)
    return out
