"""What can happen to runs on a cluster, at a time when they train: the bits stay the same."""

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pandas
import pytest
from lab import Cluster, Head, wait_until
from safetensors.torch import load_file
from tiny import STUDY, Bench

# Long enough to be hit in the middle, again and again.
LONG: dict[str, Any] = STUDY | {
    "settings": ["finetuned"],
    "seeds": [1, 2],
    "training": STUDY["training"] | {"epochs": 150},
    "tuning": {"learning_rates": {"finetuned": [0.003]}},
}


def run(seed: int) -> str:
    return f"letters/net/finetuned/64/seed{seed}"


def train_row(folder: Path, seed: int) -> pandas.Series:
    return pandas.read_parquet(folder / "results/runs" / run(seed) / "train.parquet").iloc[0]


def same_weights(ours: Path, theirs: Path, seed: int) -> bool:
    """Are the trained weights of a run the same bits in two folders?"""
    a, b = (load_file(folder / "results/runs" / run(seed) / "model.safetensors") for folder in (ours, theirs))
    return a.keys() == b.keys() and all(a[name].equal(b[name]) for name in a)


@pytest.fixture(scope="module")
def undisturbed(finished_study: Bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same study, run on this machine without Slurm and without a fault."""
    bench = finished_study.copied(tmp_path_factory.mktemp("undisturbed") / "study")
    bench.write(LONG)
    done = bench.snakemake("all")
    assert done.returncode == 0, done.stdout
    return bench.folder


@pytest.fixture(scope="module")
def disturbed(cluster: Cluster, finished_study: Bench, tmp_path_factory: pytest.TempPathFactory) -> Head:
    """The study after one run was requeued and lost its node, the other killed and cancelled, and both preempted.

    The costs of the finished study, which know nothing of runs, will do for it.
    """
    head = Head(cluster, finished_study.copied(tmp_path_factory.mktemp("disturbed") / "study").folder, LONG, runtime=10)
    head.start("all")

    # A run that is held cannot end before its fault comes, however fast the machine.
    with head.holding(run(1)) as requeued, head.holding(run(2)) as killed:
        cluster.run("scontrol", "requeue", requeued["job"])
        os.kill(killed["process"], signal.SIGKILL)
    with head.holding(run(1), after=requeued) as failed:
        with head.holding(run(2), after=killed) as cancelled:
            cluster.run("scancel", cancelled["job"])
        # Slurm 22.05 forgets the GPU of a job whose node goes down while the job is being requeued.
        with head.holding(run(2), after=cancelled):
            _fail_node_of(cluster, failed["job"])
    with head.holding(run(1), after=failed) as first, head.holding(run(2)) as second:
        _preempt(cluster, head, [first["job"], second["job"]])

    assert head.finish(900) == 0, head.log[-5000:]
    return head


@pytest.mark.parametrize("seed", LONG["seeds"])
def test_a_disturbed_run_goes_on_and_ends_in_the_same_bits(disturbed: Head, undisturbed: Path, seed: int) -> None:
    assert train_row(undisturbed, seed).resumes == 0
    # Its own faults, and the preemption of both.
    assert train_row(disturbed.folder, seed).resumes >= 2
    assert same_weights(disturbed.folder, undisturbed, seed)


def test_only_a_killed_and_a_cancelled_run_cost_an_attempt_of_snakemake(disturbed: Head) -> None:
    # Slurm itself starts the others again.
    assert disturbed.failed_runs() == [run(2), run(2)]


def test_the_summary_is_that_of_the_undisturbed_study(disturbed: Head, undisturbed: Path) -> None:
    ours, theirs = (
        pandas.read_parquet(folder / "results/summary.parquet") for folder in (disturbed.folder, undisturbed)
    )

    columns = ["top1", "top1_std", "class_mean", "seeds_ok", "seeds_expected", "status", "train_steps", "train_images"]
    pandas.testing.assert_frame_equal(ours[columns], theirs[columns], check_exact=True)


def test_a_run_warned_before_its_time_limit_goes_on_to_the_same_bits(
    cluster: Cluster, prepared_study: Bench, undisturbed: Path, tmp_path: Path
) -> None:
    folder = prepared_study.copied(tmp_path / "limited").folder
    # A minute is the shortest limit that Slurm knows.
    limited = Head(cluster, folder, LONG, runtime=1, slurm_extra="--signal=USR1@10")

    limited.start(f"results/runs/{run(1)}/train.parquet")
    # However fast the machine, the run has not ended when the warning comes.
    with limited.holding(run(1)) as owner:
        wait_until(lambda: _was_warned(owner["process"]), "the warning", limited)

    assert limited.finish(900) == 0, limited.log[-5000:]
    assert train_row(limited.folder, 1).resumes >= 1
    assert same_weights(limited.folder, undisturbed, 1)


def test_a_killed_snakemake_neither_loses_nor_doubles_what_its_jobs_do(
    cluster: Cluster, prepared_study: Bench, tmp_path: Path
) -> None:
    head = Head(cluster, prepared_study.copied(tmp_path / "killed").folder, LONG | {"seeds": [1]})
    target = f"results/runs/{run(1)}/train.parquet"
    head.start(target)
    job = head.owner(run(1))["job"]
    assert head.process is not None
    head.process.kill()
    head.process.wait()
    head.start(target, "--unlock")
    assert head.finish() == 0

    head.start(target)
    assert head.finish() != 0
    assert f"scancel {job}" in head.log
    assert "Traceback" not in head.log
    wait_until(lambda: job not in cluster.alive(), f"the end of job {job}")
    head.start(target)

    assert head.finish() == 0, head.log[-5000:]
    row = train_row(head.folder, 1)
    assert row.resumes == 0
    assert row.steps == LONG["training"]["epochs"] * 4


def _was_warned(process: int) -> bool:
    """Say whether USR1 waits for a process that is held, or came before that, so that Slurm has ended it."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return True
    (pending,) = re.findall(r"^ShdPnd:\s*(\w+)", status, re.MULTILINE)
    return bool(int(pending, 16) >> (signal.SIGUSR1 - 1) & 1)


def _fail_node_of(cluster: Cluster, job: str) -> None:
    """Set a node down, and up again once its jobs are gone: Slurm drains a node that gets back a job too early."""
    node = cluster.run("squeue", "--noheader", "--format=%N", "--jobs", job).strip()
    cluster.run("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
    time.sleep(10)
    cluster.run("scontrol", "update", f"nodename={node}", "state=resume")


def _preempt(cluster: Cluster, head: Head, jobs: list[str]) -> None:
    """Let a job of the higher partition take every GPU for a moment."""
    before = [_restarts(cluster, job) for job in jobs]
    take_all = ["--partition=gpu", "--nodes=2", "--gres=gpu:2", "--time=1", "--output=/dev/null", "--wrap=sleep 3"]
    cluster.run("sbatch", *take_all)
    for job, count in zip(jobs, before, strict=True):
        wait_until(lambda job=job, count=count: _restarts(cluster, job) > count, f"job {job} is preempted", head)


def _restarts(cluster: Cluster, job: str) -> int:
    """How often Slurm has started a job again."""
    words = cluster.run("scontrol", "show", "job", job).split()
    return next(int(word.partition("=")[2]) for word in words if word.startswith("Restarts="))
