"""Every backbone of the catalogue is what its entry says, at its native size and another, for every regime."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from sweep import smallest_of_each_family, swept
from torch.utils.flop_counter import FlopCounterMode

from fgir.models.backbones import Backbone, convert, plan
from fgir.models.cal import CAL
from fgir.models.drops import active
from fgir.models.shapes import ShapesAlone, on_meta_device
from fgir.models.tags import settings, skeleton
from fgir.study import catalogue
from fgir.workflow.models import model_spec

BACKBONES = catalogue.load_backbones(Path(__file__).parents[2] / "config" / "backbones.yaml")
REFERENCE = {
    # name: (width of the map that attention is pooled over, width of the linear head's input)
    "tf_efficientnet_lite0": (1280, 1280),
    "vit_b16": (768, 768),
    "vgg19_bn": (512, 4096),
    "swin_base_patch4_window7_224_in22k": (1024, 1024),
    "resnetv2_101x3_bitm_in21k": (6144, 6144),
    "resnetv2_101": (2048, 2048),
    "resnet101": (2048, 2048),
    "convnext_base_in22k": (1024, 1024),
    "beitv2_base_patch16_224_in22k": (768, 768),
}
# All of them give a vector at each change: one build. The maps of the others are built by make sweep.
MAPS = swept(BACKBONES, REFERENCE.keys() | smallest_of_each_family(BACKBONES))
Shape = tuple[int, ...]


class Seen(NamedTuple):
    """A backbone with the shapes of what it gives for two images: a map, and CAL's attention maps, or vectors."""

    pool: str
    width: int
    output: Shape
    attention: Shape | None
    # Of one image, for a vector.
    macs: float
    # Of every tensor: what it has, and what it takes from timm's own model of the tag.
    own: dict[str, Shape]
    filled: dict[str, Shape]
    parameters: int
    drops: dict[str, float]


def seen(name: str, size: int, dense: bool) -> Seen:
    """On the meta device, once for all weights of an architecture: quick and small for the largest of them."""
    kind = architecture(BACKBONES[name])
    return _seen(next(name for name, entry in BACKBONES.items() if architecture(entry) == kind), size, dense)


def architecture(entry: catalogue.Backbone) -> tuple[object, ...]:
    return entry.timm.split(".")[0], entry.native_size, entry.pool


@cache
@torch.no_grad()
def _seen(name: str, size: int, dense: bool) -> Seen:
    spec = model_spec(name, BACKBONES[name], "model")
    how = plan(spec, size, dense)
    backbone = on_meta_device(lambda: Backbone(spec, how)).eval()
    images = torch.empty(2, 3, size, size, device="meta")
    attention, counter = None, FlopCounterMode(display=False)
    if not dense:
        with ShapesAlone(), counter:
            output = backbone.pooled(images)
    else:
        with ShapesAlone():
            output = backbone(images)
        cal = on_meta_device(lambda: CAL(backbone, backbone.width, classes=5, maps=4)).eval()
        attention = tuple(cal.attention(output).shape)
        assert cal.classifier.weight.shape == cal.centre.shape == (5, 4 * backbone.width)
    return Seen(
        pool=backbone.pool or "",
        width=backbone.width,
        output=tuple(output.shape),
        attention=attention,
        # torch counts two operations a multiply-add.
        macs=counter.get_total_flops() / 2 / len(images),
        own=_shapes(backbone.net.state_dict()),
        filled=_shapes(convert(skeleton(spec.timm).state_dict(), backbone.net)),
        parameters=sum(parameter.numel() for parameter in backbone.parameters()),
        drops=active(backbone.train()),
    )


def _shapes(state: dict[str, torch.Tensor]) -> dict[str, Shape]:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


@pytest.mark.parametrize("name", BACKBONES)
def test_a_backbone_is_what_its_entry_says(name: str) -> None:
    entry = BACKBONES[name]

    backbone = seen(name, entry.native_size, dense=False)

    own = settings(skeleton(entry.timm))
    assert entry.native_size == own["input_size"][1]
    assert (entry.mean, entry.std) == (own["mean"], own["std"])
    assert entry.pool == backbone.pool
    assert backbone.output == (2, backbone.width)
    assert backbone.drops == {}
    assert backbone.filled == backbone.own
    assert backbone.parameters / 1e6 == pytest.approx(entry.params_m, abs=0.006)
    # Rounded to four figures in the entry.
    assert backbone.macs / 1e9 == pytest.approx(entry.gmacs, rel=2e-3)
    assert entry.title
    assert entry.family
    assert entry.pretraining
    assert entry.licence != "not stated"


@pytest.mark.parametrize("name", MAPS)
def test_a_backbone_gives_a_square_map_for_cal_at_its_size_and_at_another(name: str) -> None:
    native = BACKBONES[name].native_size
    # Swin's windows of 7 and patches of 16 both fit 32 x 7 more pixels.
    for size in (native, native + 224):
        backbone = seen(name, size, dense=True)

        assert backbone.drops == {}
        assert backbone.output[:2] == (2, backbone.width)
        # Without padding at its border, Inception loses a position.
        assert backbone.output[2] == backbone.output[3] >= size // 32 - 1
        assert backbone.attention == (2, 4, *backbone.output[2:])
        assert backbone.filled.keys() == backbone.own.keys()


@pytest.mark.parametrize("size", [224, 448])
@pytest.mark.parametrize("name", REFERENCE)
def test_maps_have_the_published_shape_at_any_admitted_size(name: str, size: int) -> None:
    stride = 16 if name.startswith(("vit", "beit")) else 32

    backbone = seen(name, size, dense=True)

    assert backbone.output == (2, REFERENCE[name][0], size // stride, size // stride)
    assert backbone.width == REFERENCE[name][0]


@pytest.mark.parametrize("name", REFERENCE)
def test_pooled_vectors_and_parameters_are_as_published(name: str) -> None:
    entry = BACKBONES[name]

    backbone = seen(name, entry.native_size, dense=False)

    assert backbone.output == (2, REFERENCE[name][1])
    assert backbone.width == REFERENCE[name][1]
    assert round(backbone.parameters / 1e6, 2) == entry.params_m
    assert backbone.pool == ("token" if name.startswith(("vit", "beit")) else "mean")


@pytest.mark.parametrize("name", MAPS)
def test_pretrained_weights_fill_every_tensor_of_a_map_at_their_own_size(name: str) -> None:
    backbone = seen(name, BACKBONES[name].native_size, dense=True)

    assert backbone.filled == backbone.own


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
