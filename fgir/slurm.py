"""Slurm as the suite needs it: the job that this process is part of, and the jobs of this user, by Slurm's commands."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from fgir.errors import FgirError

# The first part of the name of every job that the suite submits: of the profile's jobname-prefix and of fgir submit.
NAME = "fgir"
_ENDED = ("", "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE")


class Job(NamedTuple):
    """A job of the queue."""

    number: str
    """Of a task of an array, with its index: 12_3."""
    state: str
    """PENDING, RUNNING, COMPLETING, …"""
    name: str
    minutes: str
    """Time it has run, as Slurm writes it."""
    reason: str
    """Why it waits, or the nodes it runs on."""
    comment: str
    """What it does: the rule and its wildcards."""
    folder: Path
    """Where it was submitted."""


def is_here() -> bool:
    """Are Slurm's commands on this machine?"""
    return shutil.which("squeue") is not None


def own_job() -> str | None:
    """The number of the Slurm job that this process is part of."""
    return os.environ.get("SLURM_JOB_ID")


def own_nodes() -> int:
    """How many nodes the Slurm job has that this process is part of; what a step's environment says is of the step.

    FgirError where Slurm does not answer.
    """
    lines = _run("squeue", "--noheader", "--jobs", own_job() or "", "--format", "%D")
    if not lines:
        raise FgirError(f"Slurm does not say how many nodes job {own_job()} has (squeue); run it again.")
    return int(lines[0])


def queued(folder: Path | None = None) -> list[Job]:
    """This user's jobs of the suite that have not ended; of one folder, where it is given."""
    keys = ("%i", "%T", "%j", "%M", "%R", "%k", "%Z")
    lines = _run("squeue", "--me", "--array", "--noheader", "--states=all", "--format", "\x1f".join(keys))
    rows = (line.split("\x1f") for line in lines if line.count("\x1f") == len(keys) - 1)
    jobs = [
        Job(number, state, name, minutes, reason, comment, Path(where))
        for number, state, name, minutes, reason, comment, where in rows
    ]
    alive = (job for job in jobs if job.state not in _ENDED and job.name.startswith(NAME))
    return [job for job in alive if folder is None or job.folder.resolve() == folder.resolve()]


def requeue_own_job() -> bool:
    """Ask Slurm to stop this process's job and to start it again; False where it does not."""
    number = own_job()
    if number is None or shutil.which("scontrol") is None:
        return False
    done = subprocess.run(["scontrol", "requeue", number], capture_output=True, text=True, check=False)
    return done.returncode == 0


def _run(*command: str) -> list[str]:
    """The lines that a command prints; none where it fails, as squeue does for a job that is forgotten."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.splitlines() if done.returncode == 0 else []
