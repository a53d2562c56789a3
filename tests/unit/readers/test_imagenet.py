"""ImageNet-1k: val in folders of synsets, or flat beside the development kit."""

from pathlib import Path

import numpy as np
import pytest
from packed import delivered_images, parts_of
from scipy.io import savemat

from fgir.data.readers import imagenet
from fgir.utils.errors import FgirError


def an_imagenet(root: Path, val: list[str]) -> Path:
    train = [f"train/{name}/{name}_{n}.JPEG" for name in ("n02", "n01") for n in (1, 2)]
    delivered_images(root, "x.tar", train + [f"val/{name}" for name in val])
    return root


def test_imagenet_is_read_from_folders_of_synsets(tmp_path: Path) -> None:
    listing = imagenet.read(an_imagenet(tmp_path, ["n02/b.JPEG", "n01/a.JPEG"]))

    assert listing.classes == ["n01", "n02"]
    assert parts_of(listing)[0] == ("n01", "n01_1.JPEG", "train_val")
    assert parts_of(listing)[-2:] == [("n01", "a.JPEG", "test"), ("n02", "b.JPEG", "test")]


def test_what_a_network_drive_leaves_beside_imagenet_is_not_read(tmp_path: Path) -> None:
    litter = ["n01/@eaDir/a.JPEG", "n01/Thumbs.db", "@eaDir/n01.JPEG"]

    listing = imagenet.read(an_imagenet(tmp_path, ["n02/b.JPEG", "n01/a.JPEG", *litter]))

    assert listing.classes == ["n01", "n02"]
    assert len(listing.images) == 6


def a_flat_val(root: Path, truth: str = "2\n1\n", synset: str = "n01") -> Path:
    an_imagenet(root, ["ILSVRC2012_val_00000002.JPEG", "ILSVRC2012_val_00000001.JPEG"])
    kit = root / "ILSVRC2012_devkit_t12/data"
    kit.mkdir(parents=True)
    synsets = np.array([(1, "n02"), (2, synset)], dtype=[("ILSVRC2012_ID", object), ("WNID", object)])
    savemat(kit / "meta.mat", {"synsets": synsets})
    (kit / "ILSVRC2012_validation_ground_truth.txt").write_text(truth)
    return root


def test_imagenets_flat_val_is_labelled_by_the_development_kit(tmp_path: Path) -> None:
    root = a_flat_val(tmp_path)
    (root / "x/val/.listing").write_text("no image, and first by name")

    listing = imagenet.read(root)

    assert parts_of(listing)[-2:] == [
        ("n01", "ILSVRC2012_val_00000001.JPEG", "test"),
        ("n02", "ILSVRC2012_val_00000002.JPEG", "test"),
    ]


def test_a_lost_image_of_imagenets_flat_val_shifts_no_label(tmp_path: Path) -> None:
    root = a_flat_val(tmp_path)
    (root / "x/val/ILSVRC2012_val_00000001.JPEG").rename(root / "x/val/ILSVRC2012_val_00000003.JPEG")

    with pytest.raises(FgirError, match=r"ground_truth.txt line 1: .*val_00000001.JPEG does not exist"):
        imagenet.read(root)


BAD_KITS = [
    ({"truth": "2\n7\n"}, r"ground_truth.txt line 2: synset 7 is not in meta.mat"),
    ({"truth": "2\n"}, r"val_00000002.JPEG has no line in .*ground_truth.txt"),
    ({"synset": "n99"}, r"ground_truth.txt line 1: synset 2 .* has no folder in train"),
]


@pytest.mark.parametrize(("changed", "message"), BAD_KITS)
def test_a_development_kit_of_other_images_is_told(tmp_path: Path, changed: dict[str, str], message: str) -> None:
    with pytest.raises(FgirError, match=message):
        imagenet.read(a_flat_val(tmp_path, **changed))
