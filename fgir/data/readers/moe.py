"""Moeimouto faces: 173 characters, ``<class>/<image>.png``. There is no official test part.

The study drew one by a rule that took the images as the file system listed them: what it drew is known from its own
lists alone. Without them the same rule takes them by name, which gives as many images a part, but others.
"""

from pathlib import Path, PurePosixPath

from fgir.data.readers.layout import find
from fgir.data.readers.lists import gather, published
from fgir.data.readers.trees import class_folders, images_in
from fgir.data.sources.image import Listing, SourceImage

FIRST_CLASS = "000_hatsune_miku"
TRAIN_VAL = 0.8


def read(root: Path) -> Listing:
    """Return every image in the order of the study's lists, else class after class by name."""
    lists = published(root)
    if lists:
        return gather(root, lists, lambda row: PurePosixPath(row.path).parent.name)
    # Some copies hold class folders without images.
    folders = [folder for folder in class_folders(find(root, FIRST_CLASS).parent) if images_in(folder)]
    return Listing([folder.name for folder in folders], [image for folder in folders for image in _class(root, folder)])


def _class(root: Path, folder: Path) -> list[SourceImage]:
    images = images_in(folder)
    first = int(len(images) * TRAIN_VAL)
    return [
        SourceImage(path.relative_to(root).as_posix(), folder.name, "train_val" if number < first else "test")
        for number, path in enumerate(images)
    ]
