"""iNaturalist 2017 and 2019: annotations paired by image id."""

from pathlib import Path
from typing import Any

import pytest
from packed import delivered, delivered_images, json_text, parts_of, split_of

from fgir.data.readers import inat
from fgir.utils.errors import FgirError

# Two species share a name: a fig and a snail.
CATEGORIES = [
    {"id": 0, "name": "Ficus variegata", "supercategory": "Plantae"},
    {"id": 2, "name": "Ficus variegata", "supercategory": "Mollusca"},
    {"id": 1, "name": "Turdus merula", "supercategory": "Aves"},
]
FOLDERS = {0: "Plantae/Ficus variegata", 1: "Aves/Turdus merula", 2: "Mollusca/Ficus variegata"}
CLASSES = ["Ficus variegata (0)", "Turdus merula", "Ficus variegata (2)"]
IMAGES = {"train": range(1, 13), "val": range(101, 107)}


def content(file: str, images: str = "train_val_images") -> dict[str, Any]:
    ids = list(IMAGES[file])
    return {
        "images": [{"id": n, "file_name": f"{images}/{FOLDERS[n % 3]}/{n:04}.jpg"} for n in ids],
        "annotations": [{"id": n, "image_id": n, "category_id": n % 3} for n in reversed(ids)],
        "categories": CATEGORIES,
    }


def archives(root: Path, **changed: Any) -> Path:
    contents = {file: content(file) for file in IMAGES}
    names = [image["file_name"] for file in contents.values() for image in file["images"]]
    delivered_images(root, "train_val_images.tar.gz", names)
    contents["train"] |= changed
    texts = {f"{file}2017.json": json_text(text) for file, text in contents.items()}
    return delivered(root, "train_val2017.zip", texts)


def test_annotations_are_paired_by_id_whatever_their_order(tmp_path: Path) -> None:
    listing = inat.read(archives(tmp_path))

    assert listing.classes == CLASSES
    assert parts_of(listing) == [
        (CLASSES[n % 3], f"{n:04}.jpg", part)
        for file, part in (("train", "train_val"), ("val", "test"))
        for n in IMAGES[file]
    ]
    assert listing.images[0].path == "train_val_images/train_val_images/Aves/Turdus merula/0001.jpg"


def test_official_val_is_the_test_part(tmp_path: Path) -> None:
    parts = split_of(archives(tmp_path / "inat17"), "inat", tmp_path, classes=3)

    assert (len(parts["train"]), len(parts["val"]), len(parts["test"])) == (9, 3, 6)
    assert {Path(path).stem[:2] for path in parts["test"]} == {"01"}


def test_2019_comes_in_one_archive_a_file(tmp_path: Path) -> None:
    contents = {file: content(file, "train_val2019") for file in IMAGES}
    names = [image["file_name"] for file in contents.values() for image in file["images"]]
    delivered_images(tmp_path, "train_val2019.tar.gz", names)
    for file, text in contents.items():
        delivered(tmp_path, f"{file}2019.json.tar.gz", {f"{file}2019.json": json_text(text)})

    listing = inat.read(tmp_path)

    assert (len(listing.classes), len(listing.images)) == (3, 18)
    assert listing.images[0].path == "train_val2019/train_val2019/Aves/Turdus merula/0001.jpg"


BAD = [
    ({"categories": CATEGORIES[:2]}, r"train2017\.json: image 1: category 1 is not in"),
    ({"annotations": []}, r"train2017\.json: image 1 has no annotation"),
    ({"images": [{"id": 1, "file_name": f"train_val_images/{FOLDERS[1]}/lost.jpg"}]}, r"image 1: .*lost\.jpg does not"),
    ({"images": []}, r"train2017\.json names no images"),
]


@pytest.mark.parametrize(("changed", "message"), BAD)
def test_bad_annotations_name_file_and_image(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(FgirError, match=message):
        inat.read(archives(tmp_path, **changed))


@pytest.mark.parametrize(
    ("text", "message"), [('{"images": ', "holds no annotations"), ("{}", "has no annotations, cat")]
)
def test_damaged_annotations_are_told(tmp_path: Path, text: str, message: str) -> None:
    root = archives(tmp_path)
    (root / "train_val2017" / "train2017.json").write_text(text)

    with pytest.raises(FgirError, match=rf"train2017\.json {message}"):
        inat.read(root)


def test_absent_annotations_are_told(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match=r"holds no train2017\.json or train2019\.json"):
        inat.read(delivered_images(tmp_path, "train_val_images.tar.gz", ["train_val_images/Aves/a/1.jpg"]))
