"""What is a map and what is none, whatever the layout of a timm model."""

import pytest
import torch
from backbone_files import model_spec
from torch import nn

from fgir.models.backbones import Backbone, build_backbone, plan
from fgir.models.layout import layout_of
from fgir.models.shapes import on_meta_device
from fgir.utils.errors import FgirError


def on_meta(tag: str, size: int, dense: bool) -> Backbone:
    how = plan(model_spec(tag), size, dense)
    return on_meta_device(lambda: Backbone(model_spec(tag), how))


@pytest.mark.parametrize(
    "tag", ["pit_ti_224.in1k", "pit_ti_distilled_224.in1k", "crossvit_tiny_240.in1k", "coat_tiny.in1k"]
)
def test_a_model_that_gives_no_positions_has_no_map(tag):
    with pytest.raises(FgirError, match=f"{tag} gives no feature map; take another model"):
        plan(model_spec(tag), 240 if "240" in tag else 224, dense=True)


@pytest.mark.parametrize("tag", ["test_resnet.r160_in1k", "swin_tiny_patch4_window7_224.ms_in1k"])
def test_a_map_of_one_position_leaves_attention_nothing_to_choose(tag):
    with pytest.raises(FgirError, match=f"{tag} does not admit images of 32 px: its feature map would be 1 x 1"):
        plan(model_spec(tag), 32, dense=True)

    assert plan(model_spec(tag), 32, dense=False).width


@pytest.mark.parametrize("tag", ["pit_ti_distilled_224.in1k", "deit_tiny_distilled_patch16_224.fb_in1k"])
def test_a_classifier_of_two_tokens_is_refused_for_a_linear_layer(tag):
    with pytest.raises(FgirError, match=f"{tag} classifies by 2 tokens, with a layer for each; take one that was not"):
        plan(model_spec(tag), 224, dense=False)


def test_the_map_of_a_distilled_model_is_its_patches_alone():
    torch.manual_seed(0)
    backbone = build_backbone(model_spec("deit_tiny_distilled_patch16_224.fb_in1k"), 64, dense=True).eval()
    images = torch.randn(1, 3, 64, 64)

    with torch.no_grad():
        features, tokens = backbone(images), backbone.net.forward_features(images)

    assert features.shape == (1, 192, 4, 4)
    assert torch.equal(features[0, :, 0, 1], tokens[0, 2 + 1])


@pytest.mark.parametrize(
    ("tag", "width", "gone"),
    [
        ("mobilenetv3_small_050.lamb_in1k", 288, "conv_head"),
        ("mobilenetv4_conv_small.e2400_r224_in1k", 960, "conv_head"),
        ("ghostnet_050.untrained", 480, "conv_head"),
        ("hgnetv2_b0.ssld_stage2_ft_in1k", 1024, "head.last_conv"),
        ("vgg11_bn.tv_in1k", 512, "pre_logits"),
        ("efficientvit_b0.r224_in1k", 128, "head.in_conv"),
        ("resnet50_mlp.untrained", 2048, "head.pre_logits"),
    ],
)
def test_the_map_stands_in_front_of_layers_behind_the_pooling_and_they_are_no_part_of_the_model(tag, width, gone):
    backbone = on_meta(tag, 224, dense=True)

    assert backbone.width == width
    assert not [name for name, _ in backbone.net.named_parameters() if name.startswith(gone)]


def test_the_norm_behind_the_pooling_is_taken_at_every_position_of_the_map():
    torch.manual_seed(0)
    backbone = build_backbone(model_spec("test_mambaout"), 64, dense=True).eval()

    with torch.no_grad():
        features = backbone(torch.randn(1, 3, 64, 64))

    mean = features.mean(1)
    torch.testing.assert_close(mean, torch.zeros_like(mean), atol=1e-5, rtol=0)  # sums of 64 float32 numbers


@pytest.mark.parametrize(
    ("shape", "complaint"),
    [
        ((1, 50, 8), "50 tokens for an image"),
        ((1, 8, 4, 5), "4 x 5 positions for an image"),
        ((1, 0, 8), "no feature map"),
    ],
)
def test_what_is_no_square_is_no_map(shape, complaint):
    with pytest.raises(FgirError, match=f"net gives .*{complaint}"):
        layout_of(nn.Identity(), shape, "net")
