"""Find the last norm of a network: the one that its pooled vector, or its map for attention, has just gone through."""

from typing import NamedTuple

from torch import nn

from fgir.models.watching import watched
from fgir.specs import ModelSpec
from fgir.utils.errors import FgirError


class Norm(NamedTuple):
    """Name a norm below ``Backbone.net``, and say whether it has running statistics, and a scale and shift."""

    name: str
    statistics: bool
    affine: bool


def last_norm(model: ModelSpec, size: int, dense: bool) -> Norm:
    """Return the norm that is called last in a pass of the backbone.

    That is the last one before the pooling, or the one behind it where a network normalises what it pooled; of parallel
    branches it is that of the last. A network that is built to give a map (``dense``) may have another than for a
    vector. Raises FgirError if there is no norm.
    """
    net, calls = watched(model, size, dense)
    norms = [call.name for call in calls if is_norm(net.get_submodule(call.name))]
    if not norms:
        raise FgirError(f'Backbone "{model.backbone}": {model.timm} has no norm to adapt; take the part classifier.')
    module = net.get_submodule(norms[-1])
    return Norm(norms[-1], has_statistics(module), any(True for _ in module.parameters(recurse=False)))


def is_norm(module: nn.Module) -> bool:
    """Say whether a module normalises, with numbers of its own: a scale and a shift, or running statistics."""
    own = (*module.parameters(recurse=False), *module.buffers(recurse=False))
    return "norm" in type(module).__name__.lower() and bool(own)


def has_statistics(module: nn.Module) -> bool:
    """Say whether a module is a batch norm with running statistics."""
    return getattr(module, "running_mean", None) is not None
