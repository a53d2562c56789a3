"""Build models whose numbers nobody reads: on the meta device they are shapes alone, elsewhere zeros."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

_Made = TypeVar("_Made")


def on_meta_device(create: Callable[[], _Made]) -> _Made:
    """Return the result of ``create`` on the meta device: every shape, in no memory and little time."""
    with torch.device("meta"), ShapesAlone():
        return create()


class Undrawn(TorchFunctionMode):
    """Set initial numbers to 0 rather than draw them, while entered: for models that are only counted, or loaded.

    Drawing takes most of the time of building a model. Uninitialised memory would not do, because torch draws some
    numbers again until they lie between two bounds.
    """

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function in _DRAWING:
            tensor: Tensor = args[0] if args else kwargs["tensor"]
            with torch.no_grad():
                return tensor.zero_()
        return function(*args, **kwargs)


class ShapesAlone(TorchFunctionMode):
    """Skip the filling and normalising of tensors on the meta device while entered: neither changes a shape.

    torch would spend most of the time of building a model, and of its forward pass, on the two.
    """

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        first = args[0] if args else kwargs.get("tensor")
        if isinstance(first, Tensor) and first.is_meta:
            # Numbers alone change no shape, and are never refused for theirs.
            if function in _FILLING and not any(isinstance(value, Tensor) for value in args[1:]):
                return first
            if function in _OF_CHANNELS and first.shape[1:2] == _length(kwargs.get("weight")):
                return first.new_empty(first.shape) if first.is_contiguous() else torch.empty_like(first)
            if function is F.layer_norm and first.shape[-len(args[1]) :] == tuple(args[1]):
                return first.new_empty(first.shape)
        return function(*args, **kwargs)


def _length(weight: Tensor | None) -> tuple[int, ...] | None:
    return None if weight is None else tuple(weight.shape)


# All of these return the tensor that they are given.
_DRAWING = {
    *(Tensor.normal_, Tensor.uniform_, Tensor.erfinv_),
    *(nn.init.normal_, nn.init.uniform_, nn.init.trunc_normal_, nn.init.kaiming_normal_, nn.init.kaiming_uniform_),
}
_FILLING = _DRAWING | {Tensor.fill_, Tensor.zero_, Tensor.mul_, Tensor.add_, Tensor.clamp_, nn.init.constant_}
_OF_CHANNELS = {F.batch_norm, F.group_norm}
