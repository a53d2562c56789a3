"""A backbone with a linear head: the regimes frozen and finetuned."""

from contextlib import nullcontext
from typing import Literal

import torch
from torch import Tensor, nn

from fgir.models.backbones import Backbone


class Classifier(nn.Module):
    """Logits of a linear layer on the backbone's pooled vector."""

    def __init__(self, backbone: Backbone, classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(backbone.width, classes)
        self._frozen: Literal["eval", "train"] | None = None

    def freeze(self, batch_norm: Literal["eval", "train"]) -> None:
        """Train the head alone.

        ``eval`` keeps the backbone as at inference. ``train`` leaves it in training mode, as published: batch norm
        takes the batch's statistics and moves its running ones, and any dropout drops.
        """
        self._frozen = batch_norm
        self.backbone.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> "Classifier":
        """Set the mode of training or evaluation; a backbone frozen in ``eval`` stays in evaluation."""
        super().train(mode)
        if self._frozen == "eval":
            self.backbone.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, classes) of normalised images (B, 3, S, S)."""
        with torch.no_grad() if self._frozen else nullcontext():
            pooled = self.backbone.pooled(images)
        return self.head(pooled)
