"""Crops of FixRes, pixel for pixel and number for number those of torchvision on Pillow images."""

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
import torch
from photographs import make_folder, photograph
from PIL import Image
from scipy.stats import ks_2samp
from torchvision.transforms import InterpolationMode, RandomResizedCrop
from torchvision.transforms import functional as F

from fgir.data import colour, loader
from fgir.data.loader import Epoch
from fgir.data.parts import Part
from fgir.data.pixels import DecodedImages
from fgir.data.resized_crop import DRAWS, box_of
from fgir.data.transforms import Pipeline, colour_jitter, shifted_centre_crop
from fgir.study.geometry import CROPS, geometry_of, resized_side, transform_of
from fgir.utils.errors import FgirError

KINDS = ("fixres", "fixres_height", "fixed_scale")
SHAPES = [(75, 48), (48, 75), (50, 50), (33, 90)]
BILINEAR = InterpolationMode.BILINEAR


def pipelines(crops, size=32, augmentation="train"):
    train, test, _ = geometry_of(size, resized_side(size, crops=crops), crops, augmentation)
    return Pipeline(train), Pipeline(test)


def shorter(image, side):
    return F.resize(image, side, BILINEAR)


def same(pixels, expected):
    np.testing.assert_array_equal(pixels, np.asarray(expected))


@pytest.mark.parametrize(
    ("crops", "train", "test"),
    [
        (
            "fixres",
            "random_resized_crop 224 0.08 bilinear | mirror | colour_jitter 0.3 0.3 0.3",
            "resize_shorter 256 bilinear | centre_crop 224",
        ),
        (
            "fixres_height",
            "random_resized_crop 224 0.08 bilinear | mirror | colour_jitter 0.3 0.3 0.3",
            "resize_height 256 bilinear | pad 224 | centre_crop 224",
        ),
        (
            "fixed_scale",
            "resize_shorter 256 bilinear | random_crop 224 | mirror",
            "resize_shorter 256 bilinear | centre_crop 224",
        ),
    ],
)
def test_kinds_of_crops_are_what_the_paper_says(crops, train, test):
    geometry = geometry_of(224, resized_side(224, crops=crops), crops)

    assert (str(geometry.train), str(geometry.test)) == (train, test)


def test_the_side_before_a_crop_is_256_to_224_whatever_the_rule_for_squares():
    sizes = (32, 64, 128, 160, 224, 320, 384, 480)

    assert [resized_side(size, "published", "fixres") for size in sizes] == [36, 73, 146, 182, 256, 365, 438, 548]


@pytest.mark.parametrize(
    ("crops", "start"),
    [
        ("fixres", ""),
        ("fixres_height", ""),
        ("fixed_scale", "resize_shorter 36 bilinear"),
        ("square", "resize_square 42"),
    ],
)
def test_the_start_is_the_same_whatever_the_augmentation(crops, start):
    side = resized_side(32, crops=crops)

    starts = {str(geometry_of(32, side, crops, how).start) for how in ("train", "test", "test_shift")}

    assert starts == {start}


def test_images_of_fixres_are_bounded_where_a_shorter_side_is_given():
    geometry = geometry_of(224, 256, "fixres", "test_shift", shorter_side=600)

    assert str(geometry.start) == "bound_shorter 600 bilinear"
    assert str(geometry.test) == "bound_shorter 600 bilinear | resize_shorter 256 bilinear | centre_crop 224"
    assert str(geometry.train.after(geometry.start)).startswith("resize_shorter 256 bilinear | mirror | colour_jitter")
    # What begins with squares or images of one shorter side needs no bound.
    assert geometry_of(224, 256, "fixed_scale", shorter_side=600) == geometry_of(224, 256, "fixed_scale")


@pytest.mark.parametrize("crops", CROPS)
def test_an_adaptation_with_the_test_augmentation_trains_on_test_crops(crops):
    train, test, _ = geometry_of(32, 40, crops, "test")

    assert train == test
    assert Pipeline(train).draws == 0


@pytest.mark.parametrize(("width", "height"), SHAPES)
@pytest.mark.parametrize("size", [24, 47, 96])
def test_training_crops_of_fixres_are_those_of_torchvision(width, height, size):
    image, (train, _) = photograph(width, height, size), pipelines("fixres", size)
    for uniform in np.random.default_rng(size).random((6, train.draws)).tolist():
        box, (chance, *jittered) = box_of(height, width, 0.08, uniform[:DRAWS]), uniform[DRAWS:]

        crop = train(image, uniform)

        expected = F.resized_crop(image, *box, [size, size], BILINEAR)
        expected = F.hflip(expected) if chance >= 0.5 else expected
        same(crop, jittered_by_torchvision(expected, jittered, (0.3, 0.3, 0.3)))
        same(train(np.asarray(image), uniform), crop)


