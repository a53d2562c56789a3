"""Studies that are made once for all test processes."""

import fcntl
import os
import shutil
from collections.abc import Callable

import pytest
from tiny import Bench


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Bench], None]) -> Bench:
    """Make a study by the first of the test processes that needs it; the others wait for it."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    done = shared / f"{name}.done"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(shared / name, ignore_errors=True)
            make(Bench(shared / name))
            done.touch()
    return Bench(shared / name)
