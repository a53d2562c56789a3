"""Stanford Dogs (Khosla et al. 2011): folders of breeds in Images/, train_list.mat and test_list.mat."""

from pathlib import Path, PurePosixPath

from fgir.data.readers.layout import find
from fgir.data.readers.lists import Part, Row, gather
from fgir.data.readers.matlab import load
from fgir.data.sources.image import Listing
from fgir.utils.errors import FgirError
from fgir.utils.words import counted

PARTS = {"train_list.mat": "train_val", "test_list.mat": "test"}


def read(root: Path) -> Listing:
    """Return both parts, in the order of their lists; labels as they number the breeds, from 1."""
    folder = find(root, "Images")
    parts = [Part(_rows(find(root, file)), folder, part) for file, part in PARTS.items()]
    # n02085620-Chihuahua: the number of the synset, then the breed.
    return gather(root, parts, lambda row: PurePosixPath(row.path).parent.name.partition("-")[2])


def _rows(path: Path) -> list[Row]:
    files, labels = load(path, "file_list", "labels")
    if len(files) != len(labels):
        raise FgirError(
            f"{path} has {counted(len(files), 'file')}, but {counted(len(labels), 'label')}; restore it from the "
            "archive."
        )
    return [
        Row(str(file), int(label), f"{path} entry {number}")
        for number, (file, label) in enumerate(zip(files, labels, strict=True), start=1)
    ]
