"""Run the stages that train: alone or by processes together, warned by a scheduler and started again."""

import argparse
import sys
import time
from collections.abc import Callable

from fgir.distributed.group import check_batch, started_together
from fgir.distributed.launch import launch
from fgir.specs import RunSpec
from fgir.utils.signals import EXIT_CODE, Interrupted, listen
from fgir.utils.slurm import requeue_own_job
from fgir.utils.threads import use_threads

# Slurm stops a job that it starts again within KillWait, 30 s unless the site says otherwise.
_SECONDS_TO_BE_STOPPED = 120


def resumable(run: RunSpec, train: Callable[[int], None], given: argparse.Namespace) -> None:
    """Train, alone or by processes together; after a warning ask to be started again, and exit with EXIT_CODE."""
    listen()
    if given.processes > 1 and started_together() == 1:
        check_batch(run.training.batch_size, run.pairs, given.processes)
        code, warned = launch(given.processes, given.threads, sys.argv[1:])
    else:
        code, warned = _train_here(train, given.threads)
    # SIGTERM may mean that somebody ends the job; the other signals are warnings, after which it should come back.
    if warned and warned != "SIGTERM" and requeue_own_job():
        print("Slurm was asked to start this job again.", file=sys.stderr)
        time.sleep(_SECONDS_TO_BE_STOPPED)
    if code:
        sys.exit(code)


def _train_here(train: Callable[[int], None], threads: int) -> tuple[int, str | None]:
    from fgir.distributed import world

    with world.joined(started_together()):
        workers = use_threads(max(1, threads // world.processes_here()))
        try:
            train(workers)
        except Interrupted as reason:
            if world.rank() == 0:
                print(reason, file=sys.stderr)
            # If processes train together, the process that started them asks for the restart, once.
            return EXIT_CODE, reason.signal if world.size() == 1 else None
    return 0, None
