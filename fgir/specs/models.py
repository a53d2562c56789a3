"""Specs of a backbone: its weights, and what every job needs that builds it."""

from typing import Literal, NamedTuple

from fgir.study import CalOptions, Regime
from fgir.study.catalogue import AnyWeights, Backbone
from fgir.study.strict import Strict


class WeightsSpec(Strict):
    """Of weights."""

    recipe: int
    backbone: str
    timm: str
    weights: AnyWeights
    archives: str


class ModelSpec(Strict):
    """A backbone as every job that builds it needs it."""

    backbone: str
    timm: str
    pool: Literal["token", "mean"] | None
    mean: tuple[float, float, float] | None
    std: tuple[float, float, float] | None
    weights: str
    """Where the weights come from, as the tables show it: ``package …``, ``timm …``, ``file …``, ``none (random)``."""


class Network(NamedTuple):
    """What the network of a run is built of: a backbone under the head of a method, for images of ``size`` pixels."""

    model: ModelSpec
    regime: Regime
    classes: int
    size: int
    cal: CalOptions | None = None


def weights_label(backbone: Backbone) -> str:
    """Return where a backbone's weights come from, in words for the tables."""
    weights = backbone.weights
    match weights.source:
        case "package":
            return f"package {weights.package.name} {weights.package.version}"
        case "timm":
            return f"timm {backbone.timm}"
        case "file":
            return f"file {weights.path}"
        case _:
            return "none (random)"
