"""Ten crops of a test image: which windows they are, and what the network makes of them."""

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.transforms import functional

from fgir.data.transforms import Pipeline
from fgir.evaluation.views import logits_by
from fgir.evaluation.windows import test_transform as transform_of_test
from fgir.evaluation.windows import windows_of
from fgir.study import COSTS_AS, REGIME_OF, VIEWS
from fgir.study.geometry import geometry_of, resized_side

SIZE = 32


class Sums(nn.Module):
    """Give an image's sums over each channel's left half, which a mirror changes, as logits."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images[:, :, :, : SIZE // 2].sum((2, 3))


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 57, 3), dtype=np.uint8)


@pytest.mark.parametrize("crops", ["square", "fixres"])
def test_the_windows_are_those_of_torchvision_with_the_centre_first(image: np.ndarray, crops: str) -> None:
    geometry = geometry_of(SIZE, resized_side(SIZE, crops=crops), crops)
    transform = transform_of_test(["centre", "ten_crop"], geometry.test)

    windows = Pipeline(transform)(image).reshape(10, SIZE, SIZE, 3)

    before = Pipeline(type(transform)(transform.operations[:-1]))(image)
    *corners, centre = functional.five_crop(torch.from_numpy(before.copy()).permute(2, 0, 1), [SIZE])
    expected = [window.permute(1, 2, 0).numpy() for window in (centre, *corners)]
    np.testing.assert_array_equal(windows[:5], expected)
    np.testing.assert_array_equal(windows[5:], np.flip(windows[:5], 2))
    np.testing.assert_array_equal(windows[0], Pipeline(geometry.test)(image))


def test_logits_are_the_mean_over_ten_windows_and_the_centre_is_shared() -> None:
    torch.manual_seed(0)
    images = torch.randn(4, 3, 10 * SIZE, SIZE)
    net = Sums()

    ten, centre = logits_by(["ten_crop", "centre"], net, images)

    windows = images.unflatten(2, (10, SIZE)).unbind(2)
    # Sums in another order.
    torch.testing.assert_close(ten, torch.stack([net(window) for window in windows]).mean(0), atol=1e-3, rtol=1e-5)
    torch.testing.assert_close(centre, net(windows[0]), atol=1e-3, rtol=1e-5)
    assert len(windows_of(images)) == 10


def test_without_ten_crops_a_test_transform_stays_as_it_is() -> None:
    test = geometry_of(SIZE, 42).test

    assert transform_of_test(["centre", "attention_crops"], test) is test


def test_a_setting_of_ten_crops_costs_ten_views() -> None:
    assert (VIEWS["frozen+ten_crop"], REGIME_OF["frozen+ten_crop"]) == (10, "frozen")
    assert COSTS_AS["frozen+ten_crop"] == "finetuned+ten_crop"
