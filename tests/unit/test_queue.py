"""What `fgir jobs` makes of the logs that jobs of the workflow left, and of a Slurm that does not answer."""

import os
from pathlib import Path

import pytest

from fgir.cluster.queue import jobs, print_jobs
from fgir.cluster.records import Record, new_folder, note
from fgir.utils import slurm
from fgir.utils.errors import FgirError

JOB = """\
  Command: snakemake --target-jobs train:dataset=cub,backbone=net,regime=cal,train_size=64,seed=1 --allowed-rules train
rule train:
    log: logs/train/cub-net-cal-64-seed1.log
    resources: tmpdir=/tmp
"""
DONE = "1 of 1 steps (100%) done\nStoring output in storage.\nElapsed time: 0:00:03.119475\n"
CANCELLED = "slurmstepd: error: *** JOB 12 ON n1 CANCELLED AT 2026-01-01T00:00:00 ***\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout on a machine without Slurm's commands."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def write(file: Path, text: str, seconds_ago: float = 0) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    modified = file.stat().st_mtime - seconds_ago
    os.utime(file, (modified, modified))


def test_a_job_that_was_cancelled_is_shown_as_failed_with_the_last_word_of_its_step(folder: Path) -> None:
    write(folder / "logs/slurm/rule_train/12.log", JOB + DONE + CANCELLED, seconds_ago=90)
    write(folder / "logs/train/cub-net-cal-64-seed1.log", "Epoch 7 of 50\n", seconds_ago=95)

    (shown,) = jobs(folder).shown

    assert (shown.number, shown.state, shown.last_line) == ("12", "FAILED", "Epoch 7 of 50")
    assert shown.work == ["train cub net cal 64 1"]


def test_a_job_that_ended_well_is_not_shown_though_its_log_is_there_still(folder: Path) -> None:
    write(folder / "logs/slurm/rule_train/12.log", JOB + DONE)

    assert jobs(folder).shown == []


def test_a_failed_job_is_not_shown_once_another_has_been_at_its_step(folder: Path) -> None:
    write(folder / "logs/slurm/rule_train/12.log", JOB + CANCELLED, seconds_ago=300)
    write(folder / "logs/train/cub-net-cal-64-seed1.log", "Epoch 50 of 50\n", seconds_ago=90)

    assert jobs(folder).shown == []


def test_a_slurm_that_does_not_answer_makes_no_job_a_failed_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        folder / "squeue", "#!/bin/sh\necho 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1\n"
    )
    (folder / "squeue").chmod(0o755)
    write(folder / "logs/slurm/rule_train/12.log", JOB + CANCELLED, seconds_ago=90)
    made = new_folder(folder)
    note(Record("34_0", "slurm", "login1", ["train letters net cal 64 1"], "out", ["out/x"], made / "34_0.json"))

    queue = jobs(folder)
    print_jobs(folder)

    assert [(job.number, job.state) for job in queue.shown] == [("34_0", "UNKNOWN")]
    assert "Unable to contact slurm controller" in queue.silent[0]
    assert "Unable to contact slurm controller" in capsys.readouterr().err.replace("\n", " ")
    with pytest.raises(FgirError, match="Unable to contact slurm controller"):
        slurm.queued(folder)


def test_a_log_outside_the_checkout_is_named_whole(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path_factory.mktemp("elsewhere") / "bad.log"
    write(log, "fgir manifest: it is broken.\n")
    write(
        folder / ".snakemake/log/2026-01-01T000000.000000.snakemake.log",
        f"""[Sun Nov  1 10:00:00 2026]
localrule manifest:
    output: {log.parent}/manifest.parquet
    log: {log}
    jobid: 3
    wildcards: dataset=bad
[Sun Nov  1 10:00:05 2026]
Error in rule manifest:
    jobid: 3
    log: {log} (check log file(s) for error details)
""",
    )

    print_jobs(folder)

    assert f"  {log}" in capsys.readouterr().out.splitlines()
