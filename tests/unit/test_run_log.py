"""What `fgir jobs` says of Snakemake's last run on a machine without Slurm."""

import os
import time
from pathlib import Path

import pytest

from fgir.cluster.queue import jobs, print_jobs
from fgir.cluster.run_log import last_run

HEAD = """\
SNAKEMAKE
=========
  Date: 2026-11-28 09:47:00
  Host: {host}
Job stats:
job              count
-------------  -------
macs                 3
train                2
total                5

Select jobs to execute...
"""
TRAIN = """\
[Sat Nov 28 09:47:01 2026]
localrule train:
    input: results/data/letters/split.parquet
    output: results/runs/letters/net/cal/64/seed1/model.safetensors
    log: logs/train/letters-net-cal-64-seed1.log
    jobid: 12
    wildcards: dataset=letters, backbone=net, regime=cal, train_size=64, seed=1
    resources: tmpdir=/tmp, runtime=11
"""
MACS = """\
[Sat Nov 28 09:47:02 2026]
localrule macs:
    output: results/cost/net/cal/64/classes3/macs.parquet
    log: logs/macs/net-cal-64.log
    jobid: 14
    wildcards: backbone=net, setting=cal, test_size=64
[Sat Nov 28 09:47:51 2026]
Finished jobid: 14 (Rule: macs)
1 of 5 steps (20%) done
"""
FAILED = """\
[Sat Nov 28 09:48:01 2026]
Error in rule train:
    message: None
    jobid: 12
    log: logs/train/letters-net-cal-64-seed1.log (check log file(s) for error details)
    shell:
        python -m fgir train
"""
END = "Complete log(s): /x/.snakemake/log/1.snakemake.log\nWorkflowError:\nAt least one job did not complete.\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout on a machine without Slurm's commands."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    return tmp_path


def write_log(folder: Path, text: str, host: str = os.uname().nodename, name: str = "1") -> Path:
    log = folder / ".snakemake/log" / f"{name}.snakemake.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(HEAD.format(host=host) + text)
    return log


def test_a_failed_job_is_shown_with_the_last_word_of_its_log(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_log(folder, TRAIN + MACS + FAILED + END)
    said = folder / "logs/train/letters-net-cal-64-seed1.log"
    said.parent.mkdir(parents=True)
    said.write_text("epoch 1/2\nfgir train: results/weights/net.safetensors is not a whole file.\n")

    print_jobs(folder)

    printed = capsys.readouterr().out
    assert "FAILED  1:00  train letters net cal 64 1" in printed
    assert "net.safetensors is not a whole file." in printed
    assert "begun 2026-11-28 09:47:00, and has ended: 1 of 5 steps done, 1 failed." in printed
    assert "macs" not in printed
    assert "  logs/train/letters-net-cal-64-seed1.log" in printed


def test_a_job_that_snakemake_tries_again_is_running(folder: Path) -> None:
    log = write_log(folder, TRAIN + MACS + FAILED + TRAIN)

    with log.open("a"):  # as Snakemake has it, as long as it runs
        queue = jobs(folder)

    assert [(job.state, job.work) for job in queue.shown] == [("RUNNING", ["train letters net cal 64 1"])]
    assert queue.run is not None
    assert queue.run.alive


def test_what_a_killed_snakemake_left_undone_is_stopped(folder: Path) -> None:
    write_log(folder, TRAIN + MACS)

    assert [job.state for job in jobs(folder).shown] == ["STOPPED"]


def test_a_run_of_another_machine_is_taken_for_running(folder: Path) -> None:
    write_log(folder, TRAIN + MACS, host="elsewhere")

    assert [job.state for job in jobs(folder).shown] == ["RUNNING"]


def test_the_newest_run_counts(folder: Path) -> None:
    write_log(folder, TRAIN + MACS + FAILED + END)
    write_log(folder, MACS + END, name="2")

    run = last_run(folder)

    assert run is not None
    assert [(step.work, step.state, step.seconds) for step in run.steps] == [("macs net cal 64", "DONE", 49.0)]
    assert jobs(folder).shown == []


def test_where_nothing_has_run_the_next_step_is_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_jobs(folder)

    assert "Nothing is queued, running or failed in this folder." in (printed := capsys.readouterr().out)
    assert "Next: " in printed


def test_times_are_of_this_machines_clock(folder: Path) -> None:
    now = time.strftime("%a %b %d %H:%M:%S %Y", time.localtime(time.time() - 5))
    log = write_log(folder, TRAIN.replace("Sat Nov 28 09:47:01 2026", now))

    with log.open("a"):
        run = last_run(folder)

    assert run is not None
    assert 4 <= run.steps[0].seconds < 60
