"""Keep one log for a training that is resumed by another process: earlier lines stand above new ones.

Snakemake deletes a job's log before it starts the job, also if the job resumes a run. A link in the work folder keeps
what was written.
"""

import os
import sys
import time
from pathlib import Path

NAME = "log"
# Begins the line that separates two processes.
MARK = "---- "


def carry_on(work: Path, log: Path | None) -> None:
    """Print the log of earlier processes that trained into ``work``, and link ``log`` there to keep it as well.

    Does nothing on a file system without links: then each process has only its own log.
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
    """Move the log to ``finished``, so that a training that is started afresh does not print it."""
    if (work / NAME).exists():
        (work / NAME).replace(finished / NAME)


def show(log: Path) -> None:
    """Print a kept log if there is one."""
    if log.exists():
        sys.stderr.write(log.read_text(errors="replace"))
        _mark()


def _mark() -> None:
    print(f"{MARK}{time.strftime('%Y-%m-%d %H:%M:%S')}, another process:", file=sys.stderr, flush=True)
