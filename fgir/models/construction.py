"""How to ask timm for a model that gives a feature map, by what the model's own class takes."""

from inspect import signature
from typing import Any, NamedTuple

import timm
import torch
from torch import Tensor, nn

from fgir.errors import FgirError
from fgir.models.tags import REFUSALS, reason, settings, skeleton, without_numbers


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

    def output_shape(self, size: int) -> tuple[int, ...]:
        """Shape of ``encode`` for one image, found without computing it; FgirError where the size is not admitted."""
        try:
            net = without_numbers(self.create).eval()
            with torch.no_grad():
                features = self.encode(net, torch.empty(1, 3, size, size, device="meta"))
        except REFUSALS as error:
            raise FgirError(f"{self.tag} does not admit images of {size} px ({reason(error)}).") from None
        if not isinstance(features, Tensor) or features.ndim not in (3, 4):
            raise FgirError(f"{self.tag} gives no feature map; take another model.")
        return tuple(features.shape)


def construction(tag: str, size: int, dense: bool) -> Construction:
    """The construction of a tag for images of ``size`` pixels.

    ``dense`` leaves out the class token where the model can do without, and layers between map and classifier.
    Raises FgirError where timm has no such tag or the size is not admitted.
    """
    shell = skeleton(tag)
    takes = signature(type(shell).__init__).parameters
    options: dict[str, Any] = {"num_classes": 0}
    if settings(shell).get("fixed_input_size") or "img_size" in takes:
        _check_patches(shell, tag, size)
        options["img_size"] = size
    if dense and "class_token" in takes:
        options["class_token"] = False
    if _normalises_what_it_pooled(shell):
        options["use_fc_norm" if "use_fc_norm" in takes else "fc_norm"] = True
    unpooled = Construction(tag, {**options, "global_pool": ""}, dense)
    return unpooled if _accepted(unpooled) else Construction(tag, options, dense)


def _normalises_what_it_pooled(shell: nn.Module) -> bool:
    # Pretrained with its last norm after the mean over positions; that norm then stays, on every position.
    norm = getattr(shell, "fc_norm", None)
    return isinstance(norm, nn.Module) and not isinstance(norm, nn.Identity)


def _accepted(trial: Construction) -> bool:
    # A few models always pool before they return; what goes into their head is their map.
    try:
        without_numbers(trial.create)
    except REFUSALS:
        return False
    return True


def _check_patches(shell: nn.Module, tag: str, size: int) -> None:
    # timm would leave out the last pixels without a word.
    patch = getattr(getattr(shell, "patch_embed", None), "patch_size", None)
    side = patch[0] if isinstance(patch, tuple) else patch
    if isinstance(side, int) and size % side:
        near = max(side, round(size / side) * side)
        raise FgirError(
            f"{tag} does not admit images of {size} px: it cuts them into patches of {side} px; take {near}."
        )
