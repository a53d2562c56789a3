"""VegFru (Hou et al. 2017): 200 vegetables and 92 fruits, joined; the fruits' labels follow the vegetables'.

Lists of lines ``<class>/<image> <number>``, numbered from 0 in each half, name the images of ``veg200_images/`` and
``fru92_images/``; ``vegfru_list/`` holds lists of the whole, with the folder before the class. Either will do.
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path, PurePosixPath

from fgir.data.readers.layout import find
from fgir.data.readers.lists import Part, Row, gather, holder, published, spaced
from fgir.data.readers.trees import unwrapped
from fgir.data.sources.image import Listing
from fgir.utils.errors import FgirError

# The study joins the official train and val parts, in this order.
PARTS = {"train": "train_val", "val": "train_val", "test": "test"}
VEGETABLES = 200


def read(root: Path) -> Listing:
    """Return both halves, each part in the order of its list."""
    return gather(
        root, published(root) or _whole(root) or _halves(root), lambda row: PurePosixPath(row.path).parent.name
    )


def _whole(root: Path) -> list[Part]:
    try:
        files = {file: find(root, f"vegfru_list/vegfru_{file}.txt") for file in PARTS}
    except FgirError:
        return []
    return [half for file, part in PARTS.items() for half in _by_folder(root, spaced(files[file]), part)]


def _by_folder(root: Path, rows: list[Row], part: str) -> Iterator[Part]:
    # Each half is an archive of its own, and may be unpacked into a folder of its own.
    for _, half in groupby(rows, key=lambda row: PurePosixPath(row.path).parts[0]):
        found = list(half)
        yield Part(found, holder(root, found[0].path), part)


def _halves(root: Path) -> list[Part]:
    return [
        Part(_rows(root, half, size, file), unwrapped(root, f"{half}{size}_images"), part)
        for file, part in PARTS.items()
        for half, size in (("veg", VEGETABLES), ("fru", 92))
    ]


def _rows(root: Path, half: str, size: int, file: str) -> list[Row]:
    path = find(root, f"{half}{size}_lists/{half}_{file}.txt")
    first = VEGETABLES if half == "fru" else 0
    return [row._replace(number=first + row.number) for row in spaced(path)]
