"""Every job of a study with what it takes, is done or not: the table plan."""

from pathlib import Path
from typing import Any

from fgir.workflow.graph import Graph, Job
from fgir.workflow.specs import Specs

Row = dict[str, Any]
_OF_THE_WHOLE = ("summary", "figure", "resolution")


class Plan:
    """The jobs of a study. ``rows`` is table plan."""

    def __init__(self, specs: Specs) -> None:
        graph = Graph(specs)
        self.specs, self.study, self.estimates = specs, specs.study, graph.estimates
        self.rows = [_row(job) for job in graph.jobs()]
        # Another study may have left its tables there.
        if not all(row["done"] for row in self.rows):
            self.rows = [row | {"done": row["done"] and row["rule"] not in _OF_THE_WHOLE} for row in self.rows]


def _row(job: Job) -> Row:
    kind, identity = job
    path, estimate = kind.done(identity), kind.estimate(identity)
    hours = {"gpu_hours": estimate.hours, "evidence": estimate.evidence} if estimate else {"gpu_hours": 0.0}
    return {
        "rule": kind.rule,
        **kind.names(identity),
        **kind.needs(identity)._asdict(),
        **hours,
        "disk": kind.disk(identity),
        "path": path,
        "done": Path(path).exists(),
    }
