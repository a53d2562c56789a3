"""Train CALMix: CAL that also swaps a region of each image with a region of its neighbour, an image of its class."""

from torch import Tensor

from fgir.methods.cal import build
from fgir.models.cal import CAL

__all__ = ["build", "loss"]


def loss(model: CAL, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss (scalar) of same-class pairs (B, 3, S, S), and logits (B, classes) for its training accuracy."""
    return model.losses(images, labels, swap=True)
