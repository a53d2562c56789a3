import re

import numpy as np
import pytest
from photographs import photograph
from PIL import Image
from torchvision.transforms import CenterCrop
from torchvision.transforms import functional as F

from fgir.data.transforms import Pipeline, centre_crop, deterministic, mirror, random_crop
from fgir.study.geometry import geometry_of, transform_of
from fgir.utils.errors import FgirError

TRAIN = transform_of("random_crop 24 | mirror")


def pixels_of(width, height, seed=0):
    return np.asarray(photograph(width, height, seed))


def places(width, height):
    """An image whose pixels are their own coordinates, so that a crop shows where it was cut."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows, columns, np.zeros_like(rows)], axis=2).astype(np.uint8)


def test_random_crops_reach_every_place_equally_often_and_half_are_mirrored():
    pipeline, image = Pipeline(transform_of("random_crop 10 | mirror")), places(14, 14)
    count = 20_000
    seen, mirrored = np.zeros((5, 5), int), 0
    for uniform in np.random.default_rng(3).random((count, pipeline.draws)).tolist():
        crop = pipeline(image, uniform)
        seen[crop[0, 0, 0], crop[0, :, 1].min()] += 1
        mirrored += int(crop[0, 0, 1] > crop[0, -1, 1])

    # 25 places, 800 expected in each, standard deviation 28: five of them
    assert np.abs(seen - 800).max() < 140
    # standard deviation 71: five of them
    assert abs(mirrored - count / 2) < 355


def test_without_slack_the_crop_is_the_image():
    image = pixels_of(10, 10)

    np.testing.assert_array_equal(random_crop(image, 0.999, 0.5, 10), image)


@pytest.mark.parametrize(
    ("uniform", "top", "left", "flipped"),
    [((0, 0, 0), 0, 0, False), ((0.95, 0.4, 0.7), 7, 3, True), ((0.99, 0.99, 0.5), 7, 7, True)],
)
def test_a_training_crop_is_that_of_torchvision(uniform, top, left, flipped):
    image = pixels_of(31, 31)

    crop = Pipeline(TRAIN)(image, uniform)

    expected = F.crop(Image.fromarray(image), top, left, 24, 24)
    expected = F.hflip(expected) if flipped else expected
    np.testing.assert_array_equal(crop, np.asarray(expected))


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [(30, 30, 22), (31, 31, 22), (32, 32, 23), (29, 29, 22), (300, 300, 224), (36, 36, 32), (8, 8, 8), (31, 40, 22)],
)
def test_the_centre_crop_is_that_of_torchvision(width, height, size):
    image = pixels_of(width, height)

    crop = centre_crop(image, size)

    np.testing.assert_array_equal(crop, np.asarray(CenterCrop(size)(Image.fromarray(image))))


def test_pixels_and_pillow_images_become_the_same_crops():
    image = photograph(50, 40, 1)
    train = geometry_of(24, 32).train

    crop = Pipeline(train)(image, (0.3, 0.6, 0.8))

    np.testing.assert_array_equal(crop, Pipeline(train)(np.asarray(image), (0.3, 0.6, 0.8)))
    assert crop.dtype == np.uint8
    assert crop.shape == (24, 24, 3)


def test_operations_leave_the_image_as_it_was():
    image = pixels_of(31, 31)
    image.flags.writeable = False

    mirrored = mirror(random_crop(image, 0.5, 0.5, 24), 0.9)

    # No bytes are moved before they are copied into a batch.
    assert np.shares_memory(mirrored, image)


@pytest.mark.parametrize(("width", "height"), [(24, 23), (23, 24)])
@pytest.mark.parametrize("transform", ["centre_crop 24", "random_crop 24"])
def test_an_image_smaller_than_the_crop_is_refused(transform, width, height):
    with pytest.raises(FgirError, match=f"Images of {width} x {height} are too small for crops of 24"):
        Pipeline(transform_of(transform))(pixels_of(width, height), (0.1, 0.2))


def test_an_operation_that_there_is_not_is_named():
    with pytest.raises(FgirError, match=re.escape('no operation "center_crop"; did you mean "centre_crop"?')):
        Pipeline(transform_of("resize_square 30 | center_crop 24"))


def test_a_transform_that_draws_is_not_deterministic():
    assert deterministic(geometry_of(24, 32).test, "…").draws == 0
    sentence = '"random_crop 24 | mirror" draws random numbers, but a test does not.'
    with pytest.raises(FgirError, match=re.escape(sentence)):
        deterministic(TRAIN, "a test does not")
