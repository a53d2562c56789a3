"""Build the network of pretrained weights as they are: their own pooled vector under their own classifier."""

from pathlib import Path

from fgir.methods import finetuned
from fgir.methods.finetuned import loss
from fgir.models.classifier import Classifier
from fgir.models.drops import Drops
from fgir.specs import Network

__all__ = ["build", "loss"]


def build(network: Network, weights: Path | None, drops: Drops) -> Classifier:
    """Return the network, whose pooled vector is timm's own: the classifier fits no other.

    The head is random: ``fgir/training/adopt.py`` puts the classifier there. Raises FgirError as build_backbone does.
    """
    model = network.model.model_copy(update={"pool": None})
    return finetuned.build(network._replace(model=model), weights, drops)
