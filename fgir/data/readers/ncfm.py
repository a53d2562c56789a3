"""The Nature Conservancy Fisheries Monitoring: ``train/<class>/<image>.jpg``. The test images have no labels."""

from pathlib import Path

from fgir.data.readers.trees import class_folders, images_in, unwrapped
from fgir.data.sources.image import Listing, SourceImage


def read(root: Path) -> Listing:
    """Return every labelled image, class after class, by name; no official part."""
    folders = class_folders(unwrapped(root, "train"))
    return Listing(
        [folder.name for folder in folders],
        [
            SourceImage(path.relative_to(root).as_posix(), folder.name, None)
            for folder in folders
            for path in images_in(folder)
        ],
    )
