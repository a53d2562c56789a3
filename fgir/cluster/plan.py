"""Plan what is left to do of the wanted runs, with its inputs, time and memory."""

from pathlib import Path
from typing import NamedTuple

from safetensors import SafetensorError, safe_open

from fgir.cluster.job import Evaluation as EvaluationStep
from fgir.cluster.job import SentRun, Training
from fgir.specs import canonical
from fgir.study import Run, Study, address
from fgir.utils.errors import FgirError
from fgir.workflow.graph import Evaluation, Graph, Job, Paths
from fgir.workflow.specs import Specs


class Sending(NamedTuple):
    """Describe a run that is to be sent."""

    run: Run
    job: SentRun
    trains: bool
    """False if it is trained already, and only evaluations are left."""
    work: list[str]
    """Its steps, named as `fgir jobs` names those of the workflow: train letters net cal 64 1."""
    minutes: int
    megabytes: int

    @property
    def evaluations(self) -> int:
        """Return the number of evaluations that are left."""
        return sum(len(evaluation.metrics) for evaluation in self.job.evaluations)

    @property
    def files(self) -> list[str]:
        """Return the files that it is to make."""
        trained = self.job.training.files if self.trains else ()
        return [*trained, *(file for evaluation in self.job.evaluations for file in evaluation.files)]

    def missing(self) -> list[str]:
        """Return the inputs that do not exist."""
        training = self.job.training
        paths = [training.split, training.weights, training.images, training.best] if self.trains else []
        paths += [path for evaluation in self.job.evaluations for path in (evaluation.split, evaluation.images)]
        return [path for path in dict.fromkeys(filter(None, paths)) if not Path(path).exists()]


class Planner:
    """Plan the runs of a study."""

    def __init__(self, study: Study, threads: int) -> None:
        self.threads, self.graph = threads, Graph(Specs(study))

    def sending(self, run: Run, test_sizes: list[int]) -> Sending | None:
        """Return what is left of a run and its evaluations at these sizes; None if all of it is done.

        Raises FgirError if the run was trained with other options than the study's: only Snakemake replaces finished
        files.
        """
        training, kind = self._training(run), self.graph.evaluate(run)
        evaluations = {Evaluation.at(run, size): self._evaluation(Evaluation.at(run, size)) for size in test_sizes}
        left = [job for job, evaluation in evaluations.items() if not evaluation.is_done(training)]
        trains = not training.is_done()
        if not trains:
            _check_trained_so(training)
        if not trains and not left:
            return None
        steps = [*([Job(self.graph["train"], run)] if trains else []), *(Job(kind, job) for job in left)]
        sent = SentRun(training, [evaluations[job] for job in left], self.threads)
        # The steps run one after the other, as do the workflow's jobs of a run, which share an allocation.
        needs = [step.kind.needs(step.identity) for step in steps]
        minutes, megabytes = sum(need.minutes for need in needs), max(need.megabytes for need in needs)
        return Sending(run, sent, trains, list(map(_named, steps)), minutes, megabytes)

    def _training(self, run: Run) -> Training:
        kind = self.graph["train"]
        read = kind.inputs(run)
        return Training(
            spec=canonical(self.graph.specs.run(run)),
            **{name: str(read[name]) for name in ("split", "images", "weights")},
            best=str(read["best"]) if read["best"] else None,
            work=f"{self.graph.study.work}/{address.fill(address.RUN, run)}",
            out=kind.result(address.RUN, run),
            files=_files(kind.paths(run)),
        )

    def _evaluation(self, job: Evaluation) -> EvaluationStep:
        kind = self.graph.evaluate(job.run)
        read, written = kind.inputs(job), kind.paths(job)
        return EvaluationStep(
            spec=canonical(kind.spec(job)),
            **{name: str(read[name]) for name in ("split", "images")},
            run=kind.result(address.RUN, job),
            settings=tuple(kind.settings(job.regime)),
            metrics=_files({"metrics": written["metrics"]}),
            files=_files(written),
        )


def _named(step: Job) -> str:
    """Return the name of a step, as `fgir jobs` names those of the workflow."""
    return f"{step.kind.rule} {address.named(step.identity)}"


def _files(paths: Paths) -> tuple[str, ...]:
    return tuple(file for path in paths.values() for file in ([path] if isinstance(path, str) else path))


def _check_trained_so(training: Training) -> None:
    """Raise FgirError if the trained weights come from another spec, which their metadata says."""
    model = Path(training.files[0])
    try:
        with safe_open(model, "numpy") as file:
            said = (file.metadata() or {}).get("fgir", "")
    except (SafetensorError, OSError):
        raise FgirError(f"{model} is damaged; delete it and send the run again.") from None
    if not said.startswith(f"{training.spec} "):
        raise FgirError(
            f"{model} was trained with other options than the study's; let Snakemake train it again, or give the "
            "changed study other results: (a folder) of its own."
        )
