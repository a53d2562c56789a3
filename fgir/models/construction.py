"""Ask timm for a model that gives a feature map or a vector, by the arguments that the model's own class takes."""

from functools import partial
from typing import Any, Literal, NamedTuple

import timm
import torch
from torch import Tensor, nn

from fgir.models.drops import NO_DROPS, Drops, governed, options_of, silence, takes
from fgir.models.heads import Head, head_of, shape_of, without
from fgir.models.layout import Layout, SizeRefused, class_tokens, layout_of
from fgir.models.shapes import ShapesAlone, on_meta_device
from fgir.models.tags import REFUSALS, reason, settings
from fgir.utils.errors import FgirError

Pool = Literal["token", "mean"]


class Construction(NamedTuple):
    """Bind a tag to the arguments of its model; every call of ``create`` builds the same model.

    ``gives`` says how it encodes: ``vector``: the input of timm's own classifier; ``unpooled``: the output of a model
    that was built without pooling; ``map``: its features, normalised by ``norms``. ``unused`` layers are removed.
    ``drops`` are the layers that drop while training, and ``dropout`` is the rate of the vector; nothing else drops.
    ``width`` is D of the vectors, or of the map, which has the layout ``layout``.
    """

    tag: str
    options: dict[str, Any]
    gives: Literal["vector", "unpooled", "map"]
    norms: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    drops: tuple[str, ...] = ()
    dropout: float = 0.0
    width: int = 0
    layout: Layout | None = None

    def create(self, **more: Any) -> nn.Module:
        """Build the model with weights from torch's global generator; ``more`` goes to timm."""
        net = timm.create_model(self.tag, **self.options, **more)
        without(net, self.unused)
        silence(net, self.drops)
        return net

    def encode(self, net: nn.Module, images: Tensor) -> Tensor:
        """Encode images (B, 3, S, S) as vectors (B, D), or as a map in the model's own layout."""
        model: Any = net
        features: Tensor = model.forward_features(images)
        if self.gives != "map":
            headed: Tensor = model.forward_head(features, **({"pre_logits": True} if self.gives == "vector" else {}))
            return headed
        for name in self.norms:
            features = net.get_submodule(name)(features)
        return features


def construction(
    meta_model: nn.Module, tag: str, size: int, dense: bool, pool: Pool | None = None, drops: Drops = NO_DROPS
) -> Construction:
    """Return the construction of a tag for images of ``size`` pixels.

    ``meta_model`` is the tag's skeleton. ``dense`` asks for the map that attention is pooled over: without a class
    token if the model can do without, and without layers between map and classifier. Else ``pool`` asks for a map to
    pool, with VGG's hidden layers. Without either, the model gives the vector that timm's own classifier reads. Raises
    FgirError if the size is not admitted, there is no such map or vector, or the model has no layer for ``drops``.
    """
    options = _options(meta_model, tag, size, dense)
    if not dense and pool != "mean":
        _check_one_token(meta_model, tag)
    if not dense and pool is None:
        seen = _run(Construction(tag, options, "vector"), size)
    else:
        seen = _mapping(meta_model, tag, options, size, dense)
    return _dropping(_shaped(seen, size, dense), drops, meta_model, dense)


class _Seen(NamedTuple):
    """Hold a construction, its model on the meta device, and the shape of its output for one image."""

    how: Construction
    net: nn.Module
    shape: tuple[int, ...]


def _dropping(how: Construction, drops: Drops, meta_model: nn.Module, dense: bool) -> Construction:
    options, dropout = options_of(drops, meta_model, how.tag, dense)
    if not options:
        return how._replace(dropout=dropout)
    plain = partial(timm.create_model, how.tag, **how.options)
    names = governed(plain, options, how.tag)
    return how._replace(options=how.options | options, drops=names, dropout=dropout)


