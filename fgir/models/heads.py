"""Find the layers between a timm model's feature map and its classifier, by watching the model run on shapes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from timm.layers import LayerNorm2d
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from fgir.models.shapes import ShapesAlone


class Head(NamedTuple):
    """Describe the layers of ``forward_head``.

    ``multiplies`` is true if convolutions, linear layers or attention are among them. ``norms`` are the names of the
    layers that normalise single positions, before the first that multiplies; ``others`` those of all further layers
    with parameters. ``features`` and ``output`` are the shapes of its input and output for one image; () if that is no
    tensor.
    """

    multiplies: bool
    norms: tuple[str, ...]
    others: tuple[str, ...]
    features: tuple[int, ...]
    output: tuple[int, ...]


def head_of(net: nn.Module, size: int) -> Head:
    """Return the head of a model on the meta device that was built without classifier."""
    images = torch.empty(1, 3, size, size, device="meta")
    with _called(net) as before, ShapesAlone():
        features = _call(net.forward_features, images)
    with _called(net) as behind, ShapesAlone(), FlopCounterMode(display=False) as counter:
        output = _call(net.forward_head, features)
    own = [name for name in behind if name not in before and _has_parameters(net.get_submodule(name))]
    norms = []
    for name in own:
        if not _normalises(net.get_submodule(name), features):
            break
        norms.append(name)
    others = [name for name in own if name not in norms and not any(norm.startswith(f"{name}.") for norm in norms)]
    multiplies = counter.get_total_flops() > 0
    return Head(multiplies, tuple(norms), tuple(others), shape_of(features), shape_of(output))


def shape_of(output: Any) -> tuple[int, ...]:
    """Return the shape of an output; () if it is not one tensor."""
    return tuple(output.shape) if isinstance(output, Tensor) else ()


def without(net: nn.Module, names: tuple[str, ...]) -> None:
    """Replace the layers ``names`` of a model by identities, in place."""
    for name in names:
        net.set_submodule(name, nn.Identity())


@torch.no_grad()
def _call(function: Any, values: Any) -> Any:
    return function(values)


@contextmanager
def _called(net: nn.Module) -> Iterator[list[str]]:
    """Yield a list that fills with the names of the layers that are called, in order: the outermost with parameters."""
    names: list[str] = []

    def noting(name: str) -> Callable[..., None]:
        def note(*_: Any) -> None:
            if name not in names and not any(name.startswith(f"{outer}.") for outer in names):
                names.append(name)

        return note

    layers = [(name, module) for name, module in net.named_modules() if name and _has_parameters(module)]
    handles = [module.register_forward_pre_hook(noting(name)) for name, module in layers]
    try:
        yield names
    finally:
        for handle in handles:
            handle.remove()


def _has_parameters(module: nn.Module) -> bool:
    return any(True for _ in module.parameters(recurse=False))


def _normalises(module: nn.Module, features: Tensor) -> bool:
    """Say whether a layer of the head can be applied to each position of the map unchanged."""
    if isinstance(module, LayerNorm2d):
        return features.ndim == 4 and features.shape[1] == module.normalized_shape[0]
    if isinstance(module, nn.BatchNorm2d):
        return features.ndim == 4 and features.shape[1] == module.num_features
    return isinstance(module, nn.LayerNorm) and features.shape[-1] == module.normalized_shape[0]
