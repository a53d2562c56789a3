"""Herbarium 2019 (Tan et al. 2019), images of at most 1024 pixels: small-train/<class>/, small-validation/<class>/.

The test part is the official validation part: the labels of the competition's own test images are not public.
"""

from pathlib import Path

from fgir.data.readers.trees import class_folders, images_in, unwrapped
from fgir.data.sources.image import Listing, SourceImage
from fgir.utils.errors import FgirError

PARTS = {"small-train": "train_val", "small-validation": "test"}


def read(root: Path) -> Listing:
    """Return every image, part after part and class after class, by name; classes by number."""
    classes = [folder.name for folder in class_folders(unwrapped(root, "small-train"))]
    images = []
    for name, part in PARTS.items():
        for folder in class_folders(unwrapped(root, name)):
            if folder.name not in classes:
                raise FgirError(f"{folder} is a class that small-train does not have; unpack both archives again.")
            images += [SourceImage(path.relative_to(root).as_posix(), folder.name, part) for path in images_in(folder)]
    return Listing(classes, images)
