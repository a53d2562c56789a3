"""Find the positions of a feature map in the output of a timm model, whatever its layout."""

from math import isqrt
from typing import NamedTuple

from torch import Tensor, nn

from fgir.utils.errors import FgirError


class SizeRefused(FgirError):
    """Report that a model does not admit images of a size; ``why`` is the reason as part of the sentence."""

    def __init__(self, tag: str, size: int, why: str, advice: str = "") -> None:
        super().__init__(f"{tag} does not admit images of {size} px: {why}{advice}.")
        self.why = why


class Layout(NamedTuple):
    """Describe a map, ``side`` x ``side``: (B, L, D) after ``prefix`` other tokens, (B, h, w, D) or (B, D, h, w)."""

    tokens: bool
    prefix: int
    channels_last: bool
    side: int
    width: int

    def map(self, features: Tensor) -> Tensor:
        """Return features in the model's layout as (B, width, side, side)."""
        if self.tokens:
            features = features[:, self.prefix :].unflatten(1, (self.side, self.side))
        return features.permute(0, 3, 1, 2) if self.channels_last else features


def layout_of(net: nn.Module, shape: tuple[int, ...], tag: str) -> Layout:
    """Return the layout of one image's features with this ``shape``. Raises FgirError if they are no square map."""
    tokens, prefix = len(shape) == 3, prefix_tokens(net)
    channels_last = tokens or _is_channels_last(net, shape)
    positions = (max(shape[1] - prefix, 0),) if tokens else shape[1:3] if channels_last else shape[2:]
    side = isqrt(positions[0]) if tokens else positions[0]
    if not side:
        raise FgirError(f"{tag} gives no feature map; take another model.")
    if side**2 != (positions[0] if tokens else positions[0] * positions[1]):
        found = f"{shape[1]} tokens" if tokens else " x ".join(map(str, positions)) + " positions"
        raise FgirError(f"{tag} gives {found} for an image, which form no square map; take another model.")
    return Layout(tokens, prefix, channels_last, side, shape[-1] if channels_last else shape[1])


def class_tokens(net: nn.Module) -> int:
    """Return the number of class tokens of a model; distilled models may have two."""
    token = getattr(net, "cls_token", None)
    return 0 if token is None else int(token.shape[1]) + (getattr(net, "dist_token", None) is not None)


def prefix_tokens(net: nn.Module) -> int:
    """Return the number of tokens before those of the map, class tokens included."""
    return int(getattr(net, "num_prefix_tokens", class_tokens(net)))


def _is_channels_last(net: nn.Module, shape: tuple[int, ...]) -> bool:
    width = getattr(net, "num_features", None)
    return getattr(net, "output_fmt", "NCHW") == "NHWC" or (shape[-1] == width != shape[1])
