"""The fisheries: class folders without an official test part."""

from pathlib import Path

import pytest
from packed import delivered, delivered_images, split_of

from fgir.data.readers import ncfm
from fgir.utils.errors import FgirError

COUNTS = {"YFT": 10, "ALB": 5, "NoF": 5}
FILES = [f"train/{name}/img_{image:05}.jpg" for name, count in COUNTS.items() for image in range(count)]


def test_labelled_images_have_no_part(tmp_path: Path) -> None:
    listing = ncfm.read(delivered_images(tmp_path, "train.zip", FILES))

    assert listing.classes == ["ALB", "NoF", "YFT"]
    assert [image.path for image in listing.images] == sorted(f"train/{name}" for name in FILES)
    assert {image.part for image in listing.images} == {None}


def test_what_a_network_drive_leaves_beside_the_fish_is_not_read(tmp_path: Path) -> None:
    litter = ["train/@eaDir/x.jpg", "train/YFT/@eaDir/x.jpg", "train/YFT/._img_00001.jpg"]

    listing = ncfm.read(delivered_images(tmp_path, "train.zip", [*FILES, *litter]))

    assert listing.classes == ["ALB", "NoF", "YFT"]
    assert len(listing.images) == len(FILES)


def test_test_images_are_drawn_from_each_class(tmp_path: Path) -> None:
    root = delivered_images(tmp_path / "ncfm", "train.zip", FILES)

    parts = split_of(root, "ncfm", tmp_path, classes=3, test_fraction=0.2)

    assert sorted(Path(path).parent.name for path in parts["test"]) == ["ALB", "NoF", "YFT", "YFT"]


def test_an_archive_without_class_folders_is_told(tmp_path: Path) -> None:
    root = delivered(tmp_path, "train.zip", {"train/readme.txt": "nothing"})

    with pytest.raises(FgirError, match="train holds no class folders"):
        ncfm.read(root)
