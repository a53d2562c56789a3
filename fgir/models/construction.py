"""How to ask timm for a model that gives a feature map, by what the model's own class takes."""

from inspect import signature
from typing import Any, NamedTuple

import timm
import torch
from torch import Tensor, nn

from fgir.errors import FgirError
from fgir.models.tags import REFUSALS, reason, settings, without_numbers


class SizeRefused(FgirError):
    """A model does not admit images of a size; ``why`` is the part of the sentence that says it."""

    def __init__(self, tag: str, size: int, why: str, advice: str = "") -> None:
        super().__init__(f"{tag} does not admit images of {size} px: {why}{advice}.")
        self.why = why


class Construction(NamedTuple):
    """A tag with the arguments that give its feature map; every call of ``create`` builds the same model."""

    tag: str
    options: dict[str, Any]
    dense: bool

    def create(self, **more: Any) -> nn.Module:
        """Build the model, its weights drawn from torch's global generator; ``more`` goes to timm."""
        net = timm.create_model(self.tag, **self.options, **more)
        if self.dense and hasattr(net, "pre_logits"):
            net.pre_logits = nn.Identity()
        return net

    def encode(self, net: nn.Module, images: Tensor) -> Tensor:
        """What the model computes of images (B, 3, S, S), in its own layout: the input of pooling and classifier."""
        forward: Any = net if "global_pool" in self.options else net.forward_features
        return forward(images)


def construction(shell: nn.Module, tag: str, size: int, dense: bool) -> tuple[Construction, tuple[int, ...]]:
    """Return the construction of a tag for images of ``size`` pixels, and the shape of what it encodes of one image.

    ``shell`` is the tag's skeleton. ``dense`` leaves out the class token where the model can do without, and layers
    between map and classifier. Raises FgirError where the size is not admitted or there is no feature map.
    """
    options = _options(shell, tag, size, dense)
    unpooled = Construction(tag, {**options, "global_pool": ""}, dense)
    try:
        return unpooled, _output_shape(unpooled, size)
    except REFUSALS:
        # A few models always pool; what goes into their head is their map. A refused size is refused again.
        pooled = Construction(tag, options, dense)
    try:
        return pooled, _output_shape(pooled, size)
    except REFUSALS as error:
        raise SizeRefused(tag, size, reason(error)) from None


def _options(shell: nn.Module, tag: str, size: int, dense: bool) -> dict[str, Any]:
    takes = signature(type(shell).__init__).parameters
    options: dict[str, Any] = {"num_classes": 0}
    if settings(shell).get("fixed_input_size") or "img_size" in takes:
        _check_patches(shell, tag, size)
        options["img_size"] = size
    if dense and "class_token" in takes:
        options["class_token"] = False
    if _normalises_what_it_pooled(shell):
        options["use_fc_norm" if "use_fc_norm" in takes else "fc_norm"] = True
    return options


def _output_shape(how: Construction, size: int) -> tuple[int, ...]:
    net = without_numbers(how.create).eval()
    with torch.no_grad():
        features = how.encode(net, torch.empty(1, 3, size, size, device="meta"))
    if not isinstance(features, Tensor) or features.ndim not in (3, 4):
        raise FgirError(f"{how.tag} gives no feature map; take another model.")
    return tuple(features.shape)


def _normalises_what_it_pooled(shell: nn.Module) -> bool:
    # Pretrained with its last norm after the mean over positions; that norm then stays, on every position.
    norm = getattr(shell, "fc_norm", None)
    return isinstance(norm, nn.Module) and not isinstance(norm, nn.Identity)


def patch_side(shell: nn.Module) -> int | None:
    """Side of the patches that a model cuts images into, pixels; None where it cuts none."""
    patch = getattr(getattr(shell, "patch_embed", None), "patch_size", None)
    side = patch[0] if isinstance(patch, tuple) else patch
    return side if isinstance(side, int) else None


def _check_patches(shell: nn.Module, tag: str, size: int) -> None:
    # timm would leave out the last pixels without a word.
    side = patch_side(shell)
    if side and size % side:
        near = max(side, round(size / side) * side)
        raise SizeRefused(tag, size, f"it cuts them into patches of {side} px", f"; take {near}")
