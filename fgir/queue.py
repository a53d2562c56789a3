"""What this checkout has in Slurm's queue and what failed there: for each job the last line of its log."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fgir import slurm
from fgir.errors import FgirError

LOGS = Path("logs/slurm")
_TARGETS = re.compile(r"--target-jobs (.*?) --")
_RULE_LOG = re.compile(r"^\s*log: (\S+)", re.MULTILINE)
_HEAD = 65536


class Shown(NamedTuple):
    """A line of `fgir jobs`."""

    number: str
    state: str
    """PENDING, RUNNING, …; FAILED where the job has ended and its log was kept."""
    minutes: str
    work: list[str]
    """What it does: rule and wildcards of each of its steps."""
    last_line: str
    log: Path | None


def jobs(folder: Path) -> list[Shown]:
    """The jobs of the suite that were submitted in ``folder``: those alive, then those that failed, newest first.

    Slurm's logs of successful jobs are deleted, so a log without a job is one of a job that ended badly.
    """
    logs = {path.stem: path for path in (folder / LOGS).rglob("*.log")}
    alive = slurm.queued(folder)
    shown = [_shown(job.number, job.state, job.minutes, logs.get(job.number), folder, job) for job in alive]
    numbers = {job.number for job in alive}
    dead = sorted((path for number, path in logs.items() if number not in numbers), key=_age)
    for path in dead:
        failed = _shown(path.stem, "FAILED", "", path, folder)
        # What another job is at again has not failed yet, and of several failures the last counts.
        if failed.work not in [job.work for job in shown]:
            shown.append(failed)
    return shown


def _shown(
    number: str, state: str, minutes: str, log: Path | None, folder: Path, job: slurm.Job | None = None
) -> Shown:
    text = _head(log) if log else ""
    work = _work(text) or ([job.comment] if job else [])
    line = next(filter(None, (_last_line(path) for path in _told_in(text, folder, log))), job.reason if job else "")
    return Shown(number, state, minutes, work, line, log)


def _work(text: str) -> list[str]:
    """The steps of a job, from the command at the top of its log: train cub resnet101 cal 224 1."""
    found = _TARGETS.search(text)
    if found is None:
        return []
    steps = (target.partition(":") for target in found[1].split())
    return [" ".join([rule, *(pair.partition("=")[2] for pair in pairs.split(","))]) for rule, _, pairs in steps]


def _told_in(text: str, folder: Path, log: Path | None) -> Iterator[Path]:
    """Where the last word stands: the log of the last step that was begun, else the job's own."""
    named = [folder / name for name in _RULE_LOG.findall(text)]
    yield from sorted((path for path in named if path.exists()), key=_age)
    if log:
        yield log


def _age(path: Path) -> float:
    return -path.stat().st_mtime


def _head(path: Path) -> str:
    with path.open(errors="replace") as file:
        return file.read(_HEAD)


def _last_line(path: Path) -> str:
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 4096))
        text = file.read().decode(errors="replace")
    # A progress bar writes over its line again and again: what stands there last is what counts.
    lines = [line.rsplit("\r", 1)[-1].strip() for line in text.splitlines()]
    return next((line for line in reversed(lines) if line), "")


def print_jobs(folder: Path) -> None:
    """Print the jobs of ``folder`` as a table, and where to look next; FgirError where there is no Slurm."""
    from rich.console import Console
    from rich.table import Table

    if not slurm.is_here():
        raise FgirError("Slurm's commands are not on this machine (no squeue); run it on a login node of the cluster.")
    shown = jobs(folder)
    table = Table(box=None, pad_edge=False, expand=True)
    for name in ("job", "state", "time", "work"):
        table.add_column(name, no_wrap=True)
    table.add_column("last line of its log", overflow="ellipsis", no_wrap=True, ratio=1, min_width=20)
    for job in shown:
        table.add_row(job.number, job.state, job.minutes, "\n".join(job.work), job.last_line)
    console = Console()
    if not shown:
        console.print("No jobs of this folder in Slurm's queue, and none that failed.")
        return
    console.print(table)
    if any(job.state == "FAILED" for job in shown):
        console.print(f"Whole logs: {LOGS}/*/<job>.log; failed jobs are tried again by the same snakemake command.")