def _mapping(meta_model: nn.Module, tag: str, options: dict[str, Any], size: int, dense: bool) -> _Seen:
    """Return the construction that gives a map: without pooling, if the model can be built so."""
    unpooled = {**options, "global_pool": ""}
    if _normalises_what_it_pooled(meta_model):
        unpooled["use_fc_norm" if "use_fc_norm" in takes(meta_model) else "fc_norm"] = True
    how = Construction(tag, unpooled, "unpooled")
    found = _head(how, size)
    # VGG's hidden layers stand before its pooling: the published vector is the mean over their positions.
    if found and not (found[1].multiplies and (dense or not hasattr(meta_model, "pre_logits"))):
        return _Seen(how, found[0], found[1].output)
    if not found:
        # A few always pool, and a few have no head: their features are the map. A refused size is refused again.
        how = Construction(tag, options, "map")
        found = _head(how, size)
    if not found:
        return _run(how, size)
    net, head = found
    return _Seen(how._replace(gives="map", norms=head.norms, unused=head.others), net, head.features)


def _head(how: Construction, size: int) -> tuple[nn.Module, Head] | None:
    """Return the model on the meta device with its head; None if it cannot be built or run so."""
    try:
        net = on_meta_device(how.create).eval()
        return net, head_of(net, size)
    except REFUSALS:
        return None


def _options(meta_model: nn.Module, tag: str, size: int, dense: bool) -> dict[str, Any]:
    options: dict[str, Any] = {"num_classes": 0}
    if takes_size(meta_model):
        _check_patches(meta_model, tag, size)
        options["img_size"] = size
    if dense and "class_token" in takes(meta_model) and class_tokens(meta_model) < 2:
        options["class_token"] = False
    return options


def takes_size(meta_model: nn.Module) -> bool:
    """Say whether a model takes the image size as an argument (others take images of any size)."""
    return bool(settings(meta_model).get("fixed_input_size")) or "img_size" in takes(meta_model)


def _run(how: Construction, size: int) -> _Seen:
    """Build and run a construction on the meta device."""
    net = on_meta_device(how.create).eval()
    images = torch.empty(1, 3, size, size, device="meta")
    with torch.no_grad(), ShapesAlone():
        try:
            return _Seen(how, net, shape_of(how.encode(net, images)))
        except REFUSALS:
            _check_size(net, images, how.tag)
    return _Seen(how, net, ())


def _shaped(seen: _Seen, size: int, dense: bool) -> Construction:
    """Return the construction with the width and layout of its output."""
    how, net, shape = seen
    if how.gives == "vector":
        if len(shape) not in (2, 4) or shape[2:] not in ((), (1, 1)):
            raise FgirError(f"{how.tag} gives no vector for a linear layer; take another model.")
        return how._replace(width=shape[1])
    if len(shape) not in (3, 4):
        raise FgirError(f"{how.tag} gives no feature map; take another model.")
    layout = layout_of(net, shape, how.tag)
    if dense and layout.side == 1:
        raise SizeRefused(how.tag, size, "its feature map would be 1 x 1, which leaves attention nothing to choose")
    return how._replace(width=layout.width, layout=layout)


def _check_size(net: Any, images: Tensor, tag: str) -> None:
    try:
        net.forward_features(images)
    except REFUSALS as error:
        raise SizeRefused(tag, images.shape[-1], reason(error)) from None


def _check_one_token(meta_model: nn.Module, tag: str) -> None:
    if class_tokens(meta_model) > 1:
        tokens = class_tokens(meta_model)
        raise FgirError(f"{tag} classifies by {tokens} tokens, with a layer for each; take one that was not distilled.")


def _normalises_what_it_pooled(meta_model: nn.Module) -> bool:
    # Pretrained with its last norm after the mean over positions; that norm then stays, on every position.
    norm = getattr(meta_model, "fc_norm", None)
    return isinstance(norm, nn.Module) and not isinstance(norm, nn.Identity)


def patch_side(meta_model: nn.Module) -> int | None:
    """Return the side in pixels of the patches that a model cuts images into; None if it cuts none."""
    patch = getattr(getattr(meta_model, "patch_embed", None), "patch_size", None)
    side = patch[0] if isinstance(patch, tuple) else patch
    return side if isinstance(side, int) else None


def _check_patches(meta_model: nn.Module, tag: str, size: int) -> None:
    # timm would leave out the last pixels without a word.
    side = patch_side(meta_model)
    if side and size % side:
        near = max(side, round(size / side) * side)
        raise SizeRefused(tag, size, f"it cuts them into patches of {side} px", f"; take {near}")
