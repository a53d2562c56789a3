"""Build and train a fine-tuned network: a linear layer on the backbone's pooled vector, all of which learns."""

from pathlib import Path

from torch import Tensor, nn
from torch.nn import functional as F

from fgir.models.backbones import build_backbone
from fgir.models.classifier import Classifier
from fgir.models.drops import Drops
from fgir.specs import Network


def build(network: Network, weights: Path | None, drops: Drops) -> Classifier:
    """Return the network; raises FgirError as build_backbone does."""
    backbone = build_backbone(network.model, network.size, dense=False, weights=weights, drops=drops)
    return Classifier(backbone, network.classes)


def loss(model: nn.Module, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cross-entropy (scalar) and logits (B, classes) of a batch."""
    logits: Tensor = model(inputs)
    return F.cross_entropy(logits, labels), logits
