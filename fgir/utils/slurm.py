"""Ask Slurm, by its commands, about this process's job and this user's jobs."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from fgir.utils.errors import FgirError

# The first part of the name of every job that the suite submits: of the profile's jobname-prefix and of fgir submit.
NAME = "fgir"
# Snakemake's plugin, where it starts within a job, forgets the job; what it submits is no part of it.
_STARTED_IN = os.environ.get("SLURM_JOB_ID")
_ENDED = ("", "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE")


class Job(NamedTuple):
    """Describe a job of the queue."""

    number: str
    """The job's number; that of an array's task has its index: 12_3."""
    state: str
    """PENDING, RUNNING, COMPLETING, …"""
    name: str
    minutes: str
    """Time it has run, as Slurm writes it."""
    reason: str
    """The reason why it waits, or the nodes it runs on."""
    comment: str
    """The rule and its wildcards."""
    folder: Path
    """The folder in which it was submitted."""
    cluster: str = ""
    """The name of its cluster; empty: this machine's."""


def is_here() -> bool:
    """Say whether Slurm's commands are on this machine."""
    return shutil.which("squeue") is not None


def own_job() -> str | None:
    """Return the number of the Slurm job that this process is part of; None outside of jobs."""
    return os.environ.get("SLURM_JOB_ID")


def own_nodes() -> int:
    """Return the number of nodes of this process's Slurm job. (The environment has only those of its step.)

    Raises FgirError if Slurm does not answer.
    """
    lines = _run("squeue", "--noheader", "--jobs", own_job() or "", "--format", "%D")
    if not lines:
        raise FgirError(f"Slurm does not say how many nodes job {own_job()} has (squeue); run it again.")
    return int(lines[0])


def queued(folder: Path | None = None, clusters: Iterable[str] = ()) -> list[Job]:
    """Return this user's jobs of the suite that have not ended, those of ``folder`` if it is given.

    They are those of this machine's cluster and of the other ``clusters``, without the job that this process is part
    of. Raises FgirError if Slurm does not answer, which must not be taken for an empty queue.
    """
    return [job for cluster in asked(clusters) for job in queued_on(cluster, folder)]


def asked(clusters: Iterable[str]) -> list[str]:
    """Return the clusters to ask: that of this machine, as an empty name, and the others that are named.

    SLURM_CLUSTERS, by which a user chooses clusters for all commands, counts as named.
    """
    named = _names(*clusters, os.environ.get("SLURM_CLUSTERS", ""))
    return ["", *sorted(named - {home()})] if named else [""]


def home() -> str:
    """Return the name of this machine's cluster; empty if Slurm does not say it."""
    lines = (line.partition("=") for line in _run("scontrol", "show", "config"))
    return next((value.strip() for key, _, value in lines if key.strip() == "ClusterName"), "")


def queued_on(cluster: str, folder: Path | None = None) -> list[Job]:
    """Return the jobs of one cluster as ``queued`` does."""
    keys = ("%i", "%T", "%j", "%M", "%R", "%k", "%Z", "%A")
    command = ["squeue", *_on(cluster), "--me", "--array", "--noheader", "--states=all", "--format", "\x1f".join(keys)]
    found = []
    for line in _answer(command):
        if line.count("\x1f") != len(keys) - 1:
            continue
        number, state, name, minutes, reason, comment, where, raw = line.split("\x1f")
        if state not in _ENDED and name.startswith(NAME) and not _is_own(raw, cluster):
            found.append(Job(number, state, name, minutes, reason, comment, Path(where), cluster))
    return [job for job in found if folder is None or job.folder.resolve() == folder.resolve()]


def elsewhere(clusters: str) -> str:
    """Return names of clusters (a,b) with this machine's as an empty name, as in ``Job.cluster``."""
    here = home() if clusters else ""
    return ",".join("" if name.strip() == here else name.strip() for name in clusters.split(","))


def scancel(jobs: Sequence[Job]) -> str:
    """Return the command that ends these jobs."""
    of_cluster: dict[str, list[str]] = {}
    for job in jobs:
        of_cluster.setdefault(job.cluster, []).append(job.number)
    return "; ".join(shlex.join(["scancel", *_on(cluster), *numbers]) for cluster, numbers in of_cluster.items())


def check_is_asked(command: str | None, clusters: Iterable[str]) -> None:
    """Raise FgirError if the status ``command`` of Snakemake's profile would not see jobs of other clusters end."""
    # The plugin's squeue follows SLURM_CLUSTERS as any does.
    others = _names(*clusters) - _names(os.environ.get("SLURM_CLUSTERS", ""))
    others -= {home()} if others else set()
    if command == "squeue" and others:
        raise FgirError(
            "Snakemake asks squeue for the status of its jobs, which does not show those on "
            f"{', '.join(sorted(others))}; write slurm-status-command: sacct in the profile, which asks all clusters."
        )


def _names(*texts: str) -> set[str]:
    """Return the names in texts that separate them by commas."""
    return {name.strip() for text in texts for name in text.split(",")} - {""}


def _on(cluster: str) -> list[str]:
    return [f"--clusters={cluster}"] if cluster else []


def _is_own(raw: str, cluster: str) -> bool:
    return raw in (own_job(), _STARTED_IN) and cluster == ""


def _answer(command: list[str]) -> list[str]:
    """Return the lines that a command prints. Raises FgirError if it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "SLURM_CLUSTERS"}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FgirError(f"Slurm does not say what is queued ({error}); try again.") from None
    if done.returncode:
        # The last line gives the reason; the lines before it, the places where Slurm looked in vain.
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise FgirError(f"Slurm does not say what is queued ({shlex.join(command[:2])}: {said}); try again.")
    return done.stdout.splitlines()


def requeue_own_job() -> bool:
    """Ask Slurm to stop this process's job and to start it again; return False if it does not."""
    number = own_job()
    if number is None or shutil.which("scontrol") is None:
        return False
    done = subprocess.run(["scontrol", "requeue", number], capture_output=True, text=True, check=False)
    return done.returncode == 0


def _run(*command: str) -> list[str]:
    """Return the lines that a command prints; none if it fails, as squeue does for a job that is long over."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.splitlines() if done.returncode == 0 else []
