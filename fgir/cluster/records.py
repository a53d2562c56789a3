"""Keep a note of each job that was sent, beside submitit's files of it, in logs/submitit/<time>/<job>.json.

A job that is neither queued nor running has ended well if the files that it was to make exist. Then its note and its
log are deleted. The pickled results of submitit are never read.
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
    """Describe a job that was sent."""

    number: str
    """Slurm's number, with the index of an array's task; on one machine the number of submitit's process."""
    executor: Literal["slurm", "local"]
    machine: str
    """The machine from which it was sent."""
    work: list[str]
    """Its steps: train letters net cal 64 1."""
    out: str
    """The folder of the run."""
    files: list[str]
    """The files that it is to make."""
    file: Path
    """The note itself."""
    cluster: str = ""
    """The cluster to which it was sent, or those of which Slurm chose one (a,b); empty: the machine's own."""

    @property
    def log(self) -> Path:
        """Return the file with its output."""
        return self.file.with_name(f"{self.number}_0_log.out")

    def is_on(self, clusters: Set[str]) -> bool:
        """Say whether it may be on one of these clusters. An empty name is this machine's cluster."""
        return self.executor == "slurm" and not clusters.isdisjoint(self.cluster.split(","))

    def is_among(self, queued: Iterable[slurm.Job]) -> bool:
        """Say whether it is one of these jobs of Slurm."""
        return any(job.number == self.number and self.is_on({job.cluster}) for job in queued)

    def runs_here(self) -> bool:
        """Say whether it is a job of this machine that has not ended."""
        if self.executor != "local" or self.is_elsewhere():
            return False
        try:
            # By now another process may have the same number.
            return b"submitit" in Path(f"/proc/{self.number}/cmdline").read_bytes()
        except OSError:
            return False

    def is_elsewhere(self) -> bool:
        """Say whether it is a job of another machine, which shares this folder."""
        return self.executor == "local" and self.machine != platform.node()

    def ended_well(self, folder: Path) -> bool:
        """Say whether all files that it was to make exist."""
        return all((folder / file).exists() for file in self.files)

    def age(self) -> str:
        """Return the time since it was sent, as Slurm writes it."""
        return lasted(time.time() - self.file.stat().st_mtime)


def new_folder(folder: Path) -> Path:
    """Make a folder for the files of one submission, and return it."""
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

    Jobs of other machines, and of clusters that do not answer (``silent``), are left out.
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
    """Delete a job's note and submitit's files of it, and with the last job of a submission its folder."""
    record.file.unlink(missing_ok=True)
    for file in record.file.parent.glob(f"{record.number}_*"):
        file.unlink(missing_ok=True)
    if not list(record.file.parent.glob("*.json")):
        shutil.rmtree(record.file.parent, ignore_errors=True)
