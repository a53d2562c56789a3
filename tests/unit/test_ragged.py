"""The pixel store of images in their own aspect."""

import json
import resource
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from photographs import make_folder, photograph, write_split

from fgir.data import loader
from fgir.data.decode import decode
from fgir.data.loader import Epoch, train_batches
from fgir.data.parts import open_part
from fgir.data.pixels import DecodedImages, write_store
from fgir.data.stored import RaggedImages
from fgir.specs import PixelsSpec
from fgir.study.geometry import geometry_of, resized_side, store_name, transform_of
from fgir.utils.errors import FgirError

COUNT = 13
STARTS = ["", "bound_shorter 45 bilinear", "resize_shorter 30 bilinear"]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("ragged")
    write_split(make_folder(root, COUNT), root / "split.parquet")
    (root / "source.json").write_text(json.dumps({"root": str(root)}))
    return root


def store(root, out, start="", workers=2):
    spec = PixelsSpec(recipe=1, dataset="toy", transform=start)
    write_store(spec, root, root / "split.parquet", out, workers)
    return out


def decoded(root, start=""):
    return DecodedImages(root, make_folder(root, COUNT), transform_of(start))


@pytest.fixture(scope="module")
def whole(root):
    return store(root, root / "whole.ragged")


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("workers", [0, 3])
def test_the_store_holds_the_very_pixels_of_decoding(root, tmp_path, start, workers):
    stored = RaggedImages(store(root, tmp_path / "x.ragged", start, workers), COUNT, transform_of(start))

    images = decoded(root, start)
    assert len(stored) == len(images) == COUNT
    assert stored.start == images.start
    assert len({stored[row].shape for row in range(COUNT)}) > COUNT // 2
    for row in range(COUNT):
        np.testing.assert_array_equal(stored[row], images[row])


@pytest.mark.parametrize("augmentation", ["train", "test", "test_shift"])
@pytest.mark.parametrize("bound", [None, 45])
@pytest.mark.parametrize("crops", ["fixres", "fixres_height", "fixed_scale"])
def test_crops_from_the_store_are_those_from_decoding(root, tmp_path, crops, bound, augmentation):
    train, test, start = geometry_of(24, resized_side(24, crops=crops), crops, augmentation, bound)
    path = store(root, tmp_path / f"{store_name(start)}.ragged", str(start))
    stored, files = (
        open_part("train", root / "split.parquet", start, images) for images in (path, root / "source.json")
    )

    pairs = [
        *zip(*(train_batches(part, train, Epoch(1, 2, 4)) for part in (stored, files)), strict=True),
        *zip(*(loader.test_batches(part, test, 4, 2) for part in (stored, files)), strict=True),
    ]

    assert len(pairs) == 3 + 4
    assert all(torch.equal(one, other) for (one, _), (other, _) in pairs)


@pytest.mark.parametrize(
    ("crops", "bound", "start"),
    [
        ("square", None, "reduced 42 | resize_square 42"),
        ("fixed_scale", None, "reduced 36 | resize_shorter 36 bilinear"),
        ("fixres", 45, "reduced 45 | bound_shorter 45 bilinear"),
        ("fixres", None, ""),
    ],
)
def test_files_are_decoded_reduced_where_all_images_are_resized_first(crops, bound, start):
    geometry = geometry_of(32, resized_side(32, crops=crops), crops, shorter_side=bound, reduced=True)

    assert str(geometry.start) == start
    plain = geometry_of(32, resized_side(32, crops=crops), crops, shorter_side=bound)
    assert geometry.train.after(geometry.start) == plain.train.after(plain.start)


@pytest.mark.parametrize(
    ("side", "size"), [(153, (400, 304)), (152, (200, 152)), (77, (200, 152)), (76, (100, 76)), (20, (50, 38))]
)
def test_a_jpeg_file_is_decoded_at_the_smallest_size_that_is_no_less(tmp_path, side, size):
    photograph(400, 304, 1).save(tmp_path / "a.jpg")
    photograph(400, 304, 1).save(tmp_path / "a.png")

    assert decode(tmp_path / "a.jpg", least=side).size == size
    assert decode(tmp_path / "a.png", least=side).size == decode(tmp_path / "a.jpg").size == (400, 304)


def test_reduced_images_look_alike_and_are_the_same_stored_and_decoded(tmp_path):
    photograph(400, 304, 1).save(tmp_path / "a.jpg", quality=95)
    write_split(["a.jpg"], tmp_path / "split.parquet")
    start = "reduced 60 | resize_shorter 60 bilinear"

    stored = RaggedImages(store(tmp_path, tmp_path / "x.ragged", start), 1, transform_of(start))[0]
    images = [DecodedImages(tmp_path, ["a.jpg"], transform_of(text))[0] for text in (start, start.split(" | ")[1])]

    np.testing.assert_array_equal(stored, images[0])
    difference = np.abs(images[0].astype(int) - images[1])
    assert 0 < difference.max() < 40
    assert difference.mean() < 4


