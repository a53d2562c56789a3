"""The graph of jobs: every kind of job of a study, with what it reads, writes and needs.

The rules of Snakemake, ``fgir plan``, ``fgir submit`` and the check of targets all walk it. Loads no torch.
"""

from collections.abc import Iterator
from typing import NamedTuple

from fgir.study import Run
from fgir.study.address import AXES
from fgir.workflow.estimate import Estimates
from fgir.workflow.graph.adaptation import Adapt
from fgir.workflow.graph.cost import Macs, Stream, Timing
from fgir.workflow.graph.data import Download, Manifest, Pixels, Ragged, Split, Weights
from fgir.workflow.graph.evaluation import (
    Evaluate,
    EvaluateTogether,
    Evaluation,
    alternatives,
    evaluation_rule,
    evaluations_of,
)
from fgir.workflow.graph.kind import Identity, Kind, Paths
from fgir.workflow.graph.tables import Figure, FixRes, FixResFigure, OneCell, Resolution, Summary
from fgir.workflow.graph.training import Adopt, Choose, Train, Tune, TuneFrozen
from fgir.workflow.specs import Specs

# In the order in which images become tables; those of a line follow each other dataset by dataset, or run by run.
KINDS: tuple[tuple[type[Kind], ...], ...] = (
    (Download, Manifest, Split, Pixels, Ragged),
    (Weights,),
    (TuneFrozen, Tune, Choose, Train, Adopt),
    (Adapt,),
    (Evaluate, EvaluateTogether),
    (Macs,),
    (Timing,),
    (Stream,),
    (OneCell,),
    (Summary,),
    (Figure, Resolution),
    (FixRes, FixResFigure),
)


class Job(NamedTuple):
    """One job."""

    kind: Kind
    identity: Identity


class Graph:
    """The kinds of job of a study, by rule, and its jobs."""

    def __init__(self, specs: Specs) -> None:
        self.specs, self.study, self.estimates = specs, specs.study, Estimates(specs)
        self._lines = [list(self._of_line(line)) for line in KINDS]
        self._kinds = {kind.rule: kind for line in self._lines for kind in line}
        self.evaluations = [kind for kind in self._kinds.values() if isinstance(kind, Evaluate)]
        self._places = {
            key: {name: place for place, name in enumerate(getattr(self.study, f"{key}s"))}
            for key in ("dataset", "backbone", "regime", "train_size")
        }

    def __getitem__(self, rule: str) -> Kind:
        return self._kinds[rule]

    def jobs(self) -> Iterator[Job]:
        """Yield every job that the study needs."""
        for line in self._lines:
            jobs = [Job(kind, identity) for kind in line for identity in kind.identities()]
            yield from sorted(jobs, key=self._place) if len(line) > 1 else jobs

    def targets(self) -> list[str]:
        """Return the tables and figures that a whole study is made for."""
        tables = (Summary, Figure)
        written = [job.kind.paths(job.identity) for job in self.jobs() if isinstance(job.kind, tables)]
        return [str(path) for paths in written for path in paths.values()]

    def parts(self) -> dict[str, list[str]]:
        """Return what stands in paths for each axis that the study asks more of than what was published."""
        values = {"crops": self.study.crops, "adaptation": self.study.adaptations}
        return {name: [AXES[name].part(value) for value in values[name]] for name in sorted(self.study.varied)}

    def evaluate(self, run: Run) -> Evaluate:
        """Return the kind of job that evaluates a run."""
        return next(kind for kind in self.evaluations if run.regime in kind.regimes)

    def _of_line(self, line: tuple[type[Kind], ...]) -> Iterator[Kind]:
        if Evaluate in line:
            yield from evaluations_of(self.specs, self.estimates)
        else:
            yield from (kind(self.specs, self.estimates) for kind in line)

    def _place(self, job: Job) -> list[int]:
        """Return where the study names what a job is of."""
        names = job.kind.names(job.identity)
        return [place[names[key]] for key, place in self._places.items() if key in names]


__all__ = [
    "KINDS",
    "Evaluate",
    "Evaluation",
    "Figure",
    "FixRes",
    "FixResFigure",
    "Graph",
    "Identity",
    "Job",
    "Kind",
    "Paths",
    "Resolution",
    "Train",
    "alternatives",
    "evaluation_rule",
]
