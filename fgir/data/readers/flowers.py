"""Oxford 102 Flowers (Nilsback and Zisserman 2008): numbered images, imagelabels.mat and setid.mat; val is official."""

from pathlib import Path

from fgir.data.readers.layout import find
from fgir.data.readers.lists import Part, Row, gather
from fgir.data.readers.matlab import load
from fgir.data.sources.image import Listing
from fgir.utils.errors import FgirError

SETS = {"trnid": "train", "valid": "val", "tstid": "test"}


def read(root: Path) -> Listing:
    """Return the three official parts, in the order of setid.mat; the archives have numbers for classes, no names."""
    folder, path = find(root, "jpg"), find(root, "setid.mat")
    (labels,) = load(find(root, "imagelabels.mat"), "labels")
    parts = [
        Part([_row(int(number), labels, f"{path} {name}") for number in numbers], folder, part)
        for (name, part), numbers in zip(SETS.items(), load(path, *SETS), strict=True)
    ]
    return gather(root, parts, lambda row: f"{row.number:03d}")


def _row(number: int, labels: "list[int]", where: str) -> Row:
    if not 1 <= number <= len(labels):
        raise FgirError(f"{where}: image {number} has no label in imagelabels.mat; fetch both files again.")
    return Row(f"image_{number:05d}.jpg", int(labels[number - 1]), where)
