"""What is left to do of the runs that are wanted, and what it needs: inputs, time, memory."""

from pathlib import Path
from typing import NamedTuple

from safetensors import SafetensorError, safe_open

from fgir.cluster.job import Evaluation, SentRun, Training
from fgir.specs import canonical
from fgir.study import Run, Setting, Study, address
from fgir.utils.errors import FgirError
from fgir.workflow import inputs
from fgir.workflow.estimate import Estimates
from fgir.workflow.plan import evaluation_rule
from fgir.workflow.specs import Specs


class Sending(NamedTuple):
    """A run that is to be sent."""

    run: Run
    job: SentRun
    trains: bool
    """False where it is trained already, and only evaluations are left."""
    work: list[str]
    """Its steps as `fgir jobs` names those of the workflow: train letters net cal 64 1."""
    minutes: int
    megabytes: int

    @property
    def evaluations(self) -> int:
        """How many evaluations are left."""
        return sum(len(one.metrics) for one in self.job.evaluations)

    @property
    def files(self) -> list[str]:
        """What it is to make."""
        trained = self.job.training.files if self.trains else ()
        return [*trained, *(file for one in self.job.evaluations for file in one.files)]

    def missing(self) -> list[str]:
        """Return the inputs that are not there."""
        given = self.job.training
        trained_of = [given.split, given.weights, given.images, *filter(None, [given.best])] if self.trains else []
        read = trained_of + [path for one in self.job.evaluations for path in (one.split, one.images)]
        return [path for path in dict.fromkeys(read) if not Path(path).exists()]


class Planner:
    """Plans the runs of a study."""

    def __init__(self, study: Study, threads: int) -> None:
        self.study, self.threads = study, threads
        self.specs = Specs(study)
        self.estimates = Estimates(self.specs)

    def sending(self, run: Run, test_sizes: list[int]) -> Sending | None:
        """Return what is left of a run and its evaluations at these sizes; None where all of it is done.

        FgirError where the run is there, but was trained with other options than the study's: what is done is
        Snakemake's to judge and to replace.
        """
        training = self._training(run)
        evaluations = {size: self._evaluation(run, size) for size in test_sizes}
        left = [size for size, one in evaluations.items() if not one.is_done(training)]
        trains = not training.is_done()
        if not trains:
            _check_trained_so(training)
        if not trains and not left:
            return None
        job = SentRun(training, [evaluations[size] for size in left], self.threads)
        megabytes = self.estimates.megabytes(run.dataset, run.backbone, run.regime)
        return Sending(run, job, trains, self._work(run, trains, left), self._minutes(run, trains, left), megabytes)

    def _training(self, run: Run) -> Training:
        study = self.study
        paths = inputs.training_inputs(study, run.dataset, run.backbone, run.train_size)
        return Training(
            spec=canonical(self.specs.run(run)),
            **paths,
            best=inputs.searched_best(study, *run[:4]),
            work=f"{study.work}/{address.fill(address.RUN, run)}",
            out=self._result(address.RUN, run),
            files=tuple(self._result(file, run) for file in (address.MODEL, address.HISTORY, address.TRAIN)),
        )

    def _evaluation(self, run: Run, test_size: int) -> Evaluation:
        metrics, predictions = (
            tuple(self._result(file, run, setting=setting, test_size=test_size) for setting in self._settings(run))
            for file in (address.METRICS, address.PREDICTIONS)
        )
        return Evaluation(
            spec=canonical(self.specs.evaluation(run, test_size)),
            **inputs.image_inputs(self.study, run.dataset, test_size),
            run=self._result(address.RUN, run),
            settings=tuple(self._settings(run)),
            metrics=metrics,
            files=metrics + predictions,
        )

    def _settings(self, run: Run) -> list[Setting]:
        return self.study.settings_of(run.regime)

    def _work(self, run: Run, trains: bool, test_sizes: list[int]) -> list[str]:
        rule, (*names, seed) = evaluation_rule(self._settings(run)), run
        steps: list[tuple[object, ...]] = [("train", *run)] if trains else []
        steps += [(rule, *names, size, seed) for size in test_sizes]
        return [" ".join(map(str, step)) for step in steps]

    def _minutes(self, run: Run, trains: bool, test_sizes: list[int]) -> int:
        """Return the time of all steps, which come one after the other, as the workflow's jobs of a run share an
        allocation.
        """
        minutes = self.estimates.minutes("train", *run[:4]) if trains else 0
        kind = self._settings(run)[0]
        return minutes + sum(
            self.estimates.minutes("evaluation", run.dataset, run.backbone, kind, size) for size in test_sizes
        )

    def _result(self, pattern: str, *records: NamedTuple, **more: int | str) -> str:
        return f"{self.study.results}/{address.fill(pattern, *records, **more)}"


def _check_trained_so(training: Training) -> None:
    """Raise FgirError where the weights that are there say that they come of another spec."""
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
