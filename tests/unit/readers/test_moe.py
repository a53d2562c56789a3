"""Moeimouto faces: the study's own lists, or its rule over the images by name."""

from pathlib import Path

import pytest
from packed import delivered_images, parts_of, split_of

from fgir.data.readers import moe
from fgir.utils.errors import FgirError

COUNTS = {"000_hatsune_miku": 10, "015_c.c": 7}
FILES = [f"{name}/face_{image:03}.png" for name, count in COUNTS.items() for image in range(count)]
ARCHIVE = "moeimouto_animefacecharacterdataset"


def archive(root: Path) -> Path:
    return delivered_images(root, f"{ARCHIVE}.tar.gz", [f"{ARCHIVE}/data/{name}" for name in reversed(FILES)])


def test_without_lists_the_first_four_fifths_of_a_class_are_train_val(tmp_path: Path) -> None:
    listing = moe.read(archive(tmp_path))

    assert listing.classes == ["000_hatsune_miku", "015_c.c"]
    assert listing.images[0].path == f"{ARCHIVE}/{ARCHIVE}/data/000_hatsune_miku/face_000.png"
    tests = [(class_name, name) for class_name, name, part in parts_of(listing) if part == "test"]
    assert tests == [("000_hatsune_miku", f"face_00{n}.png") for n in (8, 9)] + [
        ("015_c.c", f"face_00{n}.png") for n in (5, 6)
    ]


def test_the_studys_lists_choose_the_test_images(tmp_path: Path) -> None:
    root = archive(tmp_path / "moe")
    numbered = [(int(name.startswith("000")), name) for name in FILES]
    for part, rows in (("test", numbered[::4]), ("train_val", [row for row in numbered if row not in numbered[::4]])):
        (root / f"{part}.csv").write_text("class_id,dir\n" + "".join(f"{n},{name}\n" for n, name in rows))

    parts = split_of(root, "moe", tmp_path, classes=2)

    assert moe.read(root).classes == ["015_c.c", "000_hatsune_miku"]
    assert [path.split("/data/")[1] for path in parts["test"]] == FILES[::4]


def test_kaggles_copy_is_read_too(tmp_path: Path) -> None:
    names = [f"moeimouto-faces/{name}" for name in FILES]

    listing = moe.read(delivered_images(tmp_path, "moeimouto-faces.zip", names))

    assert len(listing.images) == 17
    assert listing.images[-1].path == "moeimouto-faces/moeimouto-faces/015_c.c/face_006.png"


def test_a_class_folder_without_images_is_no_class(tmp_path: Path) -> None:
    root = archive(tmp_path)
    (root / ARCHIVE / ARCHIVE / "data" / "900_nobody").mkdir()
    (root / ARCHIVE / ARCHIVE / "data" / "900_nobody" / "color.csv").write_text("1,2,3")

    assert moe.read(root).classes == ["000_hatsune_miku", "015_c.c"]


def test_another_archive_is_told(tmp_path: Path) -> None:
    root = delivered_images(tmp_path, "wrong.zip", ["wrong/a.png"])

    with pytest.raises(FgirError, match="holds no 000_hatsune_miku"):
        moe.read(root)
