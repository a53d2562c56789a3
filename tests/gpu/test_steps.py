"""A step of training never waits for the device, and a run ends in the same bits."""

import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from gpu_files import Files
from roundtrips import HostRoundTrips

from fgir.study import Regime
from fgir.training.loop import Trainer
from fgir.training.train import train_run
from fgir.utils.signals import EXIT_CODE

# Of the first updates one allocates, compiles kernels and copies the constants of normalisation.
WARM_UP, WATCHED = 3, 6


@pytest.mark.parametrize("backbone", ["conv", "vit"])
@pytest.mark.parametrize("regime", ["frozen", "finetuned", "cal", "calmix"])
def test_an_update_never_waits_for_the_device(
    files: Files, tmp_path: Path, on_gpu: bool, monkeypatch: pytest.MonkeyPatch, regime: Regime, backbone: str
) -> None:
    watched, update = [], Trainer._update

    def watching(trainer: Trainer, group: Any) -> None:
        if not WARM_UP <= trainer.progress.updates < WARM_UP + WATCHED:
            return update(trainer, group)
        watched.append(trainer.progress.updates)
        if on_gpu:
            torch.cuda.set_sync_debug_mode("error")
            update(trainer, group)
            return torch.cuda.set_sync_debug_mode("default")
        with HostRoundTrips() as trips:
            update(trainer, group)
        assert trips.operators == {}

    monkeypatch.setattr(Trainer, "_update", watching)
    run = files.run(backbone, regime, epochs=1)

    train_run(run, files.inputs(run, tmp_path, workers=2), None, tmp_path)

    assert watched == list(range(WARM_UP, WARM_UP + WATCHED))


@pytest.mark.parametrize("backbone", ["conv", "vit"])
@pytest.mark.parametrize("regime", ["finetuned", "calmix"])
def test_the_same_run_ends_in_the_same_bits(files: Files, tmp_path: Path, regime: Regime, backbone: str) -> None:
    run = files.run(backbone, regime, epochs=1)

    for name, workers in (("one", 0), ("other", 3)):
        train_run(run, files.inputs(run, tmp_path / name, workers), None, tmp_path / name)

    assert (tmp_path / "one/model.safetensors").read_bytes() == (tmp_path / "other/model.safetensors").read_bytes()


def test_warned_and_killed_a_run_ends_in_the_same_bits(files: Files, tmp_path: Path, on_gpu: bool) -> None:
    # The state is saved after each epoch but the last: there must be some in which to be stopped.
    run, folder = files.run("vit", "cal", epochs=6), tmp_path / "stopped"
    train_run(run, files.inputs(run, tmp_path / "whole"), None, tmp_path / "whole")

    # On a GPU one of two threads loads images; on a CPU another number of threads would give other bits.
    command = files.command(run, folder, threads=2 if on_gpu else 1)
    codes = [_stopped(command, folder, number) for number in (signal.SIGUSR1, signal.SIGKILL)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert codes == [EXIT_CODE, -signal.SIGKILL]
    assert done.returncode == 0, done.stderr
    assert "Going on from epoch" in done.stdout
    assert (folder / "model.safetensors").read_bytes() == (tmp_path / "whole/model.safetensors").read_bytes()


def _stopped(command: list[str], folder: Path, number: signal.Signals) -> int:
    """Start the run, send it a signal once it has saved a state of its own, and return its exit code."""
    state = folder / "work/newest.state"
    before = state.stat().st_mtime_ns if state.exists() else None
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while (not state.exists() or state.stat().st_mtime_ns == before) and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(number)
    return process.wait()
