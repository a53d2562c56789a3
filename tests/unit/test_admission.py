"""Which image sizes a backbone admits: what is said beforehand is what timm's loading does."""

import pytest
import torch
from backbone_files import model_spec, random_state

from fgir.models.admission import check_size
from fgir.models.backbones import Backbone, build_backbone, convert
from fgir.models.shapes import Undrawn
from fgir.models.tags import skeleton
from fgir.utils.errors import FgirError

FIXED = {
    # tag: what timm cannot resize when the images are of 256 px instead of the pretraining's 224
    "levit_128s.fb_dist_in1k": "attention biases",
    "hiera_tiny_224.mae_in1k_ft_in1k": "positions",
    "cait_xxs24_224.fb_dist_in1k": "positions",
    "volo_d1_224.sail_in1k": "positions",
    "mixer_s16_224.untrained": "a layer over all positions",
    "pit_ti_224.in1k": "positions",
    "convit_tiny.fb_in1k": "positions",
    "nest_tiny_jx.goog_in1k": "positions",
    "gcvit_xxtiny.in1k": "attention biases",
    "efficientformerv2_s0.snap_dist_in1k": "attention biases",
}
RESIZED = [
    "vit_tiny_patch16_224.augreg_in21k",
    "swin_tiny_patch4_window7_224.ms_in1k",
    "mvitv2_tiny.fb_in1k",
    "resnet18.tv_in1k",
]


def undrawn(tag: str, size: int) -> Backbone:
    """A backbone that numbers are loaded into, or fail to be."""
    with Undrawn():
        return build_backbone(model_spec(tag), size, dense=False)


@pytest.mark.parametrize("tag", FIXED)
def test_a_size_that_timm_cannot_load_the_weights_at_is_refused_beforehand(tag: str) -> None:
    spec = model_spec(tag, f"timm {tag}")
    larger = undrawn(tag, 256)

    with pytest.raises(FgirError, match=rf"{tag} with pretrained weights does not admit images of 256 px; take 224\."):
        check_size(spec, 256, dense=False)

    check_size(spec, 224, dense=False)
    state = {name: torch.zeros(tensor.shape) for name, tensor in skeleton(tag).state_dict().items()}
    with pytest.raises(FgirError, match="does not fit"):
        larger.load(convert(state, larger.net), "file")


@pytest.mark.parametrize("tag", RESIZED)
def test_a_size_that_timm_loads_the_weights_at_is_admitted(tag: str) -> None:
    spec = model_spec(tag, f"timm {tag}")
    other = undrawn(tag, 256)

    check_size(spec, 256, dense=False)

    other.load(convert(random_state(tag), other.net), "file")


@pytest.mark.parametrize("tag", ["beit_base_patch16_224.in22k_ft_in22k", "maxvit_nano_rw_256.sw_in1k"])
def test_larger_models_with_tables_are_admitted_without_building_them(tag: str) -> None:
    check_size(model_spec(tag, f"timm {tag}"), 288, dense=True)


def test_random_weights_admit_every_size_at_which_the_model_builds() -> None:
    check_size(model_spec("levit_128s.fb_dist_in1k"), 256, dense=False)


def test_a_trained_model_is_tested_only_at_sizes_that_its_tables_can_be_resized_to() -> None:
    check_size(model_spec("test_vit.r160_in1k"), 96, dense=True, trained_at=64)

    with pytest.raises(FgirError, match=r"levit_128s.* trained at 224 px does not admit images of 256 px; take 224\."):
        check_size(model_spec("levit_128s.fb_dist_in1k"), 256, dense=False, trained_at=224)


@pytest.mark.parametrize(
    ("tag", "size", "advice"),
    [
        ("test_vit.r160_in1k", 150, r"cuts them into patches of 16 px; take 144 or 160\."),
        ("eva02_tiny_patch14_224.mim_in22k", 128, r"cuts them into patches of 14 px; take 126 or 140\."),
        ("efficientformer_l1.snap_dist_in1k", 128, r"does not admit images of 128 px: .*; take 224\."),
        ("vgg19_bn.tv_in1k", 16, r"does not admit images of 16 px: .*; take 32\."),
    ],
)
def test_the_nearest_admitted_sizes_are_named(tag: str, size: int, advice: str) -> None:
    with pytest.raises(FgirError, match=advice):
        check_size(model_spec(tag, f"timm {tag}"), size, dense=False)


def test_nothing_is_read_and_no_number_computed() -> None:
    check_size(model_spec("vit_giant_patch14_dinov2.lvd142m", "timm vit_giant"), 280, dense=False)
