"""DAF:re: labels/ beside the images, or the study's own lists."""

from pathlib import Path

import pytest
from packed import delivered, delivered_images, parts_of, split_of

from fgir.data.readers import dafb
from fgir.utils.errors import FgirError

# 0.7, 0.1 and 0.2 of twenty images of one character and of ten of the other.
COUNTS = {"train": (14, 7), "val": (2, 1), "test": (4, 2)}
NAMES = "0,hatsune_miku\n1,c.c.\n"


def rows_of(file: str) -> list[str]:
    return [
        f"{number},0{number}{file[0] * 2}/{file}{number}{image:02}.jpg"
        for number, count in enumerate(COUNTS[file])
        for image in range(count)
    ]


def archives(root: Path, **changed: str) -> Path:
    names = [row.split(",")[1] for file in COUNTS for row in rows_of(file)]
    delivered_images(root, "dafre_full.tar.gz", [f"fullMin256/{name}" for name in names])
    texts = {f"labels/{file}.csv": "\n".join(rows_of(file)) + "\n" for file in COUNTS}
    texts["labels/classid_classname.csv"] = NAMES
    return delivered(root, "labels.tar.gz", texts | {f"labels/{file}.csv": text for file, text in changed.items()})


def test_labels_name_characters_and_parts(tmp_path: Path) -> None:
    listing = dafb.read(archives(tmp_path))

    assert listing.classes == ["hatsune_miku", "c.c."]
    assert parts_of(listing)[0] == ("hatsune_miku", "train000.jpg", "train_val")
    assert parts_of(listing)[-1] == ("c.c.", "test101.jpg", "test")
    assert listing.images[0].path == "dafre_full/fullMin256/00tt/train000.jpg"
    parts = [image.part for image in listing.images]
    assert (parts.count("train_val"), parts.count("test")) == (24, 6)


def test_a_fifth_of_each_class_is_train(tmp_path: Path) -> None:
    root = archives(tmp_path / "dafb")

    parts = split_of(root, "dafb", tmp_path, classes=2, train_fraction=0.2)

    assert [Path(path).stem for path in parts["train"]] == ["train000", "train001", "train002", "train100"]
    assert (len(parts["train"]), len(parts["val"]), len(parts["test"])) == (4, 20, 6)


def test_lists_with_a_header_beside_the_archive_come_first(tmp_path: Path) -> None:
    root = archives(tmp_path)
    train_val = ["class_id,dir", *reversed(rows_of("train"))]
    (root / "train_val.csv").write_text("\n".join(train_val))
    (root / "test.csv").write_text("\n".join(["class_id,dir", *rows_of("test")]))

    listing = dafb.read(root)

    assert listing.classes == ["hatsune_miku", "c.c."]
    assert parts_of(listing)[0] == ("c.c.", "train106.jpg", "train_val")
    assert len(listing.images) == 27


BAD = [
    ({"val": "7,0vv/val000.jpg\n"}, r"val\.csv line 1: class 7 is not in .*classid_classname\.csv"),
    ({"test": "0,0000/lost.jpg\n"}, r"test\.csv line 1: .*fullMin256/0000/lost\.jpg does not exist"),
    ({"train": "0545/676545.jpg,0\n"}, r"train\.csv line 1: expected an image and the number of its class"),
    ({"classid_classname": "miku,0\n"}, r"classid_classname\.csv line 1: expected the number of a class and its name"),
    ({"val": ""}, r"val\.csv names no images"),
]


@pytest.mark.parametrize(("changed", "message"), BAD)
def test_bad_labels_name_file_and_line(tmp_path: Path, changed: dict[str, str], message: str) -> None:
    with pytest.raises(FgirError, match=message):
        dafb.read(archives(tmp_path, **changed))


def test_absent_labels_are_told(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match=r"holds no labels/classid_classname\.csv"):
        dafb.read(delivered_images(tmp_path, "dafre_full.tar.gz", ["fullMin256/0000/1.jpg"]))
