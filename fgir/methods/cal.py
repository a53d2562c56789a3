"""Build and train CAL: attention pools the backbone's map; crops, drops and a counterfactual teach where to look."""

from pathlib import Path

from torch import Tensor

from fgir.models.backbones import build_backbone
from fgir.models.cal import CAL
from fgir.models.drops import Drops
from fgir.specs import Network
from fgir.study import CalOptions


def build(network: Network, weights: Path | None, drops: Drops) -> CAL:
    """Return the network; raises FgirError as build_backbone does."""
    options = network.cal or CalOptions()
    backbone = build_backbone(network.model, network.size, dense=True, weights=weights, drops=drops)
    return CAL(
        backbone,
        backbone.width,
        network.classes,
        maps=options.attention_maps,
        mask_interpolation=options.mask_interpolation,
        centre_momentum=options.centre_momentum,
    )


def loss(model: CAL, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss (scalar) of a batch (B, 3, S, S), and logits (B, classes) for its training accuracy."""
    return model.losses(images, labels)
