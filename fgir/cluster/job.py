"""Train and evaluate one run as a job that a scheduler may stop and start again at any moment."""

import signal
import sys
import time
from pathlib import Path
from typing import NamedTuple

from submitit import JobEnvironment
from submitit.helpers import Checkpointable

from fgir.specs import EvaluationSpec, RunSpec, parse
from fgir.study import Setting
from fgir.utils.errors import FgirError
from fgir.utils.signals import EXIT_CODE, Interrupted
from fgir.utils.threads import use_threads

# Slurm stops a job that it starts again, or that is cancelled, within KillWait: 30 s unless the site says otherwise.
_SECONDS_TO_BE_STOPPED = 120


class Training(NamedTuple):
    """Hold the arguments of the rule train: its spec as JSON, and paths."""

    spec: str
    split: str
    weights: str
    images: str
    best: str | None
    work: str
    out: str
    files: tuple[str, ...]
    """The files that it writes."""

    def is_done(self) -> bool:
        """Say whether all its files exist."""
        return all(Path(file).exists() for file in self.files)


class Evaluation(NamedTuple):
    """Hold the arguments of the rules evaluate and evaluate_both: the spec as JSON, and paths."""

    spec: str
    split: str
    images: str
    run: str
    settings: tuple[Setting, ...]
    metrics: tuple[str, ...]
    """A file for each setting."""
    files: tuple[str, ...]
    """The files that it writes, those of the metrics included."""

    def is_done(self, training: Training) -> bool:
        """Say whether all its files exist and are newer than the training's."""
        if not training.is_done() or not all(Path(file).exists() for file in self.files):
            return False
        trained = max(Path(file).stat().st_mtime for file in training.files)
        return all(Path(file).stat().st_mtime >= trained for file in self.files)


class SentRun(Checkpointable):
    """Train a run and evaluate it, by the functions of the rules and into their files.

    The state of a training is in its work folder, so that ``checkpoint`` (of Checkpointable) sends the same job again:
    it leaves alone what is written, and the training resumes from its state.
    """

    def __init__(self, training: Training, evaluations: list[Evaluation], threads: int) -> None:
        self.training, self.evaluations, self.threads = training, evaluations, threads

    def __call__(self) -> None:
        """Make the missing files of the run; end the process if it cannot, or if it is warned."""
        if JobEnvironment().cluster == "local":
            # submitit ignores this signal. On one machine it means that the user wants to end.
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_CODE))
        try:
            self._make()
        except Interrupted as reason:
            print(reason, file=sys.stderr, flush=True)
            _stop(reason.signal)
            sys.exit(EXIT_CODE)
        except FgirError as error:
            sys.exit(f"fgir submit: {error}")

    def _make(self) -> None:
        from fgir.distributed import world

        # submitit's own step: its tasks are this run's processes.
        with world.joined(JobEnvironment().num_tasks):
            first = world.rank() == 0
            workers = use_threads(max(1, self.threads // world.processes_here()))
            if not self.training.is_done():
                self._train(workers)
        for evaluation in self.evaluations if first else []:
            if not evaluation.is_done(self.training):
                self._evaluate(evaluation, workers)

    def _train(self, workers: int) -> None:
        from fgir.training.train import Inputs, train_run

        given = self.training
        split, weights, images, work = map(Path, (given.split, given.weights, given.images, given.work))
        inputs = Inputs(split, weights, images, work, workers, JobEnvironment().paths.stdout)
        train_run(parse(RunSpec, given.spec), inputs, Path(given.best) if given.best else None, Path(given.out))

    def _evaluate(self, given: Evaluation, workers: int) -> None:
        from fgir.evaluation.evaluate import evaluate

        run, split, images = map(Path, (given.run, given.split, given.images))
        metrics = dict(zip(given.settings, map(Path, given.metrics), strict=True))
        evaluate(parse(EvaluationSpec, given.spec), metrics, run, split, images, workers)


def _stop(given: str) -> None:
    """Ask to be started again, or wait to be ended, once the state is saved. ``given`` is the signal received.

    The training's own handler has taken the signal; this raises it again for submitit's, which asks Slurm to start the
    job again. After SIGTERM it waits first: a job that is cancelled must not come back, and Slurm kills it soon. A job
    that lives on is being preempted.
    """
    if given == "SIGTERM":
        if JobEnvironment().cluster == "local":
            return
        time.sleep(_SECONDS_TO_BE_STOPPED)
    signal.raise_signal(signal.Signals[f"SIG{JobEnvironment.USR_SIG}"])
    # Only rank 0 asks; the others wait.
    time.sleep(_SECONDS_TO_BE_STOPPED)
