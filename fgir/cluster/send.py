"""Send runs by submitit: to Slurm as one array, or to this machine, a few at a time."""

import os
import platform
import shutil
import signal
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from submitit import AutoExecutor
from submitit.core.utils import FailedJobError, FailedSubmissionError
from submitit.local.local import LocalExecutor, LocalJob

from fgir.cluster.plan import Sending
from fgir.cluster.records import Record, forget, new_folder, note
from fgir.cluster.site import Site
from fgir.distributed.environment import as_if_outside_of_jobs
from fgir.utils import slurm
from fgir.utils.errors import FgirError
from fgir.utils.machine import count_gpus
from fgir.utils.progress import inform
from fgir.utils.words import counted

# A run may reach its time limit, which is twice its estimate, this often: one that needs more will never end.
_TIMEOUTS = 10
# One machine needs no time limit, but submitit does: a year.
_NO_LIMIT = 365 * 24 * 60


def send_to_slurm(sendings: list[Sending], site: Site, parallel: int, folder: Path) -> list[Record]:
    """Submit the runs as one array, at most ``parallel`` of them at a time; each gets what the largest needs.

    Raises FgirError with Slurm's words if Slurm refuses them.
    """
    made = new_folder(folder)
    executor = AutoExecutor(folder=made, cluster="slurm", slurm_max_num_timeout=_TIMEOUTS)
    executor.update_parameters(
        name=f"{slurm.NAME}-submit",
        timeout_min=max(sending.minutes for sending in sendings),
        slurm_array_parallelism=parallel,
        stderr_to_stdout=True,
        **site.parameters(),
        **site.memory(max(sending.megabytes for sending in sendings)),
    )
    try:
        with as_if_outside_of_jobs():
            jobs = executor.submit_array([sending.job for sending in sendings])
    except (FailedJobError, FailedSubmissionError, OSError) as error:
        shutil.rmtree(made)
        who = "Nothing was sent" if isinstance(error, OSError) else "Slurm did not take the runs"
        raise FgirError(f"{who}: {_one_line(error)}") from None
    cluster = slurm.elsewhere(site.clusters)
    try:
        return [_note(made, job.job_id, "slurm", sending, cluster) for job, sending in zip(jobs, sendings, strict=True)]
    except (FgirError, OSError) as error:
        # Without their notes fgir jobs would not show them.
        for job in jobs:
            job.cancel(check=False)
        number, why = jobs[0].job_id.partition("_")[0], _one_line(error).rstrip(".")
        raise FgirError(f"{why}. Slurm's job {number} has been cancelled; run the command again.") from None


def run_here(sendings: list[Sending], parallel: int, folder: Path) -> None:
    """Run the runs on this machine, at most ``parallel`` at a time, until all have ended; print a line for each.

    Raises FgirError at the end if some failed, and at Ctrl-C or SIGTERM once the running ones have saved their state.
    """
    waiting, bad = deque(sendings), 0
    running: dict[int, tuple[LocalJob[None], Record]] = {}
    places = _places(parallel)
    made = new_folder(folder)
    with _ended_by_sigterm():
        try:
            while waiting or running:
                while waiting and len(running) < parallel:
                    place = next(place for place in range(parallel) if place not in running)
                    running[place] = _start(waiting.popleft(), places[place], made)
                time.sleep(0.2)
                for place in [place for place, (job, _) in running.items() if job.done()]:
                    bad += not _say_end(running.pop(place)[1], len(sendings) - len(waiting) - len(running), sendings)
        except KeyboardInterrupt:
            _end([job for job, _ in running.values()])
            raise FgirError("Stopped; trainings have saved their state, and the same command resumes them.") from None
    if bad:
        raise FgirError(f"{bad} of {counted(len(sendings), 'run')} failed; fgir jobs shows where.")


def _note(made: Path, number: str, executor: Any, sending: Sending, cluster: str = "") -> Record:
    out = sending.job.training.out
    file = made / f"{number}.json"
    return note(Record(number, executor, platform.node(), sending.work, out, sending.files, file, cluster))


def _start(sending: Sending, gpus: list[int], made: Path) -> tuple[LocalJob[None], Record]:
    executor = LocalExecutor(made)
    executor.update_parameters(
        timeout_min=_NO_LIMIT, stderr_to_stdout=True, gpus_per_node=len(gpus), visible_gpus=tuple(gpus)
    )
    # Ctrl-C reaches every process of the terminal. Only this one is to receive it, and to warn the others.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        job: Any = executor.submit(sending.job)
    finally:
        signal.signal(signal.SIGINT, before)
    return job, _note(made, job.job_id, "local", sending)


def _say_end(record: Record, done: int, sendings: list[Sending]) -> bool:
    """Print how a run ended, and forget it if it ended well; return whether it did."""
    well = record.ended_well(Path.cwd())
    inform(f"{done} of {len(sendings)} {'done' if well else 'FAILED'} after {record.age()}: {record.work[0]}")
    if well:
        forget(record)
    else:
        inform(f"  its log: {record.log}")
    return well


def _end(jobs: list[LocalJob[None]]) -> None:
    inform("Stopping: the running trainings save their state …")
    for job in jobs:
        if not job.done():
            os.kill(int(job.job_id), signal.SIGTERM)
    while not all(job.done() for job in jobs):
        time.sleep(0.1)


def _places(parallel: int) -> list[list[int]]:
    """Return a GPU for each place, those of CUDA_VISIBLE_DEVICES in turn; no GPUs if there are none."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    try:
        gpus = list(range(count_gpus())) if visible is None else [int(word) for word in visible.split(",") if word]
    except ValueError:
        raise FgirError(f"CUDA_VISIBLE_DEVICES is {visible}; set it to numbers of GPUs, such as 0,1.") from None
    return [[gpus[place % len(gpus)]] if gpus else [] for place in range(parallel)]


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Make SIGTERM act as Ctrl-C while entered."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
