"""A group of one process over NCCL: every collective of a training is called, and changes nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from gpu_files import ROOT, Files

from fgir.results.parquet import read_rows
from fgir.study import Regime
from fgir.training.train import train_run

STEP = ROOT / "tests/unit/rank_step.py"
SCRIPT = Path(__file__).with_name("group_of_one.py")
START = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=1", str(SCRIPT)]


def by_a_group(files: Files, regime: Regime, backbone: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Train a run by a group of one process."""
    run = files.run(backbone, regime, epochs=1)
    command = START + files.command(run, folder)[3:]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_a_group_of_one_trains_what_a_process_alone_does(files: Files, tmp_path: Path, on_gpu: bool) -> None:
    run = files.run("vit", "finetuned", epochs=1)
    train_run(run, files.inputs(run, tmp_path / "alone"), None, tmp_path / "alone")

    done = by_a_group(files, "finetuned", "vit", tmp_path / "group")

    assert done.returncode == 0, done.stderr
    assert f"backend {'nccl' if on_gpu else 'gloo'}" in done.stdout
    alone, group = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("alone", "group"))
    assert group == alone


def test_calmix_with_its_batch_norm_shared_trains_as_alone(files: Files, tmp_path: Path, on_gpu: bool) -> None:
    run = files.run("conv", "calmix", epochs=1)
    train_run(run, files.inputs(run, tmp_path / "alone"), None, tmp_path / "alone")

    done = by_a_group(files, "calmix", "conv", tmp_path / "group")

    assert done.returncode == 0, done.stderr
    [alone], [group] = (read_rows("history", tmp_path / name / "history.parquet") for name in ("alone", "group"))
    assert (group["steps"], group["images"]) == (alone["steps"], alone["images"])
    if on_gpu:
        # torch's batch norm over a group of one is the one of a process alone.
        assert group["loss"] == alone["loss"]
    else:
        # Ours over gloo rounds in another way, which the masks of CALMix enlarge to other crops within an epoch.
        assert group["loss"] == pytest.approx(alone["loss"], rel=0.03)


@pytest.mark.cuda
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_a_step_of_two_gpus_is_that_of_one_with_the_same_batch(tmp_path: Path, record_property) -> None:
    states = []
    for processes in (1, 2):
        start = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        out = tmp_path / f"of{processes}.pt"
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(STEP.parent)])}
        command = [*start, str(STEP), str(out)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        states.append(torch.load(out, weights_only=True))

    one, two = states
    assert one.keys() == two.keys()
    assert any("running_var" in name for name in one)
    off = max(float((two[name] - one[name]).abs().max()) for name in one if one[name].is_floating_point())
    record_property("A step of two GPUs", {"tensors": len(one), "largest difference": off})
    # Sums over a batch are taken in another order, of doubles; signed square roots enlarge that near zero.
    torch.testing.assert_close(two, one, rtol=1e-4, atol=1e-7)
