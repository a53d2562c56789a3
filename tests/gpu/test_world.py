"""A group of one process over NCCL: every collective of a training is called, and changes nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from gpu_files import ROOT, Files

from fgir.results.parquet import read_rows
from fgir.study import Regime
from fgir.training.train import train_run

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


def test_calmix_with_its_batch_norm_shared_trains_as_alone(files: Files, tmp_path: Path) -> None:
    run = files.run("conv", "calmix", epochs=1)
    train_run(run, files.inputs(run, tmp_path / "alone"), None, tmp_path / "alone")

    done = by_a_group(files, "calmix", "conv", tmp_path / "group")

    assert done.returncode == 0, done.stderr
    [alone], [group] = (read_rows("history", tmp_path / name / "history.parquet") for name in ("alone", "group"))
    # Its own batch norm rounds in another way, which the masks of CALMix enlarge to other crops within an epoch.
    assert group["loss"] == pytest.approx(alone["loss"], rel=0.03)
    assert (group["steps"], group["images"]) == (alone["steps"], alone["images"])
