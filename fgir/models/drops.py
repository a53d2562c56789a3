"""Set the layers that drop while training: none, unless the study asks for them."""

from collections.abc import Callable, Iterator
from inspect import signature
from typing import NamedTuple

from torch import nn

from fgir.models.shapes import on_meta_device
from fgir.utils.errors import FgirError


class Drops(NamedTuple):
    """Hold the rates of stochastic depth and of dropout that a study asks for."""

    path: float = 0.0
    dropout: float = 0.0


NO_DROPS = Drops()


def takes(meta_model: nn.Module) -> set[str]:
    """Return the names of the arguments of a model's class and of those it inherits from."""
    return {name for kind in type(meta_model).__mro__ for name in signature(kind.__init__).parameters}  # type: ignore[misc]


def options_of(drops: Drops, meta_model: nn.Module, tag: str, dense: bool) -> tuple[dict[str, float], float]:
    """Return timm's arguments for ``drops``, and the dropout rate of the head's vector.

    Dropout acts on projections if the class has a rate for them, else on the vector. Raises FgirError if there is
    neither.
    """
    options, vector = {}, 0.0
    if drops.path:
        if "drop_path_rate" not in takes(meta_model):
            raise FgirError(f"{tag} has no stochastic depth; leave training.drop_path at 0 or take another model.")
        options["drop_path_rate"] = drops.path
    if drops.dropout:
        if "proj_drop_rate" in takes(meta_model):
            options["proj_drop_rate"] = drops.dropout
        elif dense:
            raise FgirError(
                f"{tag} has dropout only before its classifier, which cal and calmix do not use; leave "
                "training.dropout at 0 or take another model."
            )
        else:
            vector = drops.dropout
    return options, vector


def governed(create: Callable[..., nn.Module], options: dict[str, float], tag: str) -> tuple[str, ...]:
    """Return the layers whose rates follow ``options``, without those to which timm gives a rate anyway.

    Raises FgirError if an option changes no layer.
    """
    off = dict.fromkeys(options, 0.0)
    before = set(_active_of(create, off))
    names: set[str] = set()
    for option, rate in options.items():
        moved = set(_active_of(create, off | {option: rate})) - before
        if not moved:
            key = "drop_path" if option == "drop_path_rate" else "dropout"
            raise FgirError(f"{tag} has no layer for training.{key}; leave it at 0 or take another model.")
        names |= moved
    return tuple(sorted(names))


def _active_of(create: Callable[..., nn.Module], options: dict[str, float]) -> dict[str, float]:
    return active(on_meta_device(lambda: create(**options)))


def active(net: nn.Module) -> dict[str, float]:
    """Return the rate of every layer that drops while training, by ``layer:attribute``."""
    modules = net.named_modules()
    return {f"{name}:{attribute}": rate for name, module in modules for attribute, rate in _rates(module)}


def silence(net: nn.Module, but: tuple[str, ...] = ()) -> None:
    """Set the rate of every layer that drops, except those of ``but``, to 0, in place."""
    for name in active(net).keys() - set(but):
        layer, attribute = name.split(":")
        setattr(net.get_submodule(layer), attribute, 0.0)


def _rates(module: nn.Module) -> Iterator[tuple[str, float]]:
    drops = "drop" in type(module).__name__.lower() or "stochasticdepth" in type(module).__name__.lower()
    for name, value in vars(module).items():
        if isinstance(value, float) and value > 0 and ("drop" in name.lower() or (drops and name in ("p", "prob"))):
            yield name, value
