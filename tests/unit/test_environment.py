"""What processes that the suite starts inherit, and whom they believe."""

import os
from pathlib import Path

import pytest
from small_training import TrainingFiles, spec
from started import run

from fgir.distributed.environment import as_if_outside_of_jobs, placeless
from fgir.distributed.group import as_a_group, started_together
from fgir.results.parquet import read_row

# As inside `srun --ntasks=2 --mem-per-cpu=1G --pty bash`, in which a user had started torchrun.
IN_A_STEP = {
    "SLURM_JOB_ID": "12",
    "SLURM_NTASKS": "2",
    "SLURM_STEP_NUM_TASKS": "2",
    "SLURM_PROCID": "0",
    "SLURM_MEM_PER_CPU": "1024",
    "SBATCH_CPU_BIND": "quiet",
    "SRUN_DEBUG": "3",
    "PMI_RANK": "0",
    "CUDA_VISIBLE_DEVICES": "3",
    "RANK": "0",
    "WORLD_SIZE": "2",
    "LOCAL_RANK": "0",
    "MASTER_ADDR": "127.0.0.1",
    "TORCHELASTIC_RUN_ID": "none",
}


def test_what_is_sent_is_told_how_to_reach_slurm_and_nothing_of_its_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in IN_A_STEP.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SLURM_CONF", "/site/slurm.conf")
    before = dict(os.environ)

    with as_if_outside_of_jobs():
        sent = dict(os.environ)

    assert sent["SLURM_CONF"] == "/site/slurm.conf"
    # Nodes that do not know each other by name need it.
    assert sent["MASTER_ADDR"] == "127.0.0.1"
    assert set(IN_A_STEP) & set(sent) == {"MASTER_ADDR"}
    assert dict(os.environ) == before


def test_outside_of_jobs_the_gpus_are_a_wish_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")

    with as_if_outside_of_jobs():
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "1"


def test_only_the_suite_says_that_a_process_is_one_of_several(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in as_a_group(placeless(IN_A_STEP), 4).items():
        monkeypatch.setenv(name, value)
    assert started_together() == 4

    monkeypatch.delenv("FGIR_PROCESSES")
    for name, value in IN_A_STEP.items():
        monkeypatch.setenv(name, value)
    assert started_together() == 1


def test_a_training_in_a_step_of_two_tasks_waits_for_nobody(tmp_path: Path) -> None:
    files = TrainingFiles(tmp_path)
    run_folder = tmp_path / "run"

    done = run(files.arguments(spec("finetuned", epochs=1), run_folder), environment=os.environ | IN_A_STEP)

    assert done.returncode == 0, done.stderr
    assert read_row("train", run_folder / "train.parquet")["processes"] == 1
