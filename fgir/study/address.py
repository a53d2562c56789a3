"""Map identities to paths below a study's results folder, and paths to identities."""

import re
from collections.abc import Collection, Mapping
from functools import cache
from string import Formatter
from types import MappingProxyType
from typing import Any, NamedTuple

from fgir.study.identities import SQUARE, UNADAPTED

SOURCE = "data/{dataset}/source.json"
MANIFEST = "data/{dataset}/manifest.parquet"
SPLIT = "data/{dataset}/split.parquet"
STATISTICS = "data/{dataset}/statistics.parquet"
STATISTICS_FIGURE = "data/{dataset}/statistics.png"
PIXELS = "data/{dataset}/pixels/{size}.npy"
RAGGED = "data/{dataset}/pixels/{made}.ragged"
WEIGHTS = "weights/{backbone}.safetensors"
CANDIDATE = "tuning/{dataset}/{backbone}/{regime}/{crops}{train_size}/lr{learning_rate}.parquet"
CANDIDATES = "tuning/{dataset}/{backbone}/{regime}/{crops}{train_size}/candidates.parquet"
BEST = "tuning/{dataset}/{backbone}/{regime}/{crops}{train_size}/best.parquet"
RUN = "runs/{dataset}/{backbone}/{regime}/{crops}{train_size}/seed{seed}"
MODEL = RUN + "/model.safetensors"
HISTORY = RUN + "/history.parquet"
TRAIN = RUN + "/train.parquet"
ADAPTED = "adaptations/{dataset}/{backbone}/{regime}/{crops}{train_size}-{test_size}{adaptation}/seed{seed}"
ADAPTED_TENSORS = ADAPTED + "/adapted.safetensors"
ADAPTED_HISTORY = ADAPTED + "/history.parquet"
ADAPT = ADAPTED + "/adapt.parquet"
EVALUATION = "evaluations/{dataset}/{backbone}/{setting}/{crops}{train_size}-{test_size}{adaptation}/seed{seed}"
METRICS = EVALUATION + "/metrics.parquet"
PREDICTIONS = EVALUATION + "/predictions.parquet"
COST = "cost/{backbone}/{setting}/{test_size}/classes{classes}"
MACS = COST + "/macs.parquet"
TIMING = COST + "/timing.parquet"
END_TO_END = "cost/{backbone}/{setting}/{crops}{test_size}/{dataset}/end_to_end.parquet"
COSTS = (MACS, TIMING, END_TO_END)
CELL = "cells/{dataset}/{backbone}/{setting}/{crops}{train_size}-{test_size}{adaptation}.parquet"
EVALUATIONS = "evaluations.parquet"
SUMMARY = "summary.parquet"
FIGURE = "figures/{dataset}.{format}"
RESOLUTION = "figures/resolution/{dataset}.{format}"
# A table or a figure of FixRes.
FIXRES = "fixres/{table}.md"
FIXRES_FIGURE = "fixres/{figure}.{format}"
# A failed run leaves tables under names that no rule makes, so that Snakemake never takes them for finished.
PARTIAL_EVALUATIONS = "evaluations.partial.parquet"
PARTIAL_SUMMARY = "summary.partial.parquet"
PARTIAL_FIGURES = "figures/partial"
# While a study runs: its summary, and its failed jobs.
RUNNING = ".running.json"
FAILED = ".failed.jsonl"

_NUMBERS = ("size", "train_size", "test_size", "seed", "classes")
# The parts of a path that are not any name. Those of the axes below have none for what is published.
_SHAPES = dict.fromkeys(_NUMBERS, "[0-9]+") | {"adaptation": "(?:-[a-z][a-z0-9_]*)?", "crops": "(?:[a-z][a-z0-9_]*-)?"}


class Axis(NamedTuple):
    """Describe a part of a path that its published value leaves out; any other stands with a dash."""

    published: str
    before: str = ""
    after: str = ""

    def part(self, value: str) -> str:
        """Return what stands in a path for a value."""
        return "" if value == self.published else f"{self.before}{value}{self.after}"

    def value(self, part: str) -> str:
        """Return the value that stands in a path as ``part``."""
        return part.removeprefix(self.before).removesuffix(self.after) or self.published


AXES = {"adaptation": Axis(UNADAPTED, before="-"), "crops": Axis(SQUARE, after="-")}


def fill(pattern: str, *records: Any, **more: Any) -> str:
    """Return the path of an identity (NamedTuples of the study, keywords) by a pattern: ``fill(RUN, run)``."""
    values = {key: value for record in records for key, value in record._asdict().items()} | more
    values |= {name: axis.part(values.get(name, axis.published)) for name, axis in AXES.items()}
    if "learning_rate" in values:
        values["learning_rate"] = rate(values["learning_rate"])
    return pattern.format_map(values)


def identity(pattern: str, path: str) -> dict[str, Any] | None:
    """Return what a path below the results folder names, the inverse of ``fill``; None if it does not match.

    Sizes, seeds and numbers of classes are int.
    """
    found = _compiled(pattern).fullmatch(path)
    if found is None:
        return None
    return {name: _value(name, text) for name, text in found.groupdict().items()}


def fixed(pattern: str, varied: Collection[str]) -> str:
    """Return a pattern without the parts of those axes of which there is the published value alone."""
    for name in AXES.keys() - set(varied):
        pattern = pattern.replace(f"{{{name}}}", "")
    return pattern


def _value(name: str, text: str) -> Any:
    if name in AXES:
        return AXES[name].value(text)
    return int(text) if name in _NUMBERS else text


def named(identity: Any) -> str:
    """Return the name of an identity in running text, without what was published of its axes: letters net cal 64 1."""
    values = identity._asdict().items()
    return " ".join(str(value) for name, value in values if name not in AXES or value != AXES[name].published)


def rate(learning_rate: float) -> str:
    """Return the spelling of a learning rate in paths: 0.03, 1e-05."""
    return f"{float(learning_rate):g}"


def expression(pattern: str, shapes: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the regular expression of the paths of a pattern; ``shapes`` are those of names, where not any will do."""
    shapes = _SHAPES | {**shapes}
    parts = (
        re.escape(text) + (shapes.get(name, "[^/]+") if name else "") for text, name, _, _ in Formatter().parse(pattern)
    )
    return "".join(parts)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    names = {name for _, name, _, _ in Formatter().parse(pattern) if name}
    groups = {name: f"(?P<{name}>{_SHAPES.get(name, '[^/]+')})" for name in names}
    return re.compile(expression(pattern, groups))
