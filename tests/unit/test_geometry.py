"""Image geometry as data, and the room for more of it."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from fgir.data import loader
from fgir.data.decode import decode
from fgir.data.loader import Epoch, train_batches
from fgir.data.parts import Part, open_part
from fgir.data.pixels import write_store
from fgir.data.transforms import OPERATIONS, Implementation
from fgir.results.parquet import write_rows
from fgir.specs import PixelsSpec
from fgir.study.geometry import (
    CROPS,
    Crops,
    Operation,
    geometry_of,
    resized_side,
    square,
    start_of,
    store_name,
    transform_of,
)
from fgir.utils.errors import FgirError

GOLDEN = Path(__file__).parents[1] / "golden" / "pixels.json"
COUNT, SIDE, SIZE = 13, 42, 32


@pytest.mark.parametrize(
    "text",
    ["", "mirror", "resize_square 300 | random_crop 224 | mirror", "jitter 0.3 0.3 | resize_shorter 256 bilinear"],
)
def test_a_sequence_is_read_as_it_is_written(text):
    assert str(transform_of(text)) == text


def test_parameters_are_numbers_where_they_look_like_it():
    (operation,) = transform_of(" scale 224  0.08 bilinear ").operations

    assert operation == Operation("scale", (224, 0.08, "bilinear"))
    assert [type(parameter) for parameter in operation.parameters] == [int, float, str]


@pytest.mark.parametrize("text", ["mirror |", "| mirror", "resize_square 3 || mirror"])
def test_an_empty_operation_is_refused(text):
    with pytest.raises(FgirError, match="empty operation"):
        transform_of(text)


def test_the_published_crops_are_a_pair_of_sequences():
    train, test, _ = geometry_of(224, resized_side(224))

    assert str(train) == "resize_square 300 | random_crop 224 | mirror"
    assert str(test) == "resize_square 300 | centre_crop 224"


def test_a_pixel_store_holds_what_training_and_test_begin_with():
    start = geometry_of(224, 300).start

    assert start == square(300) == PixelsSpec(recipe=1, dataset="toy", side=300).start
    assert store_name(start) == "300"


@pytest.mark.parametrize(
    ("start", "name"),
    [
        ("resize_square 300", "300"),
        ("resize_shorter 292 bilinear", "resize_shorter-292-bilinear"),
        ("resize_square 300 | equalise", "resize_square-300+equalise"),
        ("", "whole"),
    ],
)
def test_every_beginning_names_a_store_of_its_own(start, name):
    assert store_name(transform_of(start)) == name
    assert start_of(name) == transform_of(start)


def test_what_is_left_follows_the_beginning():
    train = geometry_of(224, 300).train

    assert str(train.after(square(300))) == "random_crop 224 | mirror"
    assert train.after(transform_of("")) == train
    with pytest.raises(FgirError, match='Images made by "resize_square 299" cannot become crops by "resize_square 300'):
        train.after(square(299))


def test_geometry_is_read_without_numpy_pillow_and_torch():
    code = "import sys, fgir.study.geometry; print([name for name in ('torch', 'numpy', 'PIL') if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Images of many sizes, some of them transparent, and their split and store."""
    root = tmp_path_factory.mktemp("golden")
    rows = []
    for number in range(COUNT):
        generator = np.random.default_rng(number)
        height, width, channels = 40 + 5 * number, 90 - 4 * number, 4 if number % 5 == 0 else 3
        blocks = generator.integers(0, 256, (height // 8 + 1, width // 8 + 1, channels), dtype=np.uint8)
        pixels = np.kron(blocks, np.ones((8, 8, 1), np.uint8))[:height, :width]
        pixels = pixels ^ generator.integers(0, 16, pixels.shape, dtype=np.uint8)
        Image.fromarray(pixels).save(root / f"{number}.png")
        part = "test" if number % 3 == 2 else "train"
        rows.append({"image": number, "path": f"{number}.png", "label": number % 2, "part": part, "rule": "test"})
    write_rows("split", rows, root / "split.parquet")
    (root / "source.json").write_text(json.dumps({"root": str(root)}))
    write_store(PixelsSpec(recipe=1, dataset="golden", side=SIDE), root, root / "split.parquet", root / "42.npy", 1)
    return root


def part_of(folder: Path, name: str, images: str, start: str = f"resize_square {SIDE}") -> Part:
    return open_part(name, folder / "split.parquet", transform_of(start), folder / images)


def digest(arrays) -> str:
    found = hashlib.sha256()
    for array in map(np.ascontiguousarray, arrays):
        found.update(f"{array.dtype} {array.shape}".encode() + array.tobytes())
    return found.hexdigest()


def digest_of_batches(batches) -> str:
    return digest([tensor.numpy() for batch in batches for tensor in batch])


@pytest.mark.parametrize("images", ["42.npy", "source.json"])
def test_pixels_and_draws_are_those_published_first(folder, images):
    train, test = part_of(folder, "train", images), part_of(folder, "test", images)
    geometry, odd, whole = (geometry_of(size, SIDE) for size in (SIZE, 31, SIDE))

    found = {
        "images": digest(train.images[row] for row in range(COUNT)),
        "store": hashlib.sha256((folder / "42.npy").read_bytes()).hexdigest(),
        "train": digest_of_batches(train_batches(train, geometry.train, Epoch(3, 2, 4))),
        "train in pairs": digest_of_batches(train_batches(train, geometry.train, Epoch(3, 2, 4, pairs=True))),
        "train, the second of two processes": digest_of_batches(
            train_batches(train, geometry.train, Epoch(3, 2, 4, pairs=True, share=(1, 2)), workers=2)
        ),
        "train from the third step": digest_of_batches(
            train_batches(train, geometry.train, Epoch(3, 2, 2, first_step=2))
        ),
        "train at the size of the squares": digest_of_batches(train_batches(train, whole.train, Epoch(3, 2, 4))),
        "test": digest_of_batches(loader.test_batches(test, geometry.test, 3, 0)),
        "test, an odd margin": digest_of_batches(loader.test_batches(test, odd.test, 3, 2)),
    }

    assert found == json.loads(GOLDEN.read_text())


def plain_crop(image: Image.Image, size: int, side: int, down: float, across: float, chance: float) -> Image.Image:
    """A training crop in Pillow's own words."""
    squared = image.resize((side, side), Image.Resampling.BICUBIC)
    top, left = int(down * (side - size + 1)), int(across * (side - size + 1))
    crop = squared.crop((left, top, left + size, top + size))
    return ImageOps.mirror(crop) if int(chance * 2) else crop


def test_training_crops_are_drawn_from_seed_epoch_and_row(folder):
    part = part_of(folder, "train", "42.npy")
    draws = np.random.default_rng([3, 2, 0]).random((COUNT, 3))
    order = np.random.default_rng([3, 2, 3]).permutation(len(part.rows))

    batches = train_batches(part, geometry_of(SIZE, SIDE).train, Epoch(3, 2, 1))

    for (crop, _), row in zip(batches, part.rows[order], strict=True):
        expected = np.asarray(plain_crop(decode(folder / f"{row}.png"), SIZE, SIDE, *draws[row]))
        np.testing.assert_array_equal(crop[0].permute(1, 2, 0), expected)


def quarter_turns(image, chance, most):
    """Toy: turn an image by 0 to ``most`` quarters."""
    return np.rot90(np.asarray(image), int(chance * (most + 1)))


@pytest.fixture
def turned(monkeypatch):
    """A toy operation and a toy kind of crops, a line each."""
    monkeypatch.setitem(OPERATIONS, "quarter_turns", Implementation(quarter_turns, draws=1))
    monkeypatch.setitem(
        CROPS,
        "turned",
        Crops(
            "resize_square {side} | quarter_turns 3 | random_crop {size}",
            "resize_square {side} | centre_crop {size}",
            1.5,
        ),
    )


@pytest.mark.parametrize("images", ["42.npy", "source.json"])
@pytest.mark.parametrize("workers", [0, 2])
def test_an_operation_more_is_a_function_and_a_line(turned, folder, images, workers):
    part = part_of(folder, "train", images)
    train, test, _ = geometry_of(28, resized_side(28, crops="turned"), "turned")
    draws = np.random.default_rng([5, 0, 0]).random((COUNT, 3))
    order = np.random.default_rng([5, 0, 3]).permutation(len(part.rows))

    trained = list(train_batches(part, train, Epoch(5, 0, 1), workers))
    tested = list(loader.test_batches(part, test, 1, workers))

    assert geometry_of(28, 42, "turned").start == square(42)
    assert [crop.shape for crop, _ in trained + tested] == [(1, 3, 28, 28)] * 2 * len(part.rows)
    for (crop, _), row in zip(trained, part.rows[order], strict=True):
        turned, down, across = draws[row]
        whole = np.rot90(part.images[row], int(4 * turned))
        top, left = int(15 * down), int(15 * across)
        np.testing.assert_array_equal(crop[0].permute(1, 2, 0), whole[top : top + 28, left : left + 28])


def test_images_in_their_own_aspect_become_crops_too(folder):
    whole = part_of(folder, "train", "source.json", start="")
    squares = part_of(folder, "train", "42.npy")
    train = geometry_of(SIZE, SIDE).train

    batches = list(train_batches(whole, train, Epoch(1, 0, 3)))

    assert len({whole.images[row].shape for row in range(COUNT)}) == COUNT
    for (crops, _), (same, _) in zip(batches, train_batches(squares, train, Epoch(1, 0, 3)), strict=True):
        assert torch.equal(crops, same)


def test_crops_of_several_sizes_make_no_batch(folder):
    part = part_of(folder, "test", "source.json", start="")

    with pytest.raises(FgirError, match=r"crops of \d+ x \d+ and \d+ x \d+; end the transform with one size"):
        list(loader.test_batches(part, transform_of(""), 2, 0))


def test_a_test_that_draws_is_refused(folder):
    part = part_of(folder, "test", "42.npy")

    with pytest.raises(FgirError, match=re.escape('"random_crop 32 | mirror" draws random numbers')):
        list(loader.test_batches(part, geometry_of(SIZE, SIDE).train, 2, 0))


def test_images_that_are_made_once_take_no_random_beginning(folder):
    with pytest.raises(FgirError, match="draws random numbers, but it is done alike at every reading"):
        part_of(folder, "test", "source.json", start="random_crop 20")


def test_images_of_another_side_are_refused(folder):
    part = part_of(folder, "train", "42.npy")

    with pytest.raises(FgirError, match="which begins otherwise"):
        list(train_batches(part, geometry_of(SIZE, 43).train, Epoch(1, 0, 2)))
    with pytest.raises(FgirError, match='made by "resize_square 42", but 13 made by "resize_square 43"'):
        part_of(folder, "train", "42.npy", start="resize_square 43")
