"""The lock on a work folder: one owner at a time, named, gone with its process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fgir.utils.errors import FgirError
from fgir.utils.lock import owner, owning

HOLD = """
import pathlib, sys, time
from fgir.utils.lock import owning
with owning(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that holds the lock, as part of Slurm job 4711."""
    environment = os.environ | {"SLURM_JOB_ID": "4711"}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fgir.utils.lock.PATIENCE", 0.1)


@pytest.mark.usefixtures("no_patience")
def test_a_second_owner_is_refused_with_the_name_of_the_first(holder: "subprocess.Popen[str]", tmp_path: Path) -> None:
    with pytest.raises(FgirError, match=f"in use by Slurm job 4711 .process {holder.pid} on "), owning(tmp_path):
        pass
    assert f"process {holder.pid}" in (owner(tmp_path) or "")


@pytest.mark.usefixtures("no_patience")
def test_a_killed_owner_leaves_the_folder_free(holder: "subprocess.Popen[str]", tmp_path: Path) -> None:
    holder.kill()
    holder.wait()

    with owning(tmp_path):
        pass

    assert owner(tmp_path) is None


def test_an_owner_that_is_ending_is_waited_for(holder: "subprocess.Popen[str]", tmp_path: Path) -> None:
    ending = subprocess.Popen(["sh", "-c", f"sleep 1; kill {holder.pid}"])

    with owning(tmp_path):
        ended = holder.poll() is not None or holder.wait(1) is not None

    assert ended
    ending.wait()
