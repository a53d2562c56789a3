"""Any timm model as a feature map and a pooled vector, whatever its layout."""

from math import isqrt
from pathlib import Path

from torch import Tensor, nn

from fgir.errors import FgirError
from fgir.models.construction import Construction, construction
from fgir.models.tags import reason, settings, skeleton
from fgir.models.weights import RANDOM, read_weights
from fgir.specs import ModelSpec


class Backbone(nn.Module):
    """A timm model without classifier, for images of one size.

    ``width`` is D of the feature map, ``pooled_width`` of the pooled vector; ``mean`` and ``std`` normalise the images.
    Raises FgirError where its tokens are no square map.
    """

    def __init__(self, spec: ModelSpec, how: Construction, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.how = how
        self.net = how.create()
        self._tokens = len(shape) == 3
        self._channels_last = self._tokens or getattr(self.net, "output_fmt", "NCHW") == "NHWC"
        self._prefix = int(getattr(self.net, "num_prefix_tokens", _has_token(self.net)))
        self._side = isqrt(max(shape[1] - self._prefix, 0))
        if self._tokens and self._side**2 + self._prefix != shape[1]:
            raise FgirError(f"{how.tag} gives {shape[1]} tokens an image, which are no square map; take another model.")
        self.width = self.pooled_width = shape[-1] if self._channels_last else shape[1]
        self.pool = (spec.pool or "token") if _has_token(self.net) else "mean"
        self.mean: tuple[float, ...] = spec.mean or settings(self.net)["mean"]
        self.std: tuple[float, ...] = spec.std or settings(self.net)["std"]

    def forward(self, images: Tensor) -> Tensor:
        """Feature map (B, width, h, w) of normalised images (B, 3, S, S)."""
        return self._map(self.how.encode(self.net, images))

    def pooled(self, images: Tensor) -> Tensor:
        """Vectors (B, pooled_width) of normalised images (B, 3, S, S): class token, or mean over positions."""
        features = self.how.encode(self.net, images)
        return features[:, 0] if self.pool == "token" else self._map(features).mean((2, 3))

    def load(self, state: dict[str, Tensor], origin: str) -> None:
        """Load every tensor, strictly; timm resizes position tables that were made for another image size.

        Raises FgirError, naming ``origin``, where a tensor is missing, unknown or cannot be made to fit.
        """
        own = self.net.state_dict()
        missing, unknown = own.keys() - state.keys(), state.keys() - own.keys()
        if missing or unknown:
            what = f"{min(missing)} is missing" if missing else f"{min(unknown)} is unknown"
            raise FgirError(f"{origin} does not fit {self.how.tag}: {what}.")
        try:
            if any(own[name].shape != tensor.shape for name, tensor in state.items()):
                overlay = {"state_dict": state, "source": None}
                state = self.how.create(pretrained=True, pretrained_cfg_overlay=overlay).state_dict()
            self.net.load_state_dict(state)
        except RuntimeError as error:
            raise FgirError(f"{origin} does not fit {self.how.tag}: {reason(error)}.") from None

    def _map(self, features: Tensor) -> Tensor:
        if self._tokens:
            features = features[:, self._prefix :].unflatten(1, (self._side, self._side))
        return features.permute(0, 3, 1, 2) if self._channels_last else features


def build_backbone(spec: ModelSpec, size: int, dense: bool, weights: Path | None = None) -> Backbone:
    """The backbone of ``spec`` for images of ``size`` pixels, its weights from a file of ``write_weights``.

    ``dense`` asks for the map that attention is pooled over, see ``construction``. Random initialisation is drawn
    from torch's global generator. Raises FgirError where timm has no such tag, the model does not admit the size or
    has no map, the weights do not fit, or pretrained weights were promised and are not given.
    """
    shell = skeleton(spec.timm)
    if weights is None and spec.weights != RANDOM:
        raise FgirError(f'Backbone "{spec.backbone}" has the weights {spec.weights}; name the file that holds them.')
    if spec.pool == "token" and not _has_token(shell):
        raise FgirError(f'Backbone "{spec.backbone}": {spec.timm} has no class token; set pool: mean.')
    state = {} if weights is None else read_weights(weights, spec.weights, shell)
    backbone = Backbone(spec, *construction(shell, spec.timm, size, dense))
    if state:
        backbone.load(convert(state, backbone.net), str(weights))
    return backbone


def _has_token(net: nn.Module) -> bool:
    return getattr(net, "cls_token", None) is not None


def convert(state: dict[str, Tensor], net: nn.Module) -> dict[str, Tensor]:
    """The tensors that ``net`` has: without removed layers and, where it is built without, the class token."""
    own = net.state_dict()
    kept = {name: tensor for name, tensor in state.items() if name in own}
    dropped = "cls_token" in state and "cls_token" not in own
    if dropped and "pos_embed" in kept and not getattr(net, "no_embed_class", False):
        kept["pos_embed"] = state["pos_embed"][:, 1:]
    return kept
