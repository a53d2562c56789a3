"""Where runs are sent from, and where to: from within a job, with the cores of a profile, to another cluster."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import Cluster, Head, second_cluster, wait_until
from tiny import ROOT, STUDY, Bench

QUICK = STUDY | {"settings": ["finetuned"], "tuning": {"learning_rates": {"finetuned": [0.01]}}}
LONG = QUICK | {"training": STUDY["training"] | {"epochs": 500}}
TRAINED = "results/runs/letters/net/finetuned/64/seed1/train.parquet"


@pytest.fixture
def there(prepared_study: Bench, tmp_path: Path) -> Path:
    return prepared_study.copied(tmp_path / "there").folder


@pytest.fixture
def far(cluster: Cluster) -> Iterator[Cluster]:
    with second_cluster(cluster, "far") as other:
        yield other


def fgir(head: Head, *arguments: str) -> str:
    return head.bench.fgir(*arguments, environment=head.cluster.environment | {"COLUMNS": "160"}).stdout


def test_a_run_sent_from_within_a_job_is_limited_by_nothing_of_that_job(cluster: Cluster, there: Path) -> None:
    head = Head(cluster, there, QUICK, cpus_per_gpu=2)
    (there / "send.sh").write_text(
        f"#!/bin/sh\nexport SBATCH_TIMELIMIT=3 RANK=0 WORLD_SIZE=2 PYTHONPATH={ROOT}\n"
        f"exec {head.python} -m fgir submit config/study.yaml\n"
    )
    # Its name is like those of the suite's own jobs.
    inside = ["--job-name=fgir-mine", "--ntasks=2", "--mem-per-cpu=1000", "--cpus-per-task=2", "--output=sent.log"]

    cluster.run("sbatch", f"--chdir={there}", *inside, str(there / "send.sh"))

    wait_until(lambda: "Next:" in _text(there / "sent.log") or not cluster.alive(), "the job has sent the run")
    said = _text(there / "sent.log")
    number = re.search(r"Sent 1 run, Slurm's job (\d+)", said)
    assert number, said
    wait_until(lambda: not cluster.alive(), "the run has ended")
    assert (there / TRAINED).exists(), next((there / "logs/submitit").rglob("*.out")).read_text()
    asked = cluster.run("sacct", "-X", "-n", "-P", "-j", number[1], "--format=AllocTRES,Timelimit")
    assert "cpu=2," in asked
    assert "mem=8000M" in asked
    assert "00:30:00" in asked


def test_a_run_on_another_cluster_is_known_to_run_there_and_is_not_sent_twice(
    cluster: Cluster, far: Cluster, there: Path
) -> None:
    head = Head(cluster, there, LONG, clusters="far")
    assert "Sent 1 run" in fgir(head, "submit", "config/study.yaml")
    wait_until(lambda: "RUNNING" in far.run("squeue", "--noheader", "--format=%T"), "the run is started")

    shown = fgir(head, "jobs")
    again = fgir(head, "submit", "config/study.yaml")
    head.start("all")

    assert re.search(r"^\d+ +RUNNING +\d+:\d\d +train letters net finetuned 64 1", shown, re.MULTILINE), shown
    assert "Nothing is left to send" in again
    assert not cluster.alive()
    # Snakemake would wait for ever for what squeue does not show.
    assert head.finish() != 0
    assert "slurm-status-command: sacct" in head.log
    (number,) = far.alive()
    cluster.run("scancel", "--clusters=far", number)
    wait_until(lambda: not far.alive(), "the run has ended")
    assert re.search(r"^\d+ +FAILED", fgir(head, "jobs"), re.MULTILINE)


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""