def jittered_by_torchvision(image, uniform, strengths):
    changes = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation)
    factors = [1 - strength + 2 * strength * share for strength, share in zip(strengths, uniform, strict=False)]
    for number in list(permutations(range(3)))[int(6 * uniform[3])]:
        image = changes[number](image, factors[number])
    return image


@pytest.mark.parametrize("order", range(6))
def test_colour_jitter_is_that_of_torchvision_in_every_order(order):
    for seed, uniform in enumerate(np.random.default_rng(order).random((20, 4)).tolist()):
        image = photograph(31, 24, seed)
        uniform[3] = (order + 0.5) / 6

        jittered = colour_jitter(image, *uniform, 0.9, 0.9, 0.9)

        same(jittered, jittered_by_torchvision(image, uniform, (0.9, 0.9, 0.9)))


def test_colour_jitter_takes_every_order_alike(monkeypatch):
    done = []
    changes = tuple(lambda image, _, number=number: done.append(number) or image for number in range(3))
    monkeypatch.setattr(colour, "_CHANGES", changes)
    image = photograph(2, 2, 0)
    for uniform in np.random.default_rng(0).random((6000, 4)).tolist():
        colour_jitter(image, *uniform, 0.3, 0.3, 0.3)

    orders = Counter(zip(done[::3], done[1::3], done[2::3], strict=True))
    # 1,000 of each expected, standard deviation 29: five of them
    assert set(orders) == set(permutations(range(3)))
    assert all(abs(count - 1000) < 145 for count in orders.values())


def test_a_strength_above_one_gives_no_negative_factor():
    black = colour_jitter(photograph(8, 8, 0), 0.0, 0.5, 0.5, 0.0, 2.0, 0.0, 0.0)

    assert not np.asarray(black).any()


@pytest.mark.parametrize(("width", "height"), SHAPES)
@pytest.mark.parametrize("size", [32, 41])
@pytest.mark.parametrize("crops", ["fixres", "fixed_scale"])
def test_test_crops_are_those_of_torchvision(width, height, size, crops):
    image, (_, test) = photograph(width, height, size), pipelines(crops, size)

    crop = test(image)

    same(crop, F.center_crop(shorter(image, int(256 / 224 * size)), [size, size]))
    same(test(np.asarray(image)), crop)


@pytest.mark.parametrize(("width", "height"), [*SHAPES, (9, 80)])
@pytest.mark.parametrize("size", [32, 41])
def test_the_released_code_resizes_the_height_and_pads_with_black(width, height, size):
    image, (_, test) = photograph(width, height, size), pipelines("fixres_height", size)
    side = int(256 / 224 * size)

    crop = test(image)

    same(crop, F.center_crop(F.resize(image, [side, int(side * width / height)], BILINEAR), [size, size]))
    # Upright: black beside it.
    assert (not crop[:, 0].any()) == (side * width / height < size)


@pytest.mark.parametrize(("width", "height"), SHAPES)
def test_training_crops_of_a_fixed_scale_are_those_of_torchvision(width, height):
    image, (train, _) = photograph(width, height, 3), pipelines("fixed_scale")
    resized = shorter(image, 36)
    for down, across, chance in np.random.default_rng(4).random((6, 3)).tolist():
        top, left = int(down * (resized.height - 31)), int(across * (resized.width - 31))

        crop = train(image, (down, across, chance))

        expected = F.crop(resized, top, left, 32, 32)
        same(crop, F.hflip(expected) if chance >= 0.5 else expected)


@pytest.mark.parametrize(
    ("width", "height", "bounded"), [(75, 48, (62, 40)), (48, 75, (40, 62)), (60, 40, (60, 40)), (30, 90, (30, 90))]
)
def test_a_bound_shrinks_large_images_and_leaves_small_ones(width, height, bounded):
    image = photograph(width, height, 5)

    pixels = Pipeline(transform_of("bound_shorter 40 bilinear"))(image)

    assert pixels.shape == (*bounded[::-1], 3)
    same(pixels, shorter(image, 40) if min(width, height) > 40 else image)


@pytest.mark.parametrize("crops", CROPS)
def test_test_shift_is_the_test_transform_mirrored_jittered_and_moved(crops):
    image, (shift, test) = photograph(90, 60, 7), pipelines(crops, augmentation="test_shift")
    still = [0.0, 0.5, 0.5, 0.5, 0.0]

    # Factors of 1 and a move of 0 pixels leave the test crop.
    same(shift(image, [*still, 0.9, 0.0]), test(image))
    assert shift(image, [0.7, 0.1, 0.8, 0.3, 0.4, 0.2, 0.9]).shape == (32, 32, 3)


