"""CUB-200-2011 (Wah et al. 2011) and NABirds (Van Horn et al. 2015): lists that give an image's number, and one fact.

The classes of NABirds are not numbered without gaps: only those that have images count, by rising number.
"""

from pathlib import Path

from fgir.data.readers.layout import find
from fgir.data.readers.lists import Part, Row, gather, located_lines
from fgir.data.sources.image import Listing
from fgir.utils.errors import FgirError


def read(root: Path) -> Listing:
    """Return both parts, in the order of images.txt."""
    folder = find(root, "image_class_labels.txt").parent
    classes, splits = _facts(folder / "image_class_labels.txt"), _facts(folder / "train_test_split.txt")
    names = {number: name for number, (name, _) in _facts(folder / "classes.txt").items()}
    rows: dict[str, list[Row]] = {"1": [], "0": []}
    for image, (path, where) in _facts(folder / "images.txt").items():
        number, split = classes.get(image, ("", ""))[0], splits.get(image, ("", ""))[0]
        if number not in names or not number.isdecimal() or split not in rows:
            raise FgirError(f"{where}: image {image} has no class or no part in the lists beside it; restore them.")
        rows[split].append(Row(path, int(number), where))
    parts = [Part(rows["1"], folder / "images", "train_val"), Part(rows["0"], folder / "images", "test")]
    return gather(root, parts, lambda row: names[str(row.number)])


def _facts(path: Path) -> dict[str, tuple[str, str]]:
    """Return what a list says of each number, and on which line."""
    split = ((line.partition(" "), where) for line, where in located_lines(path))
    return {number: (fact, where) for (number, _, fact), where in split}
