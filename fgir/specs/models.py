"""Specify a backbone: its weights, and what every job that builds it needs."""

from typing import Literal, NamedTuple

from fgir.study import CalOptions, Regime
from fgir.study.catalogue import AnyWeights, Backbone
from fgir.study.strict import Strict


class WeightsSpec(Strict):
    """Specify the job that fetches a backbone's weights."""

    recipe: int
    backbone: str
    timm: str
    weights: AnyWeights
    archives: str


class ModelSpec(Strict):
    """Specify a backbone for the jobs that build it."""

    backbone: str
    timm: str
    pool: Literal["token", "mean"] | None
    mean: tuple[float, float, float] | None
    std: tuple[float, float, float] | None
    weights: str
    """The source of the weights as the tables show it: ``package …``, ``timm …``, ``file …``, ``none (random)``."""


class Network(NamedTuple):
    """Describe the network of a run: a backbone under the head of a method, for images of ``size`` pixels."""

    model: ModelSpec
    regime: Regime
    classes: int
    size: int
    cal: CalOptions | None = None


def weights_label(backbone: Backbone) -> str:
    """Return the source of a backbone's weights, in words for the tables."""
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
