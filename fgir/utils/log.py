"""The log of a training that goes on in another process: what was said before stands above what is said now.

Snakemake deletes a job's log before it starts the job, also the job of a run that goes on from its state; a link in the
work folder keeps what was written.
"""

import os
import sys
import time
from pathlib import Path

NAME = "log"
# Begins the line below which another process writes.
MARK = "---- "


def carry_on(work: Path, log: Path | None) -> None:
    """Print what earlier processes that trained into ``work`` wrote to their log, and keep this one's, ``log``.

    Without links, on another file system, the log of each process is its own.
    """
    if log is None or not log.exists():
        return
    kept = work / NAME
    if kept.exists():
        if kept.samefile(log):
            _mark()
            return
        show(kept)
        kept.unlink()
    try:
        os.link(log, kept)
    except OSError:
        return


def put_away(work: Path, finished: Path) -> None:
    """Move the log to what a finished run leaves: a training that is forced anew does not begin with it."""
    if (work / NAME).exists():
        (work / NAME).replace(finished / NAME)


def show(log: Path) -> None:
    """Print a log that was kept, if it was."""
    if log.exists():
        sys.stderr.write(log.read_text(errors="replace"))
        _mark()


def _mark() -> None:
    print(f"{MARK}{time.strftime('%Y-%m-%d %H:%M:%S')}, another process:", file=sys.stderr, flush=True)
