"""Multiply-adds, counted twice."""

from functools import cache
from pathlib import Path

import pytest
import torch
from sweep import smallest_of_each_family, swept
from torch import nn
from torch.nn import functional as F

from fgir.cost.macs import count_macs, macs_by_torch
from fgir.cost.operators import HANDLES, TABLE, macs_by_fvcore
from fgir.results.columns import TABLES
from fgir.results.parquet import table_of
from fgir.study import COSTS_AS, SETTINGS, VIEWS
from fgir.study.catalogue import load_backbones
from fgir.workflow.models import macs_of_backbone

CATALOGUE = load_backbones(Path(__file__).parents[2] / "config" / "backbones.yaml")
PUBLISHED = {
    # in G at 224 pixels; some count normalisation too, which has no multiply-adds: at most 0.4 % of these
    "resnet101": 7.83,
    "vgg19_bn": 19.66,
    "vit_b16": 17.56,
    "swin_base_patch4_window7_224_in22k": 15.47,
    "convnext_base_in22k": 15.38,
}


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@cache
def row(backbone: str, setting: str, size: int = 224, classes: int = 10) -> dict:
    return count_macs(macs_of_backbone(backbone, CATALOGUE, setting, size), classes)


# One backbone an architecture: what it costs does not depend on its weights.
ARCHITECTURES = {(its.timm.split(".")[0], its.pool): name for name, its in reversed(CATALOGUE.items())}


@pytest.mark.parametrize(
    "backbone", swept(ARCHITECTURES.values(), PUBLISHED.keys() | smallest_of_each_family(CATALOGUE))
)
def test_both_counters_agree_on_every_architecture_of_the_catalogue(backbone):
    counted = row(backbone, "finetuned", size=224 if backbone in PUBLISHED else 96)

    assert counted["status"] == "ok"
    assert counted["uncounted_ops"] == []
    assert counted["macs_view"] == pytest.approx(counted["macs_view_torch"], rel=0.02)
    if backbone in PUBLISHED:
        assert counted["macs_view"] / 1e9 == pytest.approx(PUBLISHED[backbone], rel=0.005)


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_counts_its_views_of_the_real_model(setting):
    counted = row("tf_efficientnet_lite0", setting, size=96)

    assert counted["views"] == VIEWS[setting]
    assert counted["macs_image"] == counted["macs_view"] * VIEWS[setting]
    assert counted["macs_view"] == pytest.approx(counted["macs_view_torch"], rel=0.02)
    assert table_of("macs", [counted]).num_rows == 1
    assert counted.keys() == {column.name for column in TABLES["macs"]}


@pytest.mark.parametrize(("setting", "stand_in"), [pair for pair in COSTS_AS.items() if len(set(pair)) == 2])
def test_a_setting_costs_what_the_one_does_that_stands_for_it(setting, stand_in):
    mine, its = row("tf_efficientnet_lite0", setting, 96), row("tf_efficientnet_lite0", stand_in, 96)

    for figure in ("views", "parameters", "macs_view", "macs_image", "macs_view_torch"):
        assert mine[figure] == its[figure]


def test_one_view_of_attention_costs_its_maps_its_pooling_and_its_classifier():
    plain, attentive = row("tf_efficientnet_lite0", "finetuned", 96), row("tf_efficientnet_lite0", "cal_nc", 96)

    width, positions, maps, classes = 1280, 9, 32, 10
    extra = width * positions * maps * 2 + width * maps * classes - width * classes
    assert attentive["macs_view"] - plain["macs_view"] == extra
    assert attentive["parameters"] - plain["parameters"] == (
        width * maps + 2 * maps + width * maps * classes - (width + 1) * classes
    )


def test_published_figures_are_compared_with_backbones_of_the_catalogue():
    assert PUBLISHED.keys() <= set(ARCHITECTURES.values())


def test_parameters_are_of_backbone_and_head():
    counted = row("tf_efficientnet_lite0", "finetuned", 96)

    assert counted["parameters"] == 3_371_008 + 1280 * 10 + 10


