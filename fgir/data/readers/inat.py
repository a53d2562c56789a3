"""iNaturalist 2017 and 2019: annotations like those of COCO, train<year>.json and val<year>.json.

The test part is the official val part, as in the study: the labels of the competition's own test images are not public.
"""

import json
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from fgir.data.readers.lists import Part, Row, gather, holder
from fgir.data.readers.trees import unwrapped
from fgir.data.sources.image import Listing
from fgir.utils.errors import FgirError

YEARS = (2017, 2019)
PARTS = {"train": "train_val", "val": "test"}


def read(root: Path) -> Listing:
    """Return every image in the order of the annotations' ``images``; labels by the category ids, which start at 0."""
    files = {file: _annotations(root, file) for file in PARTS}
    contents = {file: _load(path) for file, path in files.items()}
    names = {category["id"]: category["name"] for category in contents["train"]["categories"]}

    def species(row: Row) -> str:
        if row.number not in names:
            raise FgirError(f"{row.where}: category {row.number} is not in {files['train']}; get both files again.")
        return names[row.number]

    return gather(root, [_part(root, files[file], contents[file], part) for file, part in PARTS.items()], species)


def _annotations(root: Path, file: str) -> Path:
    for year in YEARS:
        with suppress(FgirError):
            return unwrapped(root, f"{file}{year}.json")
    raise FgirError(f"{root} holds no {file}{YEARS[0]}.json or {file}{YEARS[1]}.json; put the annotations there.")


def _load(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
        missing = {"images", "annotations", "categories"} - content.keys()
    except (ValueError, AttributeError) as error:
        raise FgirError(f"{path} holds no annotations ({error}); delete it and rerun.") from None
    if missing:
        raise FgirError(f"{path} has no {', '.join(sorted(missing))}; get the annotations again.")
    return content


def _part(root: Path, path: Path, content: dict[str, Any], name: str) -> Part:
    # By image id: the two lists need not be in the same order.
    category = {annotation["image_id"]: annotation["category_id"] for annotation in content["annotations"]}
    rows = []
    for image in content["images"]:
        where = f"{path}: image {image['id']}"
        if image["id"] not in category:
            raise FgirError(f"{where} has no annotation; get the annotations again.")
        rows.append(Row(image["file_name"], category[image["id"]], where))
    if not rows:
        raise FgirError(f"{path} names no images; get the annotations again.")
    folder = PurePosixPath(rows[0].path).parent.as_posix()
    return Part(rows, holder(root, folder), name)
