"""timm's own model of a tag, with numbers in it that no layer leaves as they were."""

from typing import Any

import timm
import torch
from torch import Tensor, nn

from fgir.models.backbones import Backbone, convert, plan
from fgir.models.shapes import Undrawn
from fgir.models.tags import is_classifier, skeleton
from fgir.specs import ModelSpec


def numbered(tag: str, **options: object) -> nn.Module:
    """timm's model of a tag, classifier included, in evaluation; norms and biases are not as initialised."""
    torch.manual_seed(0)
    model = timm.create_model(tag, **options, **OPTIONS.get(tag, {})).eval().requires_grad_(False)
    for name, tensor in model.state_dict().items():
        # VAN's blocks multiply what they are given: scales near 1 would overflow, its own of 0.01 do not.
        if tensor.is_floating_point() and tensor.ndim <= 1 and "layer_scale" not in name:
            tensor.copy_(torch.rand(tensor.shape) + 0.5)
    return model


def with_numbers_of(model: nn.Module, spec: ModelSpec, size: int, dense: bool) -> Backbone:
    """The suite's backbone with the numbers of timm's model."""
    how = plan(spec, size, dense)
    with Undrawn():
        backbone = Backbone(spec, how).eval().requires_grad_(False)
    backbone.load(convert(without_classifier(model, spec.timm), backbone.net), "timm's model")
    return backbone


def without_classifier(model: nn.Module, tag: str) -> dict[str, Tensor]:
    """The state dict of timm's model as the file of weights has it."""
    meta_model = skeleton(tag)
    return {name: tensor for name, tensor in model.state_dict().items() if not is_classifier(name, meta_model)}


def classified(model: nn.Module, vectors: Tensor) -> Tensor:
    """Logits of vectors by the classifier of timm's model: one layer, or the mean of several."""
    names = model.pretrained_cfg.get("classifier") or ()
    heads = [_whole(model, name) for name in ((names,) if isinstance(names, str) else names)]
    heads = [head for head in heads if not isinstance(head, nn.Identity | None)]
    if not heads:
        return vectors
    if hasattr(model, "weights"):
        return _of_stages(model, vectors)
    widths = [_width(head) for head in heads]
    # CrossViT has a classifier for each part of the vector, distilled models several for the same.
    parts = vectors.split(widths, 1) if sum(widths) == vectors.shape[1] else [vectors] * len(heads)
    return torch.stack([_applied(head, part) for head, part in zip(heads, parts, strict=True)]).mean(0)


def _of_stages(model: nn.Module, vectors: Tensor) -> Tensor:
    """Logits of EfficientViM, which weighs a classifier for each stage; where it is distilled, two."""
    pairs = [(model.heads, model.weights)]
    pairs += [(model.heads_dist, model.weights_dist)] if hasattr(model, "heads_dist") else []
    logits = []
    for heads, weights in pairs:
        parts = vectors.split([_width(head) for head in heads], 1)
        logits.append(sum(w * head(part) for w, head, part in zip(weights.softmax(-1), heads, parts, strict=True)))
    return torch.stack(logits).mean(0)


def _whole(model: nn.Module, name: str) -> nn.Module | None:
    """A classifier, with the norm that some have between timm's vector and their linear layer; None if left out."""
    outer_name, _, inner = name.rpartition(".")
    outer = model.get_submodule(outer_name)
    return outer if type(outer).__name__ == "NormLinear" else getattr(outer, inner)


def _width(head: nn.Module) -> int:
    return next(parameter.shape[1] for parameter in head.parameters() if parameter.ndim > 1)


def _applied(head: nn.Module, vectors: Tensor) -> Tensor:
    weight = getattr(head, "weight", None)
    if weight is not None and weight.ndim == 4:
        return head(vectors[:, :, None, None]).flatten(1)
    return head(vectors)


