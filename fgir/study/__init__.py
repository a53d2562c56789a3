"""What is asked: a study, its options, the catalogue that its names are looked up in. Nothing here loads torch."""

from fgir.study.identities import Cell, CostPoint, EndToEnd, Run
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
from fgir.study.settings import COSTS_AS, REGIME_OF, REGIMES, SETTINGS, VIEWS, Regime, Scope, Setting
from fgir.study.study import Study, json_schema, load_study, read_study, study_of

__all__ = [
    "COSTS_AS",
    "GREY",
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
    "PlanOptions",
    "Regime",
    "ResizeRule",
    "Run",
    "Scope",
    "Setting",
    "Study",
    "TimingOptions",
    "TrainingOptions",
    "TuningOptions",
    "json_schema",
    "load_study",
    "read_study",
    "study_of",
]
