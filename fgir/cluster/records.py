"""What was sent: beside submitit's files of each job a note of what it does, in logs/submitit/<time>/<job>.json.

A job that is neither queued nor running has ended well if the files that it was to make are there; then its note and
its log go. The pickled results of submitit are never read.
"""

import json
import os
import platform
import shutil
import time
from collections.abc import Collection, Iterable, Set
from pathlib import Path
from typing import Literal, NamedTuple

from fgir.utils import slurm
from fgir.utils.files import replacing
from fgir.utils.progress import lasted

LOGS = Path("logs/submitit")


class Record(NamedTuple):
    """A job that was sent."""

    number: str
    """Slurm's, with the index of a task of an array; on one machine that of submitit's process."""
    executor: Literal["slurm", "local"]
    machine: str
    """Where it was sent."""
    work: list[str]
    """Its steps: train letters net cal 64 1."""
    out: str
    """The folder of the run."""
    files: list[str]
    """What it is to make."""
    file: Path
    """The note itself."""
    cluster: str = ""
    """To which of several clusters it was sent, or to one of which (a,b); empty: that of the machine."""

    @property
    def log(self) -> Path:
        """What it prints."""
        return self.file.with_name(f"{self.number}_0_log.out")

    def is_on(self, clusters: Set[str]) -> bool:
        """Say whether it is on one of these clusters. An empty name is that of this machine."""
        return self.executor == "slurm" and not clusters.isdisjoint(self.cluster.split(","))

    def is_among(self, queued: Iterable[slurm.Job]) -> bool:
        """Say whether it is one of these jobs of Slurm."""
        return any(job.number == self.number and self.is_on({job.cluster}) for job in queued)

    def runs_here(self) -> bool:
        """Say whether it is a job of this machine that has not ended."""
        if self.executor != "local" or self.is_elsewhere():
            return False
        try:
            # The number alone may be another process's by now.
            return b"submitit" in Path(f"/proc/{self.number}/cmdline").read_bytes()
        except OSError:
            return False

    def is_elsewhere(self) -> bool:
        """Say whether it is a job of another machine, which shares this folder."""
        return self.executor == "local" and self.machine != platform.node()

    def ended_well(self, folder: Path) -> bool:
        """Say whether all is there that it was to make."""
        return all((folder / file).exists() for file in self.files)

    def age(self) -> str:
        """Time since it was sent, as Slurm writes it."""
        return lasted(time.time() - self.file.stat().st_mtime)


def new_folder(folder: Path) -> Path:
    """Return a folder for the files of one submission."""
    made = folder / LOGS / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    made.mkdir(parents=True)
    return made.resolve()


def note(record: Record) -> Record:
    """Write the note of a job that was sent; return its record."""
    with replacing(record.file) as temporary:
        temporary.write_text(json.dumps(record._asdict() | {"file": None}))
    return record


def all_of(folder: Path) -> list[Record]:
    """Return every job that was sent from ``folder`` and has not been forgotten."""
    found = []
    for file in sorted((folder / LOGS).glob("*/*.json")):
        try:
            found.append(Record(**json.loads(file.read_text()) | {"file": file}))
        except (ValueError, TypeError, FileNotFoundError):
            continue
    return found


def alive(folder: Path, queued: Collection[slurm.Job]) -> list[Record]:
    """Return the jobs that have not ended, given what is in Slurm's queue."""
    return [record for record in all_of(folder) if record.is_among(queued) or record.runs_here()]


def failed(folder: Path, queued: Collection[slurm.Job], silent: Set[str] = frozenset()) -> list[Record]:
    """Return the jobs that ended badly, newest first; forget those that ended well.

    Nothing is known of other machines, nor of clusters that do not answer: the ``silent``.
    """
    ended = [
        record
        for record in all_of(folder)
        if not (record.is_among(queued) or record.runs_here() or record.is_elsewhere() or record.is_on(silent))
    ]
    for record in ended:
        if record.ended_well(folder):
            forget(record)
    bad = [record for record in ended if record.file.exists()]
    return sorted(bad, key=lambda record: -record.file.stat().st_mtime)


def forget(record: Record) -> None:
    """Delete a job's note and submitit's files of it; with the last of a submission, its folder."""
    record.file.unlink(missing_ok=True)
    for file in record.file.parent.glob(f"{record.number}_*"):
        file.unlink(missing_ok=True)
    if not list(record.file.parent.glob("*.json")):
        shutil.rmtree(record.file.parent, ignore_errors=True)
