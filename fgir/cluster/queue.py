"""Show the jobs of this checkout that are queued, running or failed, each with its work and its log's last line."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from fgir.cluster import records
from fgir.cluster.run_log import LastRun, Step, last_run
from fgir.utils import slurm
from fgir.utils.errors import FgirError
from fgir.utils.progress import inform, lasted

LOGS = Path("logs/slurm")
_TARGETS = re.compile(r"--target-jobs (.*?) --")
_RULE_LOG = re.compile(r"^\s*log: (\S+)", re.MULTILINE)
_DONE = re.compile(r"\(100%\) done\n(Storing output in storage\.\n)?Elapsed time: .*\s*\Z")
_HEAD = 65536
# Seconds that a job that is ended has to write to the log of its step, after Slurm wrote to the job's own.
_LAST_WORDS = 40
_LOGS_NAMED = 5
# Slurm and submitit add such lines to a log; the job's own line before them says more.
_SAYS_LITTLE = ("submitit ", "srun: ")


class Shown(NamedTuple):
    """Hold a line of `fgir jobs`."""

    number: str
    state: str
    """PENDING, RUNNING, …; FAILED if it has ended badly; UNKNOWN if its cluster does not answer."""
    minutes: str
    work: list[str]
    """The rule and the wildcards of each of its steps."""
    last_line: str
    log: Path | None


class Queue(NamedTuple):
    """Hold the jobs of a folder."""

    shown: list[Shown]
    """Those alive, then those that failed, newest first."""
    silent: list[str]
    """The errors of clusters that did not answer, whose jobs are missing here."""
    run: LastRun | None
    """Snakemake's last run on this machine."""


def jobs(folder: Path, clusters: Iterable[str] = ()) -> Queue:
    """Return the suite's jobs that were started in ``folder``: here, on Slurm or on its other ``clusters``."""
    queued, silent = _queued(folder, {*clusters, *(record.cluster for record in records.all_of(folder))})
    sent = records.alive(folder, queued)
    logs = {path.stem: path for path in (folder / LOGS).rglob("*.log")}
    shown = []
    for job in queued:
        record = next((record for record in sent if record.is_among([job])), None)
        if record:
            sent.remove(record)
            shown.append(_sent(record, job.state, job.minutes, job.reason))
        else:
            shown.append(_shown(job.number, job.state, job.minutes, logs.get(job.number), folder, job))
    shown += [_sent(record, "RUNNING", record.age()) for record in sent]
    run = last_run(folder)
    shown += [_of_run(step) for step in run.steps if step.state == "RUNNING"] if run else []
    shown += [_sent(record, "UNKNOWN", "") for record in records.all_of(folder) if record.is_on(silent.keys())]
    dead = [_sent(record, "FAILED", "") for record in records.failed(folder, queued, silent.keys())]
    # Snakemake deletes the logs of successful jobs, but only when it next asks for their status.
    numbers = {job.number for job in queued}
    ended = sorted((path for number, path in logs.items() if number not in numbers), key=_age) if not silent else []
    dead += [_shown(path.stem, "FAILED", "", path, folder) for path in ended if not _is_over(path, folder)]
    dead += [_of_run(step) for step in run.steps if step.state in ("FAILED", "STOPPED")] if run else []
    for failed in dead:
        # Work that another job has taken up has not failed yet, and only the last failure of any work counts.
        if failed.work not in [job.work for job in shown]:
            shown.append(failed)
    return Queue(shown, list(silent.values()), run)


def _queued(folder: Path, clusters: Iterable[str]) -> tuple[list[slurm.Job], dict[str, str]]:
    """Return Slurm's queued jobs, and the error of each cluster that does not answer."""
    found: list[slurm.Job] = []
    silent: dict[str, str] = {}
    for cluster in slurm.asked(clusters) if slurm.is_here() else []:
        try:
            found += slurm.queued_on(cluster, folder)
        except FgirError as error:
            silent[cluster] = str(error)
    return found, silent


