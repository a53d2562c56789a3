"""Herbarium 2019: class folders by number; the validation part is the test part."""

from pathlib import Path

import pytest
from packed import delivered_images, parts_of

from fgir.data.readers import herbarium19
from fgir.utils.errors import FgirError

CLASSES = ("0", "2", "10")


def archives(root: Path, validation: tuple[str, ...] = CLASSES) -> Path:
    train = [f"small-train/{name}/{image:05}.jpg" for name in reversed(CLASSES) for image in (1, 0, 2)]
    delivered_images(root, "small-train.tar.gz", train)
    return delivered_images(
        root, "small-validation.tar.gz", [f"small-validation/{name}/00000.jpg" for name in validation]
    )


def test_classes_come_by_number_and_images_by_name(tmp_path: Path) -> None:
    listing = herbarium19.read(archives(tmp_path))

    assert listing.classes == ["0", "2", "10"]
    assert parts_of(listing) == [(name, f"0000{image}.jpg", "train_val") for name in CLASSES for image in range(3)] + [
        (name, "00000.jpg", "test") for name in CLASSES
    ]
    assert listing.images[0].path == "small-train/small-train/0/00000.jpg"
    assert all((tmp_path / image.path).is_file() for image in listing.images)


def test_a_class_that_train_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match=r"small-validation/11 is a class that small-train does not have"):
        herbarium19.read(archives(tmp_path, (*CLASSES, "11")))


def test_a_missing_archive_is_told(tmp_path: Path) -> None:
    root = delivered_images(tmp_path, "small-train.tar.gz", ["small-train/0/00000.jpg"])

    with pytest.raises(FgirError, match="holds no small-validation"):
        herbarium19.read(root)
