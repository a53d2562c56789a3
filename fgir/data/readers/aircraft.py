"""FGVC-Aircraft (Maji et al. 2013), by variant: lists of lines ``<image> <variant>``; labels in the order of names."""

from pathlib import Path

from fgir.data.readers.layout import find
from fgir.data.readers.lists import Part, Row, gather, located_lines
from fgir.data.sources.image import Listing
from fgir.utils.errors import FgirError

# The study divides the official train and val parts, joined, by its own rule.
PARTS = {"trainval": "train_val", "test": "test"}


def read(root: Path) -> Listing:
    """Return both parts, in the order of their lists."""
    folder = find(root, "images_variant_trainval.txt").parent
    lists = {file: located_lines(folder / f"images_variant_{file}.txt") for file in PARTS}
    pairs = {file: [_pair(line, where) for line, where in found] for file, found in lists.items()}
    names = sorted({name for found in pairs.values() for _, name, _ in found})
    numbers = {name: number for number, name in enumerate(names)}
    parts = [
        Part([Row(f"{image}.jpg", numbers[name], where) for image, name, where in pairs[file]], folder / "images", part)
        for file, part in PARTS.items()
    ]
    return gather(root, parts, lambda row: names[row.number])


def _pair(line: str, where: str) -> tuple[str, str, str]:
    image, _, name = line.partition(" ")
    if not name:
        raise FgirError(f"{where}: expected an image and its variant; restore the list from the archive.")
    return image, name, where
