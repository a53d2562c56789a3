"""Define the contract of each job: a typed spec, passed as canonical JSON; a file a stage. Nothing here loads torch."""

from fgir.specs.adaptation import AdaptationSpec
from fgir.specs.canonical import RECIPE, canonical, parse
from fgir.specs.cost import EndToEndSpec, MacsSpec, TimingSpec
from fgir.specs.data import Elpv, PixelsSpec, SourceSpec, SplitSpec
from fgir.specs.evaluation import EvaluationSpec
from fgir.specs.models import ModelSpec, Network, WeightsSpec, weights_label
from fgir.specs.tables import BackboneLabel, CellSpec, DatasetLabel, SummarySpec
from fgir.specs.training import AdoptSpec, ChoiceSpec, RunSpec, SearchSpec

__all__ = [
    "RECIPE",
    "AdaptationSpec",
    "AdoptSpec",
    "BackboneLabel",
    "CellSpec",
    "ChoiceSpec",
    "DatasetLabel",
    "Elpv",
    "EndToEndSpec",
    "EvaluationSpec",
    "MacsSpec",
    "ModelSpec",
    "Network",
    "PixelsSpec",
    "RunSpec",
    "SearchSpec",
    "SourceSpec",
    "SplitSpec",
    "SummarySpec",
    "TimingSpec",
    "WeightsSpec",
    "canonical",
    "parse",
    "weights_label",
]
