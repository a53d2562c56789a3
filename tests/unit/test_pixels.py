import multiprocessing
import os
import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from photographs import make_folder, photograph, write_split
from PIL import Image
from torchvision.transforms import InterpolationMode, Resize

from fgir.data.modes import to_rgb
from fgir.data.pixels import DecodedImages, write_store
from fgir.data.stored import StoredImages
from fgir.data.transforms import resize_square
from fgir.specs import PixelsSpec
from fgir.study.geometry import square, transform_of
from fgir.utils.errors import FgirError

SIDE = 40


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "images"
    paths = make_folder(root, 12)
    return root, paths, write_split(paths, tmp_path / "split.parquet")


def store(folder, out, side=SIDE, workers=2):
    root, _, split = folder
    write_store(PixelsSpec(recipe=1, dataset="toy", side=side), root, split, out, workers)
    return out


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "CMYK", "LA"])
@pytest.mark.parametrize("side", [30, 96])
def test_resize_gives_the_pixels_of_torchvision(mode, side):
    image = photograph(75, 48, seed=1).convert(mode)

    pixels = np.asarray(resize_square(to_rgb(image), side))

    expected = Resize((side, side), InterpolationMode.BICUBIC)(image.convert("RGB"))
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, np.asarray(expected))


def test_an_image_that_has_the_side_already_is_unchanged():
    image = photograph(SIDE, SIDE, seed=2)

    np.testing.assert_array_equal(resize_square(image, SIDE), np.asarray(image))


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_the_store_holds_the_very_pixels_of_decoding(folder, tmp_path, workers):
    root, paths, _ = folder

    stored = StoredImages(store(folder, tmp_path / "40.npy", workers=workers), len(paths), square(SIDE))

    decoded = DecodedImages(root, paths, square(SIDE))
    assert len(stored) == len(decoded) == 12
    assert stored.start == decoded.start == square(SIDE)
    for row in range(12):
        np.testing.assert_array_equal(stored[row], decoded[row])
        np.testing.assert_array_equal(decoded[row], resize_square(Image.open(root / paths[row]).convert("RGB"), SIDE))


def test_the_store_is_a_plain_npy_file(folder, tmp_path):
    out = store(folder, tmp_path / "40.npy")

    pixels = np.load(out, allow_pickle=False)

    assert pixels.dtype == np.uint8
    assert pixels.shape == (12, SIDE, SIDE, 3)


def test_more_images_than_one_chunk_stay_in_order(tmp_path):
    paths = make_folder(tmp_path / "images", 70)
    folder = tmp_path / "images", paths, write_split(paths, tmp_path / "split.parquet")

    stored = StoredImages(store(folder, tmp_path / "8.npy", side=8, workers=1))

    decoded = DecodedImages(tmp_path / "images", paths, square(8))
    assert all((stored[row] == decoded[row]).all() for row in range(70))


def test_stored_images_are_read_only(folder, tmp_path):
    stored = StoredImages(store(folder, tmp_path / "40.npy"))

    with pytest.raises(ValueError, match="read-only"):
        stored[0][0, 0, 0] = 1


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    path.write_bytes({"truncated": content[: len(content) // 2], "empty": b"", "foreign": b"hello " * 50}[how])


@pytest.mark.parametrize("number", [0, 1, 4])
@pytest.mark.parametrize("how", ["truncated", "empty", "foreign"])
def test_an_unreadable_image_is_named_and_leaves_no_file(folder, tmp_path, number, how):
    root, paths, _ = folder
    damage(root / paths[number], how)

    with pytest.raises(FgirError, match=paths[number]) as caught:
        store(folder, tmp_path / "pixels" / "40.npy")

    assert "\n" not in str(caught.value)
    assert list((tmp_path / "pixels").iterdir()) == []


def test_a_missing_image_is_named(folder, tmp_path):
    root, paths, _ = folder
    (root / paths[7]).unlink()

    with pytest.raises(FgirError, match=paths[7]):
        store(folder, tmp_path / "40.npy")


def test_a_store_larger_than_the_disk_is_refused_at_once(folder, tmp_path):
    with pytest.raises(FgirError, match=r"needs \S+ GiB and .* has \S+ GiB free.*data.pixels to decode"):
        store(folder, tmp_path / "pixels" / "x.npy", side=10**8)

    assert list((tmp_path / "pixels").iterdir()) == []


def test_a_missing_store_says_how_to_build_it(tmp_path):
    with pytest.raises(FgirError, match="build it with"):
        StoredImages(tmp_path / "40.npy")


@pytest.mark.parametrize("how", ["truncated", "empty", "foreign"])
def test_a_damaged_store_is_refused(folder, tmp_path, how):
    out = store(folder, tmp_path / "40.npy")
    damage(out, how)

    with pytest.raises(FgirError, match="not a whole pixel store"):
        StoredImages(out)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 8, 8, 3), np.float32),
        np.zeros((4, 8, 9, 3), np.uint8),
        np.zeros((4, 8, 8), np.uint8),
        np.zeros((4, 8, 8, 1), np.uint8),
    ],
)
def test_a_store_of_another_shape_or_type_is_refused(tmp_path, pixels):
    np.save(tmp_path / "8.npy", pixels)

    with pytest.raises(FgirError, match="no square RGB images"):
        StoredImages(tmp_path / "8.npy")


def test_pickled_objects_are_refused(tmp_path):
    np.save(tmp_path / "8.npy", np.array([{"a": 1}]), allow_pickle=True)

    with pytest.raises(FgirError, match="not a whole pixel store"):
        StoredImages(tmp_path / "8.npy")


@pytest.mark.parametrize(
    ("count", "start"), [(11, "resize_square 40"), (12, "resize_square 41"), (12, "resize_square 40 | centre_crop 20")]
)
def test_a_store_of_other_images_is_refused(folder, tmp_path, count, start):
    out = store(folder, tmp_path / "40.npy")

    with pytest.raises(
        FgirError, match=re.escape(f'12 images made by "resize_square 40", but {count} made by "{start}"')
    ):
        StoredImages(out, count, transform_of(start))


def test_two_concurrent_writers_leave_one_whole_file(folder, tmp_path):
    out = tmp_path / "pixels" / "40.npy"
    processes = [multiprocessing.Process(target=store, args=(folder, out)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)

    assert [process.exitcode for process in processes] == [0, 0]
    assert list(out.parent.iterdir()) == [out]
    root, paths, _ = folder
    stored, decoded = StoredImages(out, 12, square(SIDE)), DecodedImages(root, paths, square(SIDE))
    assert all((stored[row] == decoded[row]).all() for row in range(12))


def test_a_killed_writer_leaves_nothing_under_the_final_name(folder, tmp_path):
    out = tmp_path / "pixels" / "900.npy"
    process = multiprocessing.Process(target=store, args=(folder, out, 900, 1))
    process.start()
    deadline = time.monotonic() + 60
    while not (out.parent.exists() and any(out.parent.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.join(60)

    assert process.exitcode == -signal.SIGKILL
    assert not out.exists()
    store(folder, out, 900)
    assert len(StoredImages(out, 12, square(900))) == 12