@pytest.mark.parametrize(
    ("tag", "gmacs"),
    [
        ("mobilenetv3_large_100.ra_in1k", 0.2166),
        ("mobilenetv4_conv_small.e2400_r224_in1k", 0.186),
        ("ghostnet_100.in1k", 0.1412),
        ("hgnetv2_b0.ssld_stage2_ft_in1k", 0.3213),
    ],
)
def test_layers_behind_the_pooling_count_once_an_image(tag, gmacs):
    assert row(tag, "finetuned", classes=1000)["macs_view"] / 1e9 == pytest.approx(gmacs, rel=1e-3)


def test_operator_without_a_count_is_named_and_the_totals_are_absent():
    counted = count_macs(macs_of_backbone("sequencer2d_s.in1k", CATALOGUE, "finetuned", 56), 10)

    assert counted["uncounted_ops"] == ["aten::lstm"]
    assert counted["macs_view"] is None
    assert counted["macs_image"] is None
    assert counted["status"] == "uncounted"
    assert counted["error"] == "No count of multiply-adds for aten::lstm."


class Function(nn.Module):
    """A function as a model."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, images):
        return self.function(images)


PRODUCTS = {
    "product": (lambda x: x @ x.transpose(2, 3), 2 * 3 * 4 * 5 * 4),
    "broadcast": (lambda x: x[0, 0] @ x.transpose(2, 3), 2 * 3 * 4 * 5 * 4),
    "einsum": (lambda x: torch.einsum("bcij,bckj->bcik", x, x), 2 * 3 * 4 * 5 * 4),
    "attention": (lambda x: F.scaled_dot_product_attention(x, x, x), 2 * 3 * 4 * 4 * 5 * 2),
    "convolution": (lambda x: F.conv2d(x, torch.ones(7, 3, 2, 2)), 2 * 7 * 3 * 4 * 3 * 2 * 2),
    "same": (lambda x: F.conv2d(x, torch.ones(7, 3, 3, 3), padding="same"), 2 * 7 * 4 * 5 * 3 * 3 * 3),
    "grouped": (lambda x: F.conv2d(x, torch.ones(6, 1, 2, 2), groups=3), 2 * 6 * 3 * 4 * 2 * 2),
    "transposed": (lambda x: F.conv_transpose2d(x, torch.ones(3, 7, 2, 2)), 2 * 3 * 4 * 5 * 7 * 2 * 2),
    "linear": (lambda x: F.linear(x, torch.ones(8, 5)), 2 * 3 * 4 * 5 * 8),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_count_one_for_each_multiplication_that_is_summed(name):
    function, expected = PRODUCTS[name]
    image = torch.zeros(2, 3, 4, 5)

    assert macs_by_fvcore(Function(function), image) == (expected, [])
    assert macs_by_torch(Function(function), image) == expected


def test_norms_pools_and_resampling_have_no_multiply_adds():
    layers = nn.Sequential(
        nn.BatchNorm2d(3),
        nn.ReLU(),
        nn.Upsample(scale_factor=2, mode="bicubic"),
        nn.MaxPool2d(2),
        nn.AdaptiveAvgPool2d(1),
    ).eval()

    assert macs_by_fvcore(layers, torch.zeros(1, 3, 8, 8)) == (0, [])


def test_each_operator_stands_once_in_the_table_and_is_one_of_torch():
    names = [name for operators in TABLE for name in operators.names.split()]

    assert len(names) == len(set(names))
    assert [name for name in names if not hasattr(torch.ops.aten, name)] == []
    assert all(HANDLES[f"aten::{name}"] is operators.macs for operators in TABLE for name in operators.names.split())


@pytest.mark.parametrize("operators", [row for row in TABLE if row.macs], ids=lambda row: row.kind)
def test_what_is_counted_has_no_free_form_in_place(operators):
    assert not any(f"aten::{name}_" in HANDLES for name in operators.names.split())


def test_unknown_operator_is_never_skipped():
    macs, uncounted = macs_by_fvcore(Function(lambda x: torch.fft.fft2(x).real), torch.zeros(1, 3, 8, 8))

    assert macs is None
    assert "aten::fft_fft2" in uncounted
