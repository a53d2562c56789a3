import threading
import time

import numpy as np
import pytest
import torch
from photographs import make_folder, write_split
from PIL import Image
from torchvision.transforms import functional as F

from fgir.data import loader
from fgir.data.loader import Epoch
from fgir.data.parts import Part
from fgir.data.pixels import DecodedImages, write_store
from fgir.data.stored import StoredImages
from fgir.specs import PixelsSpec
from fgir.study.geometry import geometry_of, square
from fgir.utils.errors import FgirError

COUNT, SIDE, SIZE = 31, 24, 18
TRAIN, TEST, _ = geometry_of(SIZE, SIDE)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("loader")
    paths = make_folder(root, COUNT)
    split = write_split(paths, root / "split.parquet")
    write_store(PixelsSpec(recipe=1, dataset="toy", side=SIDE), root, split, root / "24.npy", 1)
    return root


@pytest.fixture(scope="module")
def stored(root):
    return StoredImages(root / "24.npy", COUNT, square(SIDE))


@pytest.fixture(scope="module")
def decoded(root):
    return DecodedImages(root, make_folder(root, COUNT), square(SIDE))


@pytest.fixture(scope="module")
def part():
    """Labels of every row, and the rows of a part; class 0 has one image in it."""
    labels = np.array([0] * 2 + [1] * 9 + [2] * 20)
    rows = np.flatnonzero(np.arange(COUNT) % 8 != 1)
    return labels, rows


class Numbered:
    """Images whose pixels are their row, so that a batch shows which rows it took."""

    start = square(SIDE)

    def __init__(self, count=COUNT):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, row):
        return np.full((SIDE, SIDE, 3), row, np.uint8)


def of(images, part):
    labels, rows = part
    return Part(images, labels, rows, numbers=np.arange(len(labels)))


def epoch(images, part, pairs=False, seed=1, number=0, batch_size=6, workers=0, **more):
    asked = Epoch(seed, number, batch_size, pairs, **more)
    return list(loader.train_batches(of(images, part), TRAIN, asked, workers))


def evaluation(images, part, workers=0):
    return list(loader.test_batches(of(images, part), TEST, 5, workers))


def assert_same(batches, others):
    assert len(batches) == len(others) > 0
    for (images, labels), (other_images, other_labels) in zip(batches, others, strict=True):
        assert torch.equal(images, other_images)
        assert torch.equal(labels, other_labels)


def rows_of(batches):
    return torch.cat([images[:, 0, 0, 0] for images, _ in batches]).tolist()


@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("workers", [1, 3])
def test_the_number_of_workers_changes_no_bit(stored, part, pairs, workers):
    assert_same(epoch(stored, part, pairs), epoch(stored, part, pairs, workers=workers))


@pytest.mark.parametrize("workers", [0, 2])
def test_store_and_decoding_give_the_same_batches(stored, decoded, part, workers):
    assert_same(epoch(stored, part, True), epoch(decoded, part, True, workers=workers))
    assert_same(evaluation(stored, part, workers), evaluation(decoded, part, workers))


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_are_uint8_in_channels_last(stored, part, workers):
    batches = epoch(stored, part, workers=workers) + evaluation(stored, part, workers)

    for images, targets in batches:
        assert images.dtype == torch.uint8
        assert images.shape[1:] == (3, SIZE, SIZE)
        assert images.is_contiguous(memory_format=torch.channels_last)
        assert targets.dtype == torch.int64
        assert len(targets) == len(images)


