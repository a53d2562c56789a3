"""Lock a folder so that one process at a time works in it; the lock names its owner."""

import errno
import fcntl
import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fgir.utils.errors import FgirError
from fgir.utils.progress import inform
from fgir.utils.slurm import own_job

# A job that is cancelled or requeued has this long to end before the next one gives up.
PATIENCE = 120.0
_UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def owning(folder: Path) -> Iterator[None]:
    """Hold the lock of ``folder`` while entered; the folder is made if it is missing.

    The lock ends with the process, however that ends. Waits up to PATIENCE seconds for another owner to end; then
    FgirError names the owner. On a file system without locks, warns and goes on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as file:
        try:
            _wait(file.fileno(), folder)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            inform(f"{folder} lies on a file system without locks: make sure that no two jobs train there.")
        file.seek(0)
        file.truncate()
        file.write(json.dumps({"job": own_job(), "process": os.getpid(), "machine": platform.node()}))
        file.flush()
        yield


def owner(folder: Path) -> str | None:
    """Return who holds the lock of ``folder``; None if nobody does or the file system has no locks."""
    try:
        with (folder / "lock").open("r+") as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _owner(folder)
    except OSError:
        return None
    return None


def _wait(descriptor: int, folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise FgirError(f"{folder} is in use by {_owner(folder)}; wait for it to end, or end it.") from None
            time.sleep(min(1.0, max(PATIENCE, 0.01)))


def _owner(folder: Path) -> str:
    try:
        owner = json.loads((folder / "lock").read_text())
        process = f"process {owner['process']} on {owner['machine']}"
        return f"Slurm job {owner['job']} ({process})" if owner["job"] else process
    except (ValueError, KeyError, TypeError, OSError):
        return "another process"