def test_one_store_serves_every_size_of_random_resized_crops():
    starts = {geometry_of(size, resized_side(size, crops="fixres"), "fixres").start for size in (64, 128, 224)}

    assert {store_name(start) for start in starts} == {"whole"}


def test_the_file_is_what_its_description_says(root, whole):
    content = whole.read_bytes()
    line = content[: content.index(b"\n") + 1]
    table = np.frombuffer(content, "<i8", 3 * COUNT, len(line)).reshape(COUNT, 3)

    assert json.loads(line)["images"] == COUNT
    assert len(line) % 64 == 0
    assert len(content) == table[-1, 0] + 3 * table[-1, 1] * table[-1, 2]
    for (place, height, width), image in zip(table.tolist(), decoded(root), strict=False):
        assert content[place : place + 3 * height * width] == image.tobytes()


def test_stored_images_are_read_only(whole):
    with pytest.raises(ValueError, match="read-only"):
        RaggedImages(whole)[0][0, 0, 0] = 1


def damaged(whole, out, change):
    content = bytearray(whole.read_bytes())
    out.write_bytes(change(content) or content)
    return out


@pytest.mark.parametrize("kept", [0, 1, 40, 100, 200, 2000, -1])
def test_a_store_that_is_cut_off_is_refused(whole, tmp_path, kept):
    path = damaged(whole, tmp_path / "x.ragged", lambda content: content[:kept] or b"")
    if kept == 0:
        path.write_bytes(b"")

    with pytest.raises(FgirError, match=r"x\.ragged is not a whole pixel store \(.*\); delete it and rerun"):
        RaggedImages(path)


@pytest.mark.parametrize("place", range(0, 24, 4))
def test_a_store_whose_table_is_damaged_is_refused(whole, tmp_path, place):
    def change(content):
        content[content.index(b"\n") + 1 + 24 * 4 + place] ^= 0x91

    with pytest.raises(FgirError, match="not a whole pixel store"):
        RaggedImages(damaged(whole, tmp_path / "x.ragged", change))


@pytest.mark.parametrize(
    "content",
    [
        b"hello " * 50,
        b"\n" * 100,
        b'{"images": 3}\n',
        b"[1, 2]\n",
        b'{"format": "fgir images, each of its own size, version 1", "images": -4, "start": ""}\n',
        b'{"format": "fgir images, each of its own size, version 1", "images": 99999999999999999999, "start": ""}\n',
        b'{"format": "fgir images, each of its own size, version 1", "images": 0, "start": 7}\n',
        np.zeros((4, 8, 8, 3), np.uint8).tobytes(),
    ],
)
def test_a_foreign_file_is_refused(tmp_path, content):
    path = tmp_path / "x.ragged"
    path.write_bytes(content)

    with pytest.raises(FgirError, match="not a whole pixel store"):
        RaggedImages(path)


def test_a_missing_store_names_the_command_that_builds_it(tmp_path):
    with pytest.raises(FgirError, match=r"does not exist; build it with: snakemake .*whole\.ragged"):
        RaggedImages(tmp_path / "whole.ragged")


@pytest.mark.parametrize(
    ("count", "start", "wanted"),
    [(12, "", "12 as they are"), (COUNT, "resize_shorter 30 bilinear", '13 made by "resize_shorter 30 bilinear"')],
)
def test_a_store_of_other_images_is_refused(whole, count, start, wanted):
    with pytest.raises(FgirError, match=f"holds 13 images as they are, but {wanted} are wanted; delete it and rerun"):
        RaggedImages(whole, count, transform_of(start))


def test_an_unreadable_image_is_named_and_leaves_no_file(root, tmp_path):
    shutil.copytree(root, tmp_path / "images")
    broken = sorted((tmp_path / "images").glob("*.png"))[3]
    broken.write_bytes(broken.read_bytes()[:60])

    with pytest.raises(FgirError, match=broken.name):
        store(tmp_path / "images", tmp_path / "out" / "whole.ragged")

    assert list((tmp_path / "out").glob("*")) == []


def test_a_disk_without_room_is_said_before_anything_is_written(root, tmp_path, monkeypatch):
    needed = sum(image.nbytes for image in map(decoded(root).__getitem__, range(COUNT)))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=needed - 1))

    with pytest.raises(FgirError, match=r"free some space, or set data\.pixels to decode"):
        store(root, tmp_path / "out" / "whole.ragged")

    assert list((tmp_path / "out").glob("*")) == []


def test_a_disk_that_fills_up_leaves_nothing(root, tmp_path: Path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(FgirError, match="The disk is full"):
            store(root, tmp_path / "out" / "whole.ragged")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert list((tmp_path / "out").glob("*")) == []
