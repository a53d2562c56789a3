"""Use any timm model as a feature map or a pooled vector, whatever its layout."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fgir.models.construction import Construction, construction
from fgir.models.drops import NO_DROPS, Drops
from fgir.models.layout import class_tokens
from fgir.models.tags import reason, settings, skeleton
from fgir.models.weights import RANDOM, read_weights
from fgir.specs import ModelSpec
from fgir.utils.errors import FgirError


class Backbone(nn.Module):
    """Turn images of one size into a map or a vector of ``width`` D, by a timm model without classifier.

    ``mean`` and ``std`` normalise the images.
    """

    def __init__(self, spec: ModelSpec, how: Construction) -> None:
        super().__init__()
        self.how = how
        self.net = how.create()
        self.pool = "timm" if how.layout is None else spec.pool
        self.width = how.width
        self.mean: tuple[float, ...] = spec.mean or settings(self.net)["mean"]
        self.std: tuple[float, ...] = spec.std or settings(self.net)["std"]
        self._frozen: Literal["eval", "train"] | None = None

    def freeze(self, batch_norm: Literal["eval", "train"]) -> None:
        """Stop the backbone from learning.

        ``eval`` keeps it as at inference. ``train`` leaves it in training mode, as published: batch norm takes the
        batch's statistics and moves its running ones, and dropout is active.
        """
        self._frozen = batch_norm
        self.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> "Backbone":
        """Set training or evaluation mode; a backbone frozen in ``eval`` stays in evaluation mode."""
        super().train(mode and self._frozen != "eval")
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Return the feature map (B, width, h, w) of normalised images (B, 3, S, S), if the model gives one."""
        with self._learning():
            return self._map(self.how.encode(self.net, images))

    def pooled(self, images: Tensor) -> Tensor:
        """Return the vectors (B, width) of normalised images (B, 3, S, S): timm's own, class tokens, or means."""
        with self._learning():
            return self._pooled(images)

    def _learning(self) -> AbstractContextManager[object]:
        return torch.no_grad() if self._frozen else nullcontext()

    def _pooled(self, images: Tensor) -> Tensor:
        features = self.how.encode(self.net, images)
        if self.pool == "timm":
            vectors = features.flatten(1)
        else:
            vectors = features[:, 0] if self.pool == "token" else self._map(features).mean((2, 3))
        return F.dropout(vectors, self.how.dropout, self.training) if self.how.dropout else vectors

    def load(self, state: dict[str, Tensor], origin: str) -> None:
        """Load every tensor, strictly; timm resizes position tables that were made for another image size.

        Raises FgirError, naming ``origin``, if a tensor is missing, unknown or cannot be made to fit.
        """
        own = self.net.state_dict()
        missing, unknown = own.keys() - state.keys(), state.keys() - own.keys()
        if missing or unknown:
            what = f"{min(missing)} is missing" if missing else f"{min(unknown)} is unknown"
            raise FgirError(f"{origin} does not fit {self.how.tag}: {what}; name a file with this model's weights.")
        try:
            if any(own[name].shape != tensor.shape for name, tensor in state.items()):
                overlay = {"state_dict": state, "source": None}
                state = self.how.create(pretrained=True, pretrained_cfg_overlay=overlay).state_dict()
            self.net.load_state_dict(state)
        except RuntimeError as error:
            raise FgirError(
                f"{origin} does not fit {self.how.tag}: {reason(error)}; name a file with this model's weights."
            ) from None

    def _map(self, features: Tensor) -> Tensor:
        assert self.how.layout is not None
        return self.how.layout.map(features)


def build_backbone(
    spec: ModelSpec, size: int, dense: bool, weights: Path | None = None, drops: Drops = NO_DROPS
) -> Backbone:
    """Return the backbone of ``spec`` for images of ``size`` pixels, its weights from a file of ``write_weights``.

    ``dense`` asks for the map that attention is pooled over; without it the backbone gives vectors as ``spec.pool``
    says, see ``construction``. Only layers of ``drops`` drop. Random initialisation draws from torch's global
    generator. Raises FgirError if timm has no such tag, the model does not admit the size or has no map, vector or
    layer to drop, the weights do not fit, or ``spec`` has pretrained weights and no file is given.
    """
    if weights is None and spec.weights != RANDOM:
        raise FgirError(f'Backbone "{spec.backbone}" has the weights {spec.weights}; name the file that holds them.')
    how = plan(spec, size, dense, drops)
    meta_model = skeleton(spec.timm)
    state = {} if weights is None else read_weights(weights, spec.weights, meta_model)
    backbone = Backbone(spec, how)
    if state:
        backbone.load(convert(state, backbone.net), str(weights))
    return backbone


def plan(spec: ModelSpec, size: int, dense: bool, drops: Drops = NO_DROPS) -> Construction:
    """Return the construction of ``build_backbone``, decided on shapes alone; raises as it does, weights aside."""
    meta_model = skeleton(spec.timm)
    if spec.pool == "token" and not class_tokens(meta_model):
        raise FgirError(f'Backbone "{spec.backbone}": {spec.timm} has no class token; set pool: mean.')
    return construction(meta_model, spec.timm, size, dense, spec.pool, drops)


def convert(state: dict[str, Tensor], net: nn.Module) -> dict[str, Tensor]:
    """Return the tensors that ``net`` has: without removed layers, and without a class token if it has none."""
    own = net.state_dict()
    kept = {name: tensor for name, tensor in state.items() if name in own}
    dropped = "cls_token" in state and "cls_token" not in own
    if dropped and "pos_embed" in kept and not getattr(net, "no_embed_class", False):
        kept["pos_embed"] = state["pos_embed"][:, 1:]
    return kept
