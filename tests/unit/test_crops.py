import numpy as np
import pytest
from photographs import photograph
from PIL import Image
from torchvision.transforms import CenterCrop
from torchvision.transforms import functional as F

from fgir.data.crops import centre_box, cut, draws, random_boxes


class Photographs:
    def __init__(self, side, count):
        self.side = side
        self.pixels = [np.asarray(photograph(side, side, seed)) for seed in range(count)]

    def __len__(self):
        return len(self.pixels)

    def __getitem__(self, row):
        return self.pixels[row]


def test_a_draw_depends_on_its_row_alone():
    few, many = draws(1, 2, 0, 10), draws(1, 2, 0, 1000)

    np.testing.assert_array_equal(few, many[:10])


def test_seed_epoch_and_slot_each_give_other_draws():
    streams = [draws(1, 0, 0, 50), draws(0, 1, 0, 50), draws(0, 0, 1, 50), draws(0, 0, 0, 50), draws(1, 1, 0, 50)]

    for number, stream in enumerate(streams):
        for other in streams[:number]:
            assert not (stream == other).any()


def test_random_boxes_reach_every_place_equally_often_and_mirror_half():
    side, size, count = 14, 10, 50_000

    top, left, mirrored = random_boxes(draws(3, 0, 0, count), side, size).T

    # 25 places, 2000 expected in each, standard deviation 44: five of them
    places = np.bincount(5 * top + left, minlength=25)
    assert len(places) == 25
    assert np.abs(places - 2000).max() < 220
    # standard deviation 112: five of them
    assert abs(mirrored.sum() - count / 2) < 560
    assert set(mirrored.tolist()) == {0, 1}
    assert abs(np.corrcoef(top, left)[0, 1]) < 0.03


def test_without_slack_the_crop_is_the_image():
    boxes = random_boxes(draws(0, 0, 0, 20), 10, 10)

    assert not boxes[:, :2].any()


def test_cut_gives_the_crops_and_mirrors_of_torchvision():
    images = Photographs(side=31, count=6)
    rows = [4, 0, 5, 5]
    boxes = np.array([[0, 0, 0], [7, 3, 1], [7, 7, 1], [2, 6, 0]])

    crops = cut(images, rows, boxes, 24)

    assert crops.dtype == np.uint8
    assert crops.shape == (4, 24, 24, 3)
    for crop, row, (top, left, mirrored) in zip(crops, rows, boxes.tolist(), strict=True):
        expected = F.crop(Image.fromarray(images[row]), top, left, 24, 24)
        expected = F.hflip(expected) if mirrored else expected
        np.testing.assert_array_equal(crop, np.asarray(expected))


@pytest.mark.parametrize(("side", "size"), [(30, 22), (31, 22), (32, 23), (29, 22), (300, 224), (36, 32), (8, 8)])
def test_the_centre_crop_is_that_of_torchvision(side, size):
    images = Photographs(side, count=1)

    crops = cut(images, [0], centre_box(side, size)[None], size)

    expected = CenterCrop(size)(Image.fromarray(images[0]))
    np.testing.assert_array_equal(crops[0], np.asarray(expected))
