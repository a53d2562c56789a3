"""What was sent: beside submitit's files of each job a note of what it does, in logs/submitit/<time>/<job>.json.

A job that is neither queued nor running has ended well if the files that it was to make are there; then its note and
its log go. The pickled results of submitit are never read.
"""

import json
import os
import platform
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

from fgir.files import replacing

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

    @property
    def log(self) -> Path:
        """What it prints."""
        return self.file.with_name(f"{self.number}_0_log.out")

    def runs_here(self) -> bool:
        """Is it a job of this machine that has not ended?"""
        if self.executor != "local" or self.is_elsewhere():
            return False
        try:
            # The number alone may be another process's by now.
            return b"submitit" in Path(f"/proc/{self.number}/cmdline").read_bytes()
        except OSError:
            return False

    def is_elsewhere(self) -> bool:
        """Is it a job of another machine, which shares this folder?"""
        return self.executor == "local" and self.machine != platform.node()

    def ended_well(self, folder: Path) -> bool:
        """Is all there that it was to make?"""
        return all((folder / file).exists() for file in self.files)

    def age(self) -> str:
        """Time since it was sent, as Slurm writes it."""
        seconds = int(time.time() - self.file.stat().st_mtime)
        hours, minutes = seconds // 3600, seconds // 60 % 60
        return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


def new_folder(folder: Path) -> Path:
    """A folder for the files of one submission."""
    made = folder / LOGS / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    made.mkdir(parents=True)
    return made.resolve()


def note(
    made: Path, number: str, executor: Literal["slurm", "local"], work: list[str], out: str, files: list[str]
) -> Record:
    """Write what the job ``number`` of a submission does."""
    record = Record(number, executor, platform.node(), work, out, files, made / f"{number}.json")
    with replacing(record.file) as temporary:
        temporary.write_text(json.dumps(record._asdict() | {"file": None}))
    return record


def alive(folder: Path, queued: Iterable[str]) -> list[Record]:
    """The jobs that have not ended, given the numbers in Slurm's queue."""
    numbers = set(queued)
    return [record for record in _all(folder) if record.number in numbers or record.runs_here()]


def failed(folder: Path, queued: Iterable[str]) -> list[Record]:
    """The jobs that ended badly, newest first; forgets those that ended well. Nothing is known of other machines."""
    numbers = set(queued)
    ended = [
        record
        for record in _all(folder)
        if record.number not in numbers and not record.runs_here() and not record.is_elsewhere()
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


def _all(folder: Path) -> list[Record]:
    found = []
    for file in sorted((folder / LOGS).glob("*/*.json")):
        try:
            found.append(Record(**json.loads(file.read_text()) | {"file": file}))
        except (ValueError, TypeError, FileNotFoundError):
            continue
    return found
