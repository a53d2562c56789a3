"""DAF:re, full body (Rios et al. 2021): characters of Danbooru2018, short side 256 pixels.

``fullMin256/<bucket>/<id>.jpg``; ``labels/`` holds train.csv, val.csv and test.csv of lines ``number,image`` and
classid_classname.csv of lines ``number,name``. The study joins train and val; a class's first fifth is then train.
"""

from pathlib import Path

from fgir.data.readers.layout import find, lines
from fgir.data.readers.lists import Part, Row, comma_separated, gather, published
from fgir.data.readers.trees import unwrapped
from fgir.data.sources.image import Listing
from fgir.utils.errors import FgirError

PARTS = {"train": "train_val", "val": "train_val", "test": "test"}
NAMES = "classid_classname.csv"


def read(root: Path) -> Listing:
    """Return every image of the study's own lists, else of labels/, in the order of the lists."""
    path = root / NAMES if (root / NAMES).is_file() else find(root, f"labels/{NAMES}")
    names = _names(path)

    def character(row: Row) -> str:
        if row.number not in names:
            raise FgirError(f"{row.where}: class {row.number} is not in {path}; get both files again.")
        return names[row.number]

    return gather(root, published(root) or _official(root, path.parent), character)


def _official(root: Path, labels: Path) -> list[Part]:
    images = unwrapped(root, "fullMin256")
    return [Part(comma_separated(labels / f"{file}.csv"), images, part) for file, part in PARTS.items()]


def _names(path: Path) -> dict[int, str]:
    names = {}
    for line, where in lines(path):
        number, _, name = line.partition(",")
        if number == "class_id":
            continue
        if not (number.isascii() and number.isdecimal() and name):
            raise FgirError(f"{where}: expected the number of a class and its name; restore the file.")
        names[int(number)] = name
    return names