# VOLO adds half of an auxiliary head's greatest logits, of the patches, to those of its class token.
OPTIONS: dict[str, dict[str, Any]] = {"volo_d1_224.sail_in1k": {"use_aux_head": False}}
# Operators that no counter knows: the total is absent, and the table says so.
UNCOUNTED: dict[str, list[str]] = {"sequencer2d_s.in1k": ["aten::lstm"]}
# Distilled models with a second classifier of the same vector, which is one here.
SECOND_HEADS = {
    "swiftformer_xs.dist_in1k",
    "efficientformer_l1.snap_dist_in1k",
    "efficientformerv2_s0.snap_dist_in1k",
    "levit_128s.fb_dist_in1k",
    "repvit_m1.dist_in1k",
    "efficientvim_m1_dist.in1k",
}
REFUSED = {
    "pit_ti_distilled_224.in1k": "classifies by 2 tokens, with a layer for each; take one that was not distilled.",
    "deit_tiny_distilled_patch16_224.fb_in1k": "classifies by 2 tokens, with a layer for each; take one that was not",
    "qwen3_vit_88m_enc.qwen3_5_0_8b": "gives no vector for a linear layer; take another model.",
    "gemma4_vit_167m_enc.gemma4_e4b_it": "gives no vector for a linear layer; take another model.",
    "deepseek_vit_412m_enc.deepseek_v4_1_flash": "gives no vector for a linear layer; take another model.",
    "mobilenetv5_300m_enc": "gives no vector for a linear layer; take another model.",
}
# The smallest tag of modules and classes of timm, and the smallest size, of those tried, that it admits.
FAMILIES: dict[str, int] = {
    "beit_base_patch16_224.in22k_ft_in22k_in1k": 32,
    "eca_halonext26ts.c1_in1k": 256,
    "test_byobnet.r160_in1k": 32,
    "cait_xxs24_224.fb_dist_in1k": 32,
    "coat_tiny.in1k": 32,
    "convit_tiny.fb_in1k": 32,
    "convmixer_768_32.in1k": 32,
    "test_convnext.r160_in1k": 32,
    "cpubone_nano.r224_in1k": 32,
    "crossvit_tiny_240.in1k": 240,
    "csatv2.r512_in1k": 64,
    "cs3darknet_focus_s.ra4_e3600_r256_in1k": 32,
    "cspnext_tiny.rsb_a1_in1k": 32,
    "davit_tiny.msft_in1k": 32,
    "deit_tiny_patch16_224.fb_in1k": 32,
    "densenet121.ra_in1k": 32,
    "dla46x_c.in1k": 32,
    "dpn48b.untrained": 32,
    "edgenext_xx_small.in1k": 32,
    "efficientformer_l1.snap_dist_in1k": 224,
    "efficientformerv2_s0.snap_dist_in1k": 32,
    "test_efficientnet.r160_in1k": 32,
    "efficientvim_m1.e300_in1k": 32,
    "efficientvit_b0.r224_in1k": 32,
    "efficientvit_l1.r224_in1k": 32,
    "efficientvit_m0.r224_in1k": 32,
    "vit_tiny_patch16_dinov3_qkvb.eupe_lvd1689m": 32,
    "fasternet_t0.in1k": 32,
    "fastvit_t8.apple_in1k": 32,
    "gcvit_xxtiny.in1k": 32,
    "ghostnet_050.untrained": 32,
    "hardcorenas_b.miil_green_in1k": 32,
    "hgnetv2_b0.ssld_stage2_ft_in1k": 32,
    "hiera_tiny_224.mae_in1k_ft_in1k": 32,
    "sam2_hiera_tiny.fb_r896": 32,
    "hrnet_w18_small.gluon_in1k": 32,
    "iformer_t.in1k": 32,
    "inception_next_atto.sail_in1k": 32,
    "inception_resnet_v2.tf_in1k": 96,
    "inception_v3.tv_in1k": 96,
    "inception_v4.tf_in1k": 96,
    "lcnetv2_small.paddle_in1k": 32,
    "levit_128s.fb_dist_in1k": 32,
    "levit_256d.untrained": 32,
    "lowformer_b0.in1k": 32,
    "test_mambaout": 32,
    "test_coatnet.untrained": 32,
    "poolformerv2_s12.sail_in1k": 32,
    "gmlp_ti16_224.untrained": 32,
    "mobilenetv3_small_050.lamb_in1k": 32,
    "mobilevit_xxs.cvnets_in1k": 32,
    "mvitv2_tiny.fb_in1k": 32,
    "nest_tiny.untrained": 32,
    "test_nfnet.r160_in1k": 32,
    "pit_ti_224.in1k": 32,
    "pnasnet5large.tf_in1k": 32,
    "pvt_v2_b0.in1k": 32,
    "qwen3_vit_88m.qwen3_5_0_8b": 32,
    "rdnet_tiny.nv_in1k": 32,
    "regnetx_002.pycls_in1k": 32,
    "repghostnet_050.in1k": 32,
    "repvit_m1.dist_in1k": 32,
    "res2next50.in1k": 32,
    "resnest14d.gluon_in1k": 32,
    "test_resnet.r160_in1k": 32,
    "resnetv2_18.ra4_e3600_r224_in1k": 32,
    "rexnet_100.nav_in1k": 32,
    "selecsls42.untrained": 32,
    "legacy_seresnet18.in1k": 32,
    "sequencer2d_s.in1k": 32,
    "shvit_s1.in1k": 32,
    "skresnet18.ra_in1k": 32,
    "starnet_s050.untrained": 32,
    "swiftformer_xs.dist_in1k": 32,
    "swin_tiny_patch4_window7_224.ms_in1k": 32,
    "swinv2_tiny_window8_256.ms_in1k": 32,
    "swinv2_cr_tiny_224.untrained": 32,
    "tiny_vit_5m_224.dist_in22k": 32,
    "tnt_s_legacy_patch16_224.in1k": 32,
    "tresnet_m.miil_in21k_ft_in1k": 32,
    "twins_svt_small.in1k": 32,
    "visformer_tiny.in1k": 32,
    "test_vit.r160_in1k": 32,
    "test_vit2.r160_in1k": 32,
    "test_vit3.r160_in1k": 32,
    "test_vit4.r160_in1k": 32,
    "vit_tiny_r_s16_p8_224.augreg_in21k_ft_in1k": 32,
    "test_vit_relpos.untrained": 32,
    "samvit_base_patch16_224": 32,
    "vitamin_small_224.datacomp1b_clip_ltt": 32,
    "ese_vovnet19b_slim_dw.untrained": 32,
    "legacy_xception.tf_in1k": 32,
    "xception41p.ra3_in1k": 32,
    "xcit_nano_12_p8_224.fb_in1k": 32,
    "focalnet_tiny_srf.ms_in1k": 32,
    "nextvit_small.bd_in1k": 32,
    "naflexvit_base_patch16_gap.e300_s576_in1k": 32,
    "van_b3.in1k": 32,
    "volo_d1_224.sail_in1k": 32,
    "mobilenetv5_base.untrained": 32,
    "nasnetalarge.tf_in1k": 32,
    "vgg11.tv_in1k": 32,
}
# Looked at by each change, the others by make sweep. Among these are all operators that the families have, and all
# forms of classifier: of a token, of parts, of stages, distilled, of several layers, or none.
AT_EACH_CHANGE = {
    "test_resnet.r160_in1k",
    "test_efficientnet.r160_in1k",
    "test_convnext.r160_in1k",
    "test_vit.r160_in1k",
    "test_vit4.r160_in1k",
    "swin_tiny_patch4_window7_224.ms_in1k",
    "swinv2_cr_tiny_224.untrained",
    "crossvit_tiny_240.in1k",
    "levit_128s.fb_dist_in1k",
    "edgenext_xx_small.in1k",
    "vit_tiny_r_s16_p8_224.augreg_in21k_ft_in1k",
    "convit_tiny.fb_in1k",
    "vit_tiny_patch16_dinov3_qkvb.eupe_lvd1689m",
    "cpubone_nano.r224_in1k",
    "volo_d1_224.sail_in1k",
    "mobilenetv3_small_050.lamb_in1k",
    "hiera_tiny_224.mae_in1k_ft_in1k",
    "efficientvim_m1.e300_in1k",
    "starnet_s050.untrained",
    "sam2_hiera_tiny.fb_r896",
    "convmixer_768_32.in1k",
    "efficientformerv2_s0.snap_dist_in1k",
    "eca_halonext26ts.c1_in1k",
    "nextvit_small.bd_in1k",
    "tnt_s_legacy_patch16_224.in1k",
    "sequencer2d_s.in1k",
    "naflexvit_base_patch16_gap.e300_s576_in1k",
    "tresnet_m.miil_in21k_ft_in1k",
    "samvit_base_patch16_224",
    "csatv2.r512_in1k",
    "mobilenetv5_base.untrained",
}
# Modules of timm without a tag in FAMILIES, and why.
LEFT_OUT = {
    "deepseek_vit": "its only size has 412 million parameters, 1.6 GB for each of the two copies that are compared",
}


def module_of(tag: str) -> str:
    """The module of timm that builds a tag, as ``timm.list_modules`` has it."""
    return timm.model_entrypoint(tag.split(".")[0]).__module__.rpartition(".")[2]