def test_an_epoch_takes_each_image_of_the_part_once_and_drops_the_last_partial_batch(part):
    labels, rows = part

    batches = epoch(Numbered(), part)

    seen = rows_of(batches)
    assert [len(images) for images, _ in batches] == [6] * (len(rows) // 6)
    assert len(set(seen)) == len(seen)
    assert set(seen) <= set(rows.tolist())
    assert torch.cat([targets for _, targets in batches]).tolist() == labels[seen].tolist()


def test_seed_and_epoch_change_the_order(part):
    orders = [rows_of(epoch(Numbered(), part, seed=seed, number=number)) for seed in (0, 1) for number in (0, 1)]

    assert len({tuple(order) for order in orders}) == 4


def test_a_crop_depends_on_the_image_and_not_on_its_place_in_the_epoch(stored, part):
    labels, rows = part
    fewer = labels, rows[3:]

    def crops(part):
        order = torch.tensor(rows_of(epoch(Numbered(), part, batch_size=1)))
        return dict(zip(order.tolist(), [images for images, _ in epoch(stored, part, batch_size=1)], strict=True))

    all_crops, fewer_crops = crops(part), crops(fewer)

    assert len(fewer_crops) == len(rows) - 3
    assert all(torch.equal(crop, all_crops[row]) for row, crop in fewer_crops.items())


def test_training_crops_are_windows_of_the_image_and_half_are_mirrored(stored, part):
    order = rows_of(epoch(Numbered(), part, batch_size=1))
    mirrored = 0
    for row, (crop, _) in zip(order, epoch(stored, part, batch_size=1), strict=True):
        whole = torch.from_numpy(stored[row].copy()).permute(2, 0, 1)
        windows = whole.unfold(1, SIZE, 1).unfold(2, SIZE, 1).permute(1, 2, 0, 3, 4).flatten(0, 1)
        plain = (windows == crop).flatten(1).all(1).any()
        flipped = (windows == crop.flip(3)).flatten(1).all(1).any()
        assert plain or flipped
        mirrored += int(flipped)

    assert 0 < mirrored < len(order)


@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("workers", [0, 2])
def test_an_epoch_taken_up_in_the_middle_goes_on_as_it_would_have(stored, part, pairs, workers):
    whole = epoch(stored, part, pairs)

    rest = epoch(stored, part, pairs, first_step=2, workers=workers)

    assert_same(whole[2:], rest)


def test_an_epoch_taken_up_at_its_end_is_empty(stored, part):
    assert epoch(stored, part, first_step=loader.steps_per_epoch(len(part[1]), 6, False)) == []


def test_pairs_are_adjacent_images_of_one_class_and_each_image_leads_once(part):
    labels, rows = part
    single = next(row for row in rows if (labels[rows] == labels[row]).sum() == 1)

    batches = epoch(Numbered(), part, pairs=True, batch_size=2)

    seen = np.array(rows_of(batches)).reshape(-1, 2)
    targets = torch.cat([targets for _, targets in batches]).numpy().reshape(-1, 2)
    assert sorted(seen[:, 0]) == rows.tolist()
    assert set(seen[:, 1]) <= set(rows.tolist())
    np.testing.assert_array_equal(targets, labels[seen])
    np.testing.assert_array_equal(targets[:, 0], targets[:, 1])
    assert seen[seen[:, 0] == seen[:, 1]].tolist() == [[single, single]]


def test_a_partner_is_any_other_image_of_the_class_equally_often():
    labels = np.array([0] * 5 + [1] * 3)
    rows = np.arange(8)
    counts = np.zeros((8, 8), int)
    for number in range(400):
        pairs = epoch(Numbered(8), (labels, rows), pairs=True, batch_size=16, number=number)
        first, second = np.array(rows_of(pairs)).reshape(-1, 2).T
        counts[first, second] += 1

    same = labels[:, None] == labels
    np.fill_diagonal(same, False)
    expected = np.where(same, 400 / same.sum(1, keepdims=True), 0)
    # standard deviation of a count: 10 at most; five of them
    assert np.abs(counts - expected).max() < 50
    assert not counts[~same].any()


def test_a_partner_is_cropped_independently_even_of_itself(stored):
    labels, rows = np.arange(COUNT), np.arange(COUNT)

    pairs = torch.cat([images for images, _ in epoch(stored, (labels, rows), pairs=True, batch_size=2)])

    differ = (pairs[0::2] != pairs[1::2]).flatten(1).any(1)
    assert differ.float().mean() > 0.8


def test_repeated_images_stand_beside_each_other_and_an_epoch_stays_as_long(part):
    once, thrice = (rows_of(epoch(Numbered(), part, repeats=repeats)) for repeats in (1, 3))

    assert len(thrice) == len(once)
    assert thrice == [row for row in once for _ in range(3)][: len(once)]


@pytest.mark.parametrize("workers", [0, 2])
def test_each_copy_of_an_image_is_cropped_anew_and_the_first_as_without_copies(stored, part, workers):
    def crops(repeats, number=0):
        batches = epoch(stored, part, batch_size=1, repeats=repeats, number=number, workers=workers)
        return [images for images, _ in batches]

    once, thrice = crops(1), crops(3)

    assert all(torch.equal(one, other) for one, other in zip(once, thrice[::3], strict=False))
    copies = [(thrice[place], thrice[place + 1], thrice[place + 2]) for place in range(0, len(thrice) - 2, 3)]
    assert sum(torch.equal(a, b) or torch.equal(b, c) or torch.equal(a, c) for a, b, c in copies) <= 1
    assert all(torch.equal(one, other) for one, other in zip(thrice, crops(3), strict=True))


def test_repeated_pairs_keep_their_partner_and_are_cropped_anew(stored, part):
    labels, _ = part

    numbered = rows_of(epoch(Numbered(), part, pairs=True, batch_size=4, repeats=2))
    crops = torch.cat([images for images, _ in epoch(stored, part, pairs=True, batch_size=4, repeats=2)])

    pairs = np.array(numbered).reshape(-1, 2)
    assert (pairs[0::2] == pairs[1::2]).all()
    np.testing.assert_array_equal(labels[pairs[:, 0]], labels[pairs[:, 1]])
    same = (
        (crops.view(-1, 2, 2, *crops.shape[1:])[:, 0] == crops.view(-1, 2, 2, *crops.shape[1:])[:, 1]).flatten(2).all(2)
    )
    assert same.float().mean() < 0.2


@pytest.mark.parametrize(
    ("count", "batch_size", "pairs", "steps"), [(31, 8, False, 3), (31, 8, True, 7), (8, 8, False, 1)]
)
def test_steps_per_epoch_counts_whole_batches(count, batch_size, pairs, steps):
    assert loader.steps_per_epoch(count, batch_size, pairs) == steps


def test_a_part_smaller_than_a_batch_is_refused(stored, part):
    labels, rows = part

    with pytest.raises(FgirError, match="has 5 images, but a batch takes 6"):
        epoch(stored, (labels, rows[:5]))


def test_pairs_need_an_even_batch(stored, part):
    with pytest.raises(FgirError, match="batch_size 7 is odd"):
        epoch(stored, part, pairs=True, batch_size=7)


@pytest.mark.parametrize("workers", [0, 2])
def test_images_smaller_than_the_crop_are_refused(stored, part, workers):
    train, test, _ = geometry_of(25, SIDE)

    with pytest.raises(FgirError, match="Images of 24 x 24 are too small for crops of 25"):
        list(loader.train_batches(of(stored, part), train, Epoch(1, 0, 6), workers))
    with pytest.raises(FgirError, match="Images of 24 x 24 are too small for crops of 25"):
        list(loader.test_batches(of(stored, part), test, 6, workers))


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_evaluation_takes_centre_crops_in_order_and_keeps_the_last_partial_batch(stored, part, workers):
    labels, rows = part

    batches = evaluation(stored, part, workers)

    assert [len(images) for images, _ in batches] == [5, 5, 5, 5, 5, 2]
    assert torch.cat([targets for _, targets in batches]).tolist() == labels[rows].tolist()
    for crop, row in zip(torch.cat([images for images, _ in batches]), rows, strict=True):
        expected = F.center_crop(Image.fromarray(stored[row]), [SIZE, SIZE])
        assert torch.equal(crop, F.pil_to_tensor(expected))


@pytest.mark.parametrize("workers", [0, 2])
def test_an_unreadable_image_ends_in_one_sentence_whatever_the_workers(tmp_path, part, workers):
    paths = make_folder(tmp_path, COUNT)
    (tmp_path / paths[4]).write_bytes(b"no image")

    with pytest.raises(FgirError, match=paths[4]) as caught:
        epoch(DecodedImages(tmp_path, paths, square(SIDE)), part, batch_size=1, workers=workers)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("workers", [0, 2])
def test_loading_draws_nothing_from_the_generator_of_training(stored, part, workers):
    torch.manual_seed(5)
    before = torch.get_rng_state()

    epoch(stored, part, pairs=True, workers=workers)

    assert torch.equal(before, torch.get_rng_state())


def test_leaving_an_epoch_early_ends_its_workers(stored, part):
    before = threading.active_count()
    batches = loader.train_batches(of(stored, part), TRAIN, Epoch(1, 0, 1), workers=2)
    next(batches)
    during = threading.active_count()

    batches.close()

    assert (before, during) == (threading.active_count(), before + 2)


def test_workers_read_ahead_of_training_but_not_far(part):
    read = []

    class Watched(Numbered):
        def __getitem__(self, row):
            read.append(row)
            return super().__getitem__(row)

    batches = loader.train_batches(of(Watched(), part), TRAIN, Epoch(1, 0, 1), workers=2)
    next(batches)
    deadline = time.monotonic() + 10
    while len(read) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)

    assert len(read) == 5
    batches.close()


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize(
    ("mean", "std"), [((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)), ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
)
def test_normalise_is_that_of_torchvision(stored, layout, count, mean, std):
    images = [stored[row].copy() for row in range(count)]
    batch = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous(memory_format=layout)

    normalised = loader.normalise(batch, mean, std, CPU)

    expected = torch.stack([F.normalize(F.to_tensor(image), list(mean), list(std)) for image in images])
    assert normalised.dtype == torch.float32
    assert normalised.is_contiguous(memory_format=torch.channels_last)
    # float32 rounds three times there and twice here, at values up to 2.7
    torch.testing.assert_close(normalised, expected, rtol=0, atol=1e-6)


def test_normalise_serves_training_after_evaluation(stored):
    batch = torch.from_numpy(stored[0][None].copy()).permute(0, 3, 1, 2)
    weight = torch.ones(1, 3, 1, 1, requires_grad=True)
    with torch.inference_mode():
        loader.normalise(batch, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6), CPU)

    (loader.normalise(batch, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6), CPU) * weight).sum().backward()

    assert weight.grad is not None