def test_a_shifted_crop_moves_sideways_as_far_as_the_middle_leaves():
    columns = np.broadcast_to(np.arange(21, dtype=np.uint8)[None, :, None], (15, 21, 3))
    rows = np.broadcast_to(np.arange(15, dtype=np.uint8)[:, None, None], (15, 21, 3))
    draws = np.random.default_rng(1).random((20_000, 2)).tolist()

    places = Counter(int(shifted_centre_crop(columns, *draw, 11)[0, 0, 0]) for draw in draws)

    # Middle 5: to each side 0 to 5 pixels, alike; 0 on either. Standard deviation 54 at most: five of them.
    assert set(places) == set(range(11))
    assert all(abs(count - 20_000 / 12 * (2 if place == 5 else 1)) < 270 for place, count in places.items())
    assert shifted_centre_crop(rows, 0.9, 0.9, 11)[0, 0, 0] == 2


def test_a_shifted_crop_stays_inside_where_the_middle_of_an_odd_margin_is_rounded_up():
    image = photograph(15, 12, 0)

    same(shifted_centre_crop(image, 0.9, 0.999, 12), F.crop(image, 0, 3, 12, 12))


@pytest.mark.parametrize(("width", "height", "count"), [(500, 375, 20_000), (60, 300, 2_000)])
def test_boxes_are_distributed_as_those_of_torchvision(width, height, count):
    uniform = np.random.default_rng(2).random((count, DRAWS)).tolist()
    torch.manual_seed(3)
    image = Image.new("RGB", (width, height))

    ours = np.array([box_of(height, width, 0.08, numbers) for numbers in uniform], float)
    theirs = np.array([RandomResizedCrop.get_params(image, [0.08, 1], [3 / 4, 4 / 3]) for _ in range(count)], float)

    for quantity in (area, ratio, *(lambda boxes, place=place: boxes[:, place] for place in range(4))):
        assert ks_2samp(quantity(ours), quantity(theirs)).pvalue > 1e-3


def area(boxes):
    return boxes[:, 2] * boxes[:, 3]


def ratio(boxes):
    return boxes[:, 3] / boxes[:, 2]


@pytest.mark.parametrize(
    ("width", "height", "box"),
    [(400, 100, (0, 133, 100, 133)), (60, 300, (110, 0, 80, 60)), (100, 90, (0, 0, 90, 100))],
)
def test_where_no_box_fits_the_largest_in_the_middle_is_taken(width, height, box):
    # Whole area, ratio 3/4 at every try: it is too high for an image that is wide, and too wide for one that is high.
    stretch = 0.0 if width >= height else 0.999999
    never = [0.999999, stretch] * 10 + [0.5, 0.5]

    assert box_of(height, width, 0.08, never) == box


@pytest.mark.parametrize("crops", KINDS)
@pytest.mark.parametrize("augmentation", ["train", "test_shift"])
def test_crops_are_drawn_from_seed_epoch_and_row_alone(tmp_path, crops, augmentation):
    paths = make_folder(tmp_path, 11)
    train, test, start = geometry_of(24, resized_side(24, crops=crops), crops, augmentation)
    images, labels, rows = DecodedImages(tmp_path, paths, start), np.zeros(11, int), np.arange(11)
    part, fewer = (Part(images, labels, some, rows) for some in (rows, rows[4:]))

    def crop_of(part, number=0, workers=0):
        batches = loader.train_batches(part, train, Epoch(6, number, 1), workers)
        order = part.rows[np.random.default_rng([6, number, 3]).permutation(len(part.rows))]
        return dict(zip(order.tolist(), [images for images, _ in batches], strict=True))

    first = crop_of(part)

    assert all(torch.equal(crop, first[row]) for row, crop in crop_of(part, workers=3).items())
    assert all(torch.equal(crop, first[row]) for row, crop in crop_of(fewer).items())
    assert not all(torch.equal(crop, first[row]) for row, crop in crop_of(part, number=1).items())
    assert {crop.shape for crop in first.values()} == {(1, 3, 24, 24)}
    assert [crops.shape[0] for crops, _ in loader.test_batches(part, test, 4, 2)] == [4, 4, 3]


def test_an_interpolation_that_there_is_not_is_named():
    with pytest.raises(FgirError, match='no interpolation "bilinaer"; did you mean "bilinear"'):
        Pipeline(transform_of("resize_shorter 20 bilinaer"))(photograph(30, 40, 0))
