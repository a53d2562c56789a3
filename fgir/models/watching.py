"""Watch a pass of a backbone on shapes alone: which of its layers work, in which order, on inputs of which shape."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from fgir.models.backbones import Backbone, plan
from fgir.models.shapes import ShapesAlone, on_meta_device
from fgir.models.weights import RANDOM
from fgir.specs import ModelSpec


class Call(NamedTuple):
    """Describe the first call of a module: its name below ``Backbone.net``, and the shapes of what goes in and out.

    A shape is () where there is no tensor.
    """

    name: str
    taken: tuple[int, ...]
    given: tuple[int, ...]


class Watched(NamedTuple):
    """Hold a backbone on the meta device, and the calls of its modules in a pass, in the order in which they begin."""

    net: nn.Module
    calls: tuple[Call, ...]


def watched(model: ModelSpec, size: int, dense: bool) -> Watched:
    """Return the pass of one image of ``size`` pixels, to a map if ``dense``, else to a vector.

    Callers share what it returns, so do not change it. Raises FgirError as ``build_backbone`` does.
    """
    # Whatever weights a tag has, its layers are the same.
    return _watched(model.model_copy(update={"backbone": "", "weights": RANDOM}), size, dense)


@cache
@torch.no_grad()
def _watched(model: ModelSpec, size: int, dense: bool) -> Watched:
    how = plan(model, size, dense)
    backbone = on_meta_device(lambda: Backbone(model, how)).eval()
    taken: dict[str, tuple[int, ...]] = {}
    given: dict[str, tuple[int, ...]] = {}

    def noting(seen: dict[str, tuple[int, ...]], name: str) -> Callable[..., None]:
        def note(_module: nn.Module, *values: Any) -> None:
            seen.setdefault(name, _shape(values[-1]))

        return note

    for name, module in backbone.net.named_modules():
        if name:
            module.register_forward_pre_hook(noting(taken, name))
            module.register_forward_hook(noting(given, name))
    images = torch.empty(1, 3, size, size, device="meta")
    with ShapesAlone():
        backbone(images) if dense else backbone.pooled(images)
    return Watched(backbone.net, tuple(Call(name, shape, given.get(name, ())) for name, shape in taken.items()))


def _shape(values: Any) -> tuple[int, ...]:
    """Return the shape of an output, or of the last tensor among several: PNASNet takes the older first."""
    tensors = [value for value in (values if isinstance(values, tuple) else (values,)) if isinstance(value, Tensor)]
    return tuple(tensors[-1].shape) if tensors else ()
