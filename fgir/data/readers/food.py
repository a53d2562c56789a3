"""Food-101 (Bossard et al. 2014): folders of dishes in images/, lists in meta/; labels in the order of classes.txt."""

from pathlib import Path, PurePosixPath

from fgir.data.readers.layout import find
from fgir.data.readers.lists import Part, Row, gather, located_lines
from fgir.data.sources.image import Listing
from fgir.utils.errors import FgirError

PARTS = {"train.txt": "train_val", "test.txt": "test"}


def read(root: Path) -> Listing:
    """Return both parts, in the order of their lists."""
    meta = find(root, "meta/classes.txt").parent
    numbers = {name: number for number, (name, _) in enumerate(located_lines(meta / "classes.txt"))}
    parts = [Part(_rows(meta / file, numbers), meta.parent / "images", part) for file, part in PARTS.items()]
    return gather(root, parts, lambda row: PurePosixPath(row.path).parent.name)


def _rows(path: Path, numbers: dict[str, int]) -> list[Row]:
    rows = []
    for line, where in located_lines(path):
        name = line.partition("/")[0]
        if name not in numbers:
            raise FgirError(f"{where}: {name} is not in classes.txt; restore both lists from the archive.")
        rows.append(Row(f"{line}.jpg", numbers[name], where))
    return rows
