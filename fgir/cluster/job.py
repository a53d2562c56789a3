"""What is sent: one run, a training with its evaluations, that a scheduler may stop and start again at any moment."""

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
    """The arguments of the rule train: its spec as JSON, and paths."""

    spec: str
    split: str
    weights: str
    images: str
    best: str | None
    work: str
    out: str
    files: tuple[str, ...]
    """What it writes."""

    def is_done(self) -> bool:
        """Say whether all its files are there."""
        return all(Path(file).exists() for file in self.files)


class Evaluation(NamedTuple):
    """The arguments of the rules evaluate and evaluate_both: the spec as JSON, and paths."""

    spec: str
    split: str
    images: str
    run: str
    settings: tuple[Setting, ...]
    metrics: tuple[str, ...]
    """Of each of the settings."""
    files: tuple[str, ...]
    """What it writes, those among it."""

    def is_done(self, training: Training) -> bool:
        """Say whether all its files are there, and of this training rather than of one before it."""
        if not training.is_done() or not all(Path(file).exists() for file in self.files):
            return False
        trained = max(Path(file).stat().st_mtime for file in training.files)
        return all(Path(file).stat().st_mtime >= trained for file in self.files)


class SentRun(Checkpointable):
    """Trains a run and evaluates it, by the functions of the rules and into their files.

    The state of a training is in its work folder, so that ``checkpoint`` (of Checkpointable) sends the same once more:
    what was written is left alone, and the training goes on from its state.
    """

    def __init__(self, training: Training, evaluations: list[Evaluation], threads: int) -> None:
        self.training, self.evaluations, self.threads = training, evaluations, threads

    def __call__(self) -> None:
        """Make what is missing of the run's files; ends the process where it cannot, or is asked to stop."""
        if JobEnvironment().cluster == "local":
            # submitit passes over this signal, which on one machine is the user's wish to end.
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
    """Come back later, or wait to be ended, once the state is saved. ``given`` is the signal that the training took.

    The training's own handler has taken the signal; now submitit's, which asks Slurm to start the job again, has its
    turn. SIGTERM says less: a job that is cancelled gets it, and must not come back, but that one is killed soon after;
    one that lives on is to be preempted.
    """
    if given == "SIGTERM":
        if JobEnvironment().cluster == "local":
            return
        time.sleep(_SECONDS_TO_BE_STOPPED)
    signal.raise_signal(signal.Signals[f"SIG{JobEnvironment.USR_SIG}"])
    # Only the first of several processes asks.
    time.sleep(_SECONDS_TO_BE_STOPPED)
