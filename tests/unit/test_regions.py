"""Regions of a batch against their definition for one image."""

import pytest
import torch
from region_loops import box_of, cropped, dropped, mask_of, peaked_maps, swapped

from fgir.models import regions

# What the method demands on noise of unit variance; the two differ in the order of float32 sums only.
NOISE = {"atol": 1e-5, "rtol": 0}

MAP_SIZES = [(1, 1), (2, 3), (7, 7), (12, 12), (14, 9), (28, 28)]
SIZES = [2, 7, 32, 96, 131, 224]


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(20)


def random_boxes(count: int, size: int, generator: torch.Generator) -> torch.Tensor:
    """Boxes from one pixel to the whole image, many at a border."""
    ends = torch.randint(-2, size + 3, (count, 2, 2), generator=generator).clamp(0, size).sort(2).values
    start = ends[..., 0].clamp(max=size - 1)
    return torch.stack((start, torch.maximum(ends[..., 1], start + 1)), 2).flatten(1)


def edge_boxes(size: int) -> torch.Tensor:
    last = size - 1
    return torch.tensor(
        [
            [0, size, 0, size],
            [0, 1, 0, 1],
            [last, size, last, size],
            [0, 1, last, size],
            [0, size, 0, 1],
            [last, size, 0, size],
            [0, last, 1, size],
            [size // 2, size // 2 + 1, size // 2, size // 2 + 1],
        ]
    )


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size", SIZES)
def test_masks_and_boxes_equal_those_of_single_images(size, interpolation, generator):
    for height, width in MAP_SIZES:
        maps = peaked_maps(12, height, width, generator)
        thresholds = torch.rand(12, generator=generator) * 0.9 + 0.05

        masks = regions.masks(maps, thresholds, (size, size), interpolation)

        expected = [mask_of(*pair, size, interpolation) for pair in zip(maps, thresholds, strict=True)]
        assert torch.equal(masks, torch.stack(expected))
        for padding in (0, 0.05, 0.1):
            boxes = regions.boxes(masks, padding)
            assert boxes.tolist() == [box_of(mask, padding) for mask in expected]


@pytest.mark.parametrize("size", SIZES)
def test_crops_equal_a_resize_of_every_slice(size, generator):
    boxes = torch.cat((edge_boxes(size), random_boxes(32, size, generator)))
    images = torch.randn(len(boxes), 3, size, size, generator=generator)

    crops = regions.crop(images, boxes)

    expected = [cropped(*pair) for pair in zip(images, boxes.tolist(), strict=True)]
    torch.testing.assert_close(crops, torch.stack(expected), **NOISE)


@pytest.mark.parametrize("size", [2, 7, 32, 131])
def test_swaps_equal_a_paste_of_every_slice(size, generator):
    edges = edge_boxes(size)
    pairs = torch.cartesian_prod(torch.arange(len(edges)), torch.arange(len(edges))).flatten()
    boxes = torch.cat((edges[pairs], random_boxes(32, size, generator)))
    images = torch.randn(len(boxes), 1, size, size, generator=generator)

    swaps = regions.swap(images, boxes)

    torch.testing.assert_close(swaps, swapped(images, boxes.tolist()), **NOISE)


def test_a_crop_of_the_whole_image_is_the_image_bit_for_bit(generator):
    images = torch.randn(2, 3, 50, 50, generator=generator)

    crops = regions.crop(images, torch.tensor([[0, 50, 0, 50]] * 2))

    assert torch.equal(crops, images)


def test_images_and_maps_need_not_be_square(generator):
    images = torch.randn(4, 3, 40, 60, generator=generator)
    boxes = torch.tensor([[0, 40, 0, 60], [39, 40, 59, 60], [3, 30, 20, 60], [10, 11, 0, 60]])

    crops, swaps = regions.crop(images, boxes), regions.swap(images, boxes)

    expected = [cropped(*pair) for pair in zip(images, boxes.tolist(), strict=True)]
    torch.testing.assert_close(crops, torch.stack(expected), **NOISE)
    torch.testing.assert_close(swaps, swapped(images, boxes.tolist()), **NOISE)


def test_drops_equal_a_product_with_the_mask(generator):
    images = torch.randn(6, 3, 32, 32, generator=generator)
    masks = regions.masks(peaked_maps(6, 7, 7, generator), 0.3, (32, 32), "bicubic")

    drops = regions.drop(images, masks)

    expected = [dropped(*pair) for pair in zip(images, masks, strict=True)]
    torch.testing.assert_close(drops, torch.stack(expected), atol=0, rtol=0)
    assert 0 < masks.float().mean() < 1


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_a_dead_map_crops_the_whole_image_and_drops_all_of_it(interpolation, generator):
    images = torch.randn(2, 3, 32, 32, generator=generator)

    masks = regions.masks(torch.zeros(2, 7, 7), 0.5, (32, 32), interpolation)

    assert torch.equal(regions.crop(images, regions.boxes(masks, 0.1)), images)
    assert torch.equal(regions.drop(images, masks), torch.zeros_like(images))


def test_a_map_with_a_nan_crops_the_whole_image_and_drops_nothing(generator):
    images = torch.randn(2, 3, 32, 32, generator=generator)
    maps = torch.rand(2, 7, 7, generator=generator)
    maps[0, 3, 3] = float("nan")

    masks = regions.masks(maps, 0.5, (32, 32), "bicubic")
    boxes = regions.boxes(masks, 0)

    assert torch.equal(regions.crop(images, boxes)[0], images[0])
    assert torch.equal(regions.drop(images, masks)[0], images[0])
    assert regions.swap(images, boxes).isfinite().all()


@pytest.mark.parametrize("row", [0, 5, 19])
@pytest.mark.parametrize("column", [0, 8, 19])
def test_one_marked_pixel_gives_a_box_of_one_pixel(row, column):
    mask = torch.zeros(1, 20, 20, dtype=torch.bool)
    mask[0, row, column] = True

    assert regions.boxes(mask, 0).tolist() == [[row, row + 1, column, column + 1]]


def test_padding_is_a_share_of_the_side_and_stops_at_the_border():
    mask = torch.zeros(1, 224, 224, dtype=torch.bool)
    mask[0, 100:110, 5:223] = True

    assert regions.boxes(mask, 0.1).tolist() == [[77, 132, 0, 224]]


def test_the_threshold_is_relative_to_the_peak_before_enlarging():
    maps = torch.zeros(1, 3, 3)
    maps[0, 1, 1] = 2.0
    enlarged = regions.upsample(maps, (9, 9), "bicubic")

    mask = regions.masks(maps, 0.5, (9, 9), "bicubic")

    assert torch.equal(mask, enlarged >= 1.0)
    assert enlarged.min() < 0


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_regions_keep_the_type_and_memory_format_of_the_images(layout, dtype, generator):
    images = torch.randn(4, 3, 16, 16, generator=generator).to(dtype).contiguous(memory_format=layout)
    boxes = random_boxes(4, 16, generator)
    mask = torch.rand(4, 16, 16, generator=generator) > 0.5

    for made in (regions.crop(images, boxes), regions.drop(images, mask), regions.swap(images, boxes)):
        assert made.dtype == dtype
        assert made.is_contiguous(memory_format=layout)


def test_autocast_changes_no_bit_of_a_region(generator):
    images = torch.randn(4, 3, 32, 32, generator=generator)
    maps = peaked_maps(4, 7, 7, generator)

    def made():
        mask = regions.masks(maps, 0.4, (32, 32), "bicubic")
        boxes = regions.boxes(mask, 0.1)
        return torch.stack((regions.crop(images, boxes), regions.swap(images, boxes), regions.drop(images, mask)))

    plain = made()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(made(), plain)
