"""The last norm and the last block of every backbone of the catalogue, by name, and of models outside it."""

from pathlib import Path

import pytest
from sweep import smallest_of_each_family, swept

from fgir.models.last_block import last_block
from fgir.models.last_norm import Norm, last_norm
from fgir.specs import ModelSpec
from fgir.study import catalogue
from fgir.utils.errors import FgirError
from fgir.workflow.models import model_spec

BACKBONES = catalogue.load_backbones(Path(__file__).parents[2] / "config" / "backbones.yaml")
# The norm, the first layer of the last block, and the layer that is called last, by the name of timm's model.
RESNET18, RESNET50 = ("layer4.1.bn2", "layer4.0.conv1"), ("layer4.2.bn3", "layer4.0.conv1")
EFFICIENTNET, SWIN = ("bn2", "blocks.6.0.conv_pw"), ("norm", "layers.3.downsample.norm")
CONVNEXT = ("head.norm", "stages.3.downsample.0")
LAST = {
    **dict.fromkeys(("tf_efficientnet_lite0", *(f"tf_efficientnet_b{number}" for number in range(8))), EFFICIENTNET),
    "vit_base_patch16_224": ("norm", "blocks.11.norm1"),
    "deit3_base_patch16_224": ("norm", "blocks.11.norm1"),
    "deit3_large_patch16_224": ("norm", "blocks.23.norm1"),
    # It normalises what it pooled; its first parameters are the block's own, the scales of its branches.
    "beitv2_base_patch16_224": ("fc_norm", "blocks.11"),
    "swin_base_patch4_window7_224": SWIN,
    "swin_large_patch4_window7_224": SWIN,
    "convnext_base": CONVNEXT,
    "convnext_large": CONVNEXT,
    "van_b3": ("norm4", "block4.0"),
    "vgg19_bn": ("features.50", "features.40"),
    "resnet18": RESNET18,
    "resnet34": ("layer4.2.bn2", "layer4.0.conv1"),
    **dict.fromkeys(("resnet50", "resnet101", "legacy_senet154", "legacy_seresnext101_32x4d"), RESNET50),
    **dict.fromkeys(("resnext101_32x8d", "resnext101_32x16d", "resnext101_32x32d"), RESNET50),
    "resnetv2_101": ("norm", "stages.3.blocks.0.norm1"),
    "resnetv2_101x3_bit": ("norm", "stages.3.blocks.0.norm1"),
    "pnasnet5large": ("cell_11.comb_iter_4_left.bn_sep_2", "cell_9.conv_prev_1x1.path_1.conv"),
    "inception_resnet_v2": ("conv2d_7b.bn", "repeat_2.0.branch0.conv"),
}
WITH_STATISTICS = ("efficientnet", "resnet1", "resnet3", "resnet5", "resnext", "senet", "vgg", "pnasnet", "inception")


def model(tag: str) -> ModelSpec:
    return ModelSpec(backbone="net", timm=tag, pool=None, mean=None, std=None, weights="none (random)")


def architecture(name: str) -> str:
    return BACKBONES[name].timm.split(".")[0]


def test_every_backbone_of_the_catalogue_has_a_pinned_name() -> None:
    assert {architecture(name) for name in BACKBONES} == LAST.keys()


@pytest.mark.parametrize("name", swept(BACKBONES, smallest_of_each_family(BACKBONES)))
def test_last_norm_and_block_of_the_catalogue(name: str) -> None:
    entry = BACKBONES[name]
    # The first of those that differ in their weights alone: a pass is watched once.
    first = next(other for other in BACKBONES if architecture(other) == architecture(name))
    spec, size = model_spec(first, BACKBONES[first], "model"), entry.native_size or 224

    norm, block = last_norm(spec, size, dense=False), last_block(spec, size, dense=False)

    assert (norm.name, block[0]) == LAST[architecture(name)]
    assert norm.affine
    assert norm.name in block
    # ResNetV2 has batch norms, or group norms in its BiT variant.
    kinds = (*WITH_STATISTICS, "resnetv2_101.")
    assert norm.statistics == any(kind in entry.timm for kind in kinds)


@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "vgg19_bn", "vit_b16", "resnet18"])
def test_last_norm_before_attention_is_that_before_pooling(name: str) -> None:
    spec = model_spec(name, BACKBONES[name], "model")

    assert last_norm(spec, 224, dense=True).name == LAST[architecture(name)][0]


@pytest.mark.parametrize(
    ("tag", "norm", "block"),
    [
        # Behind its pooling stands a convolution, and no norm.
        ("mobilenetv3_small_100.lamb_in1k", "blocks.5.0.bn1", "blocks.5.0.conv"),
        ("densenet121.ra_in1k", "features.norm5", "features.denseblock4.denselayer1.norm1"),
        ("mixer_b16_224.goog_in21k", "norm", "blocks.11.norm1"),
        ("regnety_002.pycls_in1k", "s4.b7.conv3.bn", "s4.b1.conv1.conv"),
    ],
)
def test_rule_holds_outside_the_catalogue(tag: str, norm: str, block: str) -> None:
    assert last_norm(model(tag), 224, dense=False).name == norm
    assert last_block(model(tag), 224, dense=False)[0] == block


def test_network_without_norm_is_refused() -> None:
    with pytest.raises(FgirError, match=r'Backbone "net": vgg11\.tv_in1k has no norm to adapt; take the part class'):
        last_norm(model("vgg11.tv_in1k"), 224, dense=False)


def test_layer_norm_has_no_statistics() -> None:
    assert last_norm(model("test_vit.r160_in1k"), 160, dense=False) == Norm("norm", statistics=False, affine=True)
