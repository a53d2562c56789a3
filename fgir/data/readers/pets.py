"""Oxford-IIIT Pet (Parkhi et al. 2012): images/, and lists of lines ``<image> <class> <species> <breed>``."""

from pathlib import Path

from fgir.data.readers.layout import find
from fgir.data.readers.lists import Part, Row, gather, located_lines
from fgir.data.sources.image import Listing
from fgir.utils.errors import FgirError

PARTS = {"trainval.txt": "train_val", "test.txt": "test"}


def read(root: Path) -> Listing:
    """Return both parts, in the order of their lists; labels as they number the breeds, from 1."""
    # The first "images" may be the folder into which the archive of that name was unpacked.
    rows = {file: _rows(find(root, f"annotations/{file}")) for file in PARTS}
    folder = find(root, f"images/{rows['trainval.txt'][0].path}").parent
    parts = [Part(rows[file], folder, part) for file, part in PARTS.items()]
    return gather(root, parts, lambda row: row.path.rpartition("_")[0])


def _rows(path: Path) -> list[Row]:
    rows = []
    for line, where in located_lines(path):
        fields = line.split()
        if len(fields) != 4 or not fields[1].isdecimal():
            raise FgirError(f"{where}: expected image, class, species and breed; restore the list from the archive.")
        rows.append(Row(f"{fields[0]}.jpg", int(fields[1]), where))
    if not rows:
        raise FgirError(f"{path} names no images; restore it from the archive.")
    return rows
