"""Say what of a network learns in a training, and which of its modules are in training mode meanwhile."""

from collections.abc import Iterator
from typing import Any, Literal

from torch import nn

from fgir.methods.build import OF_BACKBONE, backbone_of
from fgir.models.last_block import last_block
from fgir.models.last_norm import Norm, has_statistics, is_norm, last_norm
from fgir.models.watching import watched
from fgir.specs import Network
from fgir.study import METHODS, Trainable
from fgir.study.adaptations import Part
from fgir.utils.errors import FgirError

# What timm calls tables of positions, and of differences between positions.
_POSITIONS = ("pos_embed", "position_bias", "pos_bias")


def learning(
    model: nn.Module, network: Network, trainable: Trainable, frozen_batch_norm: Literal["eval", "train"] = "eval"
) -> list[str]:
    """Let the part ``trainable`` of a model learn, and nothing else; return the modules that are to train, by name.

    These are to be in training mode; an empty name stands for the model. All others stay as at inference: nothing
    drops, and batch norm keeps its statistics. ``frozen_batch_norm`` is that of a backbone under a head that learns.
    Raises FgirError where the network has no such part.
    """
    if trainable in ("all", "head"):
        if trainable == "head":
            backbone_of(model).freeze(frozen_batch_norm)
        return [""]
    model.requires_grad_(False)
    classifier: Any = model.classifier
    classifier.requires_grad_(True)
    modes = []
    for name, learns, trains in _modules(network, trainable):
        module = model.get_submodule(OF_BACKBONE + name)
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad_(learns)
        modes += [OF_BACKBONE + name] * trains
    if trainable == "position":
        _let_positions_learn(model, network)
    return modes


def check_part(network: Network, part: Part) -> None:
    """Refuse the part of an adaptation that the network lacks, decided on shapes alone. Raises FgirError."""
    if part == "bn_statistics":
        check_batch_norms(watched(network.model, network.size, METHODS[network.regime].dense).net, network)
        return
    for _ in _modules(network, part):
        pass
    if part == "position":
        _check_positions(watched(network.model, network.size, METHODS[network.regime].dense).net, network)


def _modules(network: Network, trainable: str) -> Iterator[tuple[str, bool, bool]]:
    """Yield the modules of a part above which all learns, below ``Backbone.net``: does it learn, is it to train?"""
    asked = network.model, network.size, METHODS[network.regime].dense
    if trainable == "last_block":
        net = watched(*asked).net
        yield from ((name, True, is_norm(net.get_submodule(name))) for name in last_block(*asked))
    elif trainable in ("classifier_bn", "position"):
        yield last_norm(*asked).name, True, True
    elif trainable == "classifier_bn_statistics":
        yield _with_statistics(network, last_norm(*asked)), False, True


def _with_statistics(network: Network, norm: Norm) -> str:
    if not norm.statistics:
        raise FgirError(
            f'Backbone "{network.model.backbone}": the last norm of {network.model.timm} ({norm.name}) is no batch '
            "norm and has no statistics; take the part classifier_bn, which trains its scale and shift."
        )
    return norm.name


def _let_positions_learn(model: nn.Module, network: Network) -> None:
    net = backbone_of(model).net
    _check_positions(net, network)
    for name in _positions(net):
        net.get_parameter(name).requires_grad_(True)


def _check_positions(net: nn.Module, network: Network) -> None:
    if not _positions(net):
        raise FgirError(
            f'Backbone "{network.model.backbone}": {network.model.timm} has no table of positions that learns; take '
            "another part."
        )


def _positions(net: nn.Module) -> list[str]:
    return [name for name, _ in net.named_parameters() if any(word in name.split(".")[-1] for word in _POSITIONS)]


def batch_norms(model: nn.Module) -> list[nn.Module]:
    """Return every batch norm of a model with running statistics."""
    return [module for module in model.modules() if is_norm(module) and has_statistics(module)]


def check_batch_norms(net: nn.Module, network: Network) -> None:
    """Refuse a backbone without batch norm. Raises FgirError."""
    if not batch_norms(net):
        raise FgirError(
            f'Backbone "{network.model.backbone}": {network.model.timm} has no batch norm, so bn_statistics would '
            "change nothing; take another adaptation."
        )
