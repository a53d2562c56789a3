"""Every backbone of the catalogue is what its entry says, at its native size and another, for every regime."""

from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from fgir.catalogue import load_backbones
from fgir.jobs import model_spec
from fgir.models.backbones import Backbone, plan
from fgir.models.cal import CAL
from fgir.models.drops import active
from fgir.models.tags import settings, skeleton
from fgir.specs import ModelSpec

BACKBONES = load_backbones(Path(__file__).parents[2] / "config" / "backbones.yaml")


def on_meta(spec: ModelSpec, size: int, dense: bool) -> Backbone:
    """Shapes without numbers: quick and small for the largest of them, and wrong in no shape."""
    how = plan(spec, size, dense)
    with torch.device("meta"):
        return Backbone(spec, how).eval()


@pytest.fixture(params=BACKBONES)
def spec(request: pytest.FixtureRequest) -> ModelSpec:
    return model_spec(request.param, BACKBONES[request.param], "model")


@torch.no_grad()
def test_a_backbone_is_what_its_entry_says(spec: ModelSpec) -> None:
    entry = BACKBONES[spec.backbone]
    size = entry.native_size
    backbone = on_meta(spec, size, dense=False)

    with FlopCounterMode(display=False) as counter:
        pooled = backbone.pooled(torch.empty(1, 3, size, size, device="meta"))

    own = settings(skeleton(spec.timm))
    assert size == own["input_size"][1]
    assert (entry.mean, entry.std) == (own["mean"], own["std"])
    assert entry.pool == backbone.pool
    assert pooled.shape == (1, backbone.width)
    assert active(backbone.train()) == {}
    assert sum(p.numel() for p in backbone.parameters()) / 1e6 == pytest.approx(entry.params_m, abs=0.006)
    # Rounded to four figures in the entry; torch counts two operations a multiply-add.
    assert counter.get_total_flops() / 2e9 == pytest.approx(entry.gmacs, rel=2e-3)
    assert entry.title
    assert entry.family
    assert entry.pretraining
    assert entry.licence != "not stated"


@torch.no_grad()
def test_a_backbone_gives_a_square_map_for_cal_at_its_size_and_at_another(spec: ModelSpec) -> None:
    native = BACKBONES[spec.backbone].native_size
    # Swin's windows of 7 and patches of 16 both fit 32 x 7 more pixels.
    for size in (native, native + 224):
        backbone = on_meta(spec, size, dense=True)
        with torch.device("meta"):
            cal = CAL(backbone, backbone.width, classes=5, maps=4).eval()

        features = backbone(torch.empty(2, 3, size, size, device="meta"))
        maps = cal.attention(features)

        assert active(backbone.train()) == {}
        assert features.shape[:2] == (2, backbone.width)
        # Without padding at its border, Inception loses a position.
        assert features.shape[2] == features.shape[3] >= size // 32 - 1
        assert maps.shape == (2, 4, *features.shape[2:])
        assert cal.classifier.weight.shape == cal.centre.shape == (5, 4 * backbone.width)


def test_the_catalogue_has_the_twenty_of_the_study_and_those_of_fixres() -> None:
    studied = {"vit_b16", "vgg19_bn", "van_b3", "resnetv2_101", "resnet101", "convnext_base", "resnet18"}
    fixres = {"tv_resnet50", "pnasnet5large", "senet154", "inception_resnet_v2", "seresnext101_32x4d"}
    fixres |= {f"resnext101_32x{width}d_wsl" for width in (8, 16, 32)} | {f"efficientnet_b{n}_ap" for n in range(8)}

    assert studied | fixres <= BACKBONES.keys()


def test_names_whose_default_weights_changed_are_bound_to_the_studys() -> None:
    tags = {name: BACKBONES[name].timm for name in ("convnext_base", "swin_base_patch4_window7_224", "resnet18")}

    assert tags == {
        "convnext_base": "convnext_base.fb_in1k",
        "swin_base_patch4_window7_224": "swin_base_patch4_window7_224.ms_in1k",
        "resnet18": "resnet18.tv_in1k",
    }


def test_weights_that_may_not_be_sold_say_so() -> None:
    assert {BACKBONES[f"resnext101_32x{width}d_wsl"].licence for width in (8, 16, 32)} == {"CC-BY-NC-4.0"}