def _of_run(step: Step) -> Shown:
    log = step.log if step.log and step.log.exists() else None
    return Shown(step.number, step.state, lasted(step.seconds), [step.work], _last_line(log) if log else "", log)


def _sent(record: records.Record, state: str, minutes: str, reason: str = "") -> Shown:
    log = record.log if record.log.exists() else None
    return Shown(record.number, state, minutes, record.work, (_last_line(log) if log else "") or reason, log)


def _shown(
    number: str, state: str, minutes: str, log: Path | None, folder: Path, job: slurm.Job | None = None
) -> Shown:
    text = _head(log) if log else ""
    work = _work(text) or ([job.comment] if job else [])
    line = next(filter(None, (_last_line(path) for path in _last_logs(text, folder, log))), job.reason if job else "")
    return Shown(number, state, minutes, work, line, log)


def _is_over(log: Path, folder: Path) -> bool:
    """Say whether the job that wrote this log ended well, or another has worked on its steps since."""
    if _DONE.search(_tail(log)):
        return True
    steps = (folder / name for name in _RULE_LOG.findall(_head(log)))
    return any(_age(step) < _age(log) - _LAST_WORDS for step in steps if step.exists())


def _work(text: str) -> list[str]:
    """Return the steps of a job, from the command at the top of its log: train cub resnet101 cal 224 1."""
    found = _TARGETS.search(text)
    if found is None:
        return []
    steps = (target.partition(":") for target in found[1].split())
    return [" ".join([rule, *(pair.partition("=")[2] for pair in pairs.split(","))]) for rule, _, pairs in steps]


def _last_logs(text: str, folder: Path, log: Path | None) -> Iterator[Path]:
    """Yield the logs in which to look for the last line: those of its steps, the last one first, then the job's own."""
    named = [folder / name for name in _RULE_LOG.findall(text)]
    yield from sorted((path for path in named if path.exists()), key=_age)
    if log:
        yield log


def _age(path: Path) -> float:
    return -path.stat().st_mtime


def _head(path: Path) -> str:
    with path.open(errors="replace") as file:
        return file.read(_HEAD)


def _tail(path: Path) -> str:
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 4096))
        return file.read().decode(errors="replace")


def _last_line(path: Path) -> str:
    # A progress bar overwrites its line; the last version counts.
    lines = [line.rsplit("\r", 1)[-1].strip() for line in _tail(path).splitlines()]
    printed = [line for line in lines if line]
    return next(
        (line for line in reversed(printed) if not line.startswith(_SAYS_LITTLE)), printed[-1] if printed else ""
    )


def print_jobs(folder: Path, clusters: Iterable[str] = ()) -> None:
    """Print the jobs of ``folder`` as a table, and where to look next."""
    from rich.console import Console
    from rich.table import Table

    shown, silent, run = jobs(folder, clusters)
    table = Table(box=None, pad_edge=False, expand=True)
    for name in ("job", "state", "time", "work"):
        table.add_column(name, no_wrap=True)
    table.add_column("last line of its log", overflow="ellipsis", no_wrap=True, ratio=1, min_width=20)
    for job in shown:
        table.add_row(job.number, job.state, job.minutes, "\n".join(job.work), job.last_line)
    console = Console()
    if shown:
        console.print(table)
    elif not silent:
        console.print("Nothing is queued, running or failed in this folder.")
    for sentence in silent:
        inform(sentence)
    if run:
        console.print(run.summary(), soft_wrap=True)
    elif not shown:
        console.print("Next: fgir check, then snakemake all --profile profiles/local --dry-run", soft_wrap=True)
    logs = [job.log for job in shown if job.state in ("FAILED", "STOPPED") and job.log]
    if logs:
        console.print("Failed jobs are tried again by the same snakemake or fgir submit command. Whole logs:")
        for log in logs[:_LOGS_NAMED]:
            inside = log.is_relative_to(folder)
            console.print(f"  {log.relative_to(folder) if inside else log}", markup=False, soft_wrap=True)
