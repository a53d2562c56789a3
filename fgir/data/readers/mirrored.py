"""The images of a mirror, written out with the official labels (fgir/data/rows.py)."""

import csv
import json
from pathlib import Path

from fgir.data.rows import ABOUT, IMAGES
from fgir.data.sources.image import Listing, SourceImage
from fgir.utils.errors import FgirError


def read(root: Path) -> Listing:
    """Return every image, in the order of the mirror's rows."""
    try:
        classes = json.loads((root / ABOUT).read_text(encoding="utf-8"))["classes"]
        with (root / IMAGES).open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        images = [SourceImage(row["path"], classes[int(row["label"])], row["part"]) for row in rows]
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        raise FgirError(f"{root} is damaged; delete the folder and rerun.") from None
    return Listing(classes, images)


def origin(root: Path) -> str | None:
    """Return owner/name@commit of the mirror whose images a folder holds; None where it is no mirror's."""
    if not (root / ABOUT).is_file():
        return None
    try:
        about = json.loads((root / ABOUT).read_text(encoding="utf-8"))
        return f"{about['repo']}@{about['commit']}"
    except (ValueError, KeyError, TypeError):
        raise FgirError(f"{root} is damaged; delete the folder and rerun.") from None
