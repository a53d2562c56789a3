"""VegFru: two halves joined, from the lists of each or of both."""

from pathlib import Path

import pytest
from packed import delivered, delivered_images, split_of

from fgir.data.readers import vegfru
from fgir.utils.errors import FgirError

# As many images a class as in the real lists, over ten: 10 train, 5 val.
COUNTS = {"train": 10, "val": 5, "test": 3}
HALVES = {"veg200": ("Jew's-ear", "zucchini"), "fru92": ("almond", "yacon")}


def images_of(half: str, file: str) -> list[tuple[str, int]]:
    return [
        (f"{name}/{half[0]}_{number:02}_{file}_{image:04}.jpg", number)
        for number, name in enumerate(HALVES[half])
        for image in range(COUNTS[file])
    ]


def halves(root: Path, extra: str = "") -> Path:
    for half in HALVES:
        names = [f"{half}_images/{name}" for file in COUNTS for name, _ in images_of(half, file)]
        delivered_images(root, f"{half}_images.zip", names)
        texts = {
            f"{half}_lists/{half[:3]}_{file}.txt": "".join(f"{name} {n}\n" for name, n in images_of(half, file)) + extra
            for file in COUNTS
        }
        delivered(root, f"{half}_lists.zip", texts)
    return root


def test_fruits_follow_vegetables(tmp_path: Path) -> None:
    listing = vegfru.read(halves(tmp_path))

    assert listing.classes == ["Jew's-ear", "zucchini", "almond", "yacon"]
    assert listing.images[0].path == "veg200_images/veg200_images/Jew's-ear/v_00_train_0000.jpg"
    parts = [image.part for image in listing.images]
    assert (parts.count("train_val"), parts.count("test")) == (60, 12)
    assert all((tmp_path / image.path).is_file() for image in listing.images)


def test_official_train_and_val_are_joined_before_the_split(tmp_path: Path) -> None:
    parts = split_of(halves(tmp_path / "vegfru"), "vegfru", tmp_path, classes=4)

    yacon = [path.rsplit("/", 1)[1] for path in parts["val"] if "yacon" in path]
    assert yacon == ["f_01_val_0002.jpg", "f_01_val_0003.jpg", "f_01_val_0004.jpg"]
    assert (len(parts["train"]), len(parts["val"]), len(parts["test"])) == (48, 12, 12)


def test_lists_of_the_whole_give_the_same(tmp_path: Path) -> None:
    expected = vegfru.read(halves(tmp_path / "halves"))
    root = halves(tmp_path / "whole")
    texts = {
        f"vegfru_list/vegfru_{file}.txt": "".join(
            f"{half}_images/{name} {200 * (half == 'fru92') + number}\n"
            for half in HALVES
            for name, number in images_of(half, file)
        )
        for file in COUNTS
    }

    delivered(root, "vegfru_list.zip", texts)

    assert vegfru.read(root) == expected


def test_a_list_that_names_an_absent_image_is_refused(tmp_path: Path) -> None:
    root = halves(tmp_path, extra="zucchini/lost.jpg 1\n")

    with pytest.raises(FgirError, match=r"veg_train\.txt line 21: .*zucchini/lost\.jpg does not exist"):
        vegfru.read(root)


def test_a_missing_half_is_told(tmp_path: Path) -> None:
    names = [f"veg200_images/{name}" for file in COUNTS for name, _ in images_of("veg200", file)]

    with pytest.raises(FgirError, match=r"holds no veg200_lists/veg_train\.txt"):
        vegfru.read(delivered_images(tmp_path, "veg200_images.zip", names))
