"""Say what is asked: a study, its options, and the catalogue of its names. Nothing here loads torch."""

from fgir.study.identities import Cell, CostPoint, EndToEnd, Run
from fgir.study.methods import METHOD_OPTIONS, METHODS, REGIMES, Method, Regime, Trainable
from fgir.study.options import (
    GREY,
    STREAMED_IMAGES,
    CalOptions,
    Colour,
    DataOptions,
    PlanOptions,
    ResizeRule,
    TimingOptions,
    TrainingOptions,
    TuningOptions,
)
from fgir.study.protocols import PROTOCOLS, Protocol
from fgir.study.settings import (
    COSTS_AS,
    PROTOCOL_OF,
    PUBLISHED_SETTINGS,
    REGIME_OF,
    SETTINGS,
    VIEWS,
    Scope,
    Setting,
)
from fgir.study.study import Study, json_schema, load_study, read_study, study_of

__all__ = [
    "COSTS_AS",
    "GREY",
    "METHODS",
    "METHOD_OPTIONS",
    "PROTOCOLS",
    "PROTOCOL_OF",
    "PUBLISHED_SETTINGS",
    "REGIMES",
    "REGIME_OF",
    "SETTINGS",
    "STREAMED_IMAGES",
    "VIEWS",
    "CalOptions",
    "Cell",
    "Colour",
    "CostPoint",
    "DataOptions",
    "EndToEnd",
    "Method",
    "PlanOptions",
    "Protocol",
    "Regime",
    "ResizeRule",
    "Run",
    "Scope",
    "Setting",
    "Study",
    "TimingOptions",
    "Trainable",
    "TrainingOptions",
    "TuningOptions",
    "json_schema",
    "load_study",
    "read_study",
    "study_of",
]
