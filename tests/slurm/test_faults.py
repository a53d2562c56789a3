"""What can happen to runs on a cluster, at a time when they train: the bits stay the same."""

import os
import re
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pandas
import pytest
from lab import LONG, Cluster, Head, assert_same_weights, release, wait_until
from tiny import Bench

# Side by side with the other tests on Slurm, on a cluster of its own.
pytestmark = pytest.mark.xdist_group("slurm-faults")

RUNS = {seed: f"letters/net/cal/64/seed{seed}" for seed in LONG["seeds"]}
# How often each run goes on from what it had saved: after two faults of its own, a failed node and a preemption.
RESUMES = 4


class Disturbed(NamedTuple):
    """A study after all its faults."""

    folder: Path
    failed: list[str]
    """The runs that Snakemake saw fail."""
    refusal: str
    """The output of a Snakemake while jobs of a killed one went on."""
    left: list[str]
    """The numbers of those jobs."""
    jobs: list[str]
    """The accounting of all jobs by Slurm."""


@pytest.fixture(scope="module")
def disturbed(
    cluster: Cluster, prepared_study: Bench, finished_study: Bench, tmp_path_factory: pytest.TempPathFactory
) -> Disturbed:
    """The study after each run had faults of its own, lost its node and was preempted, and Snakemake was killed."""
    folder = prepared_study.copied(tmp_path_factory.mktemp("disturbed") / "study").folder
    # Costs know nothing of runs: those of the finished study will do.
    shutil.copytree(finished_study.folder / "results/cost", folder / "results/cost")
    head = Head(cluster, folder, LONG, runtime=10)
    head.start("all")

    # A run that is held cannot end before its fault comes, however fast the machine.
    with ThreadPoolExecutor() as pool:
        faults = [pool.submit(fault, cluster, head) for fault in (_requeue_and_warn, _kill_and_cancel)]
        owners = [fault.result() for fault in faults]
    # Slurm 22.05 forgets the GPU of a job whose node goes down while the job is being requeued: both are running.
    _fail_nodes_of(cluster, owners)
    owners = _successors(head, owners)
    _preempt(cluster, head, owners)
    owners = _successors(head, owners)
    refusal = _kill_snakemake(head)
    for owner in owners:
        release(owner)
    wait_until(lambda: not cluster.alive(), "the end of the jobs")
    head.start("all")

    assert head.finish() == 0, head.log[-5000:]
    left = [owner["job"] for owner in owners]
    return Disturbed(head.folder, head.failed_runs(), refusal, left, head.jobs("Comment"))


@pytest.mark.parametrize("seed", LONG["seeds"])
def test_a_disturbed_run_goes_on_and_ends_in_the_same_bits(disturbed: Disturbed, calm_study: Bench, seed: int) -> None:
    rows = [
        pandas.read_parquet(folder / "results/runs" / RUNS[seed] / "train.parquet").iloc[0]
        for folder in (disturbed.folder, calm_study.folder)
    ]

    assert rows[0].resumes >= RESUMES
    assert rows[1].resumes == 0
    assert [row.steps for row in rows] == [LONG["training"]["epochs"] * 4] * 2
    assert_same_weights(disturbed.folder, calm_study.folder, RUNS[seed])


def test_only_a_killed_and_a_cancelled_run_cost_an_attempt_of_snakemake(disturbed: Disturbed) -> None:
    # Slurm itself starts the others again.
    assert disturbed.failed == [RUNS[2], RUNS[2]]


def test_the_summary_is_that_of_the_undisturbed_runs(disturbed: Disturbed, calm_study: Bench) -> None:
    summary = pandas.read_parquet(disturbed.folder / "results/summary.parquet").set_index("setting")

    assert set(summary.index) == set(LONG["settings"])
    for setting, row in summary.iterrows():
        metrics = [
            pandas.read_parquet(
                calm_study.folder / f"results/evaluations/letters/net/{setting}/64-64/seed{seed}/metrics.parquet"
            )
            for seed in LONG["seeds"]
        ]
        assert (row.status, row.seeds_ok, row.seeds_expected) == ("ok", 2, 2)
        assert row.train_steps == LONG["training"]["epochs"] * 4
        for measure in ("top1", "class_mean"):
            assert row[measure] == pytest.approx(pandas.concat(metrics)[measure].mean(), rel=1e-12)
        assert row.top1_std == pytest.approx(pandas.concat(metrics).top1.std(ddof=1), rel=1e-9)


def test_a_killed_snakemake_neither_loses_nor_doubles_what_its_jobs_do(disturbed: Disturbed) -> None:
    (cancel,) = re.findall(r"end them with: scancel (.+)", disturbed.refusal)
    assert sorted(cancel.split()) == sorted(disturbed.left)
    assert "Traceback" not in disturbed.refusal
    # Both runs, and the one that failed twice again each time: none after the kill.
    assert len([job for job in disturbed.jobs if "rule_run" in job]) == 4, disturbed.jobs


def _requeue_and_warn(cluster: Cluster, head: Head) -> dict[str, Any]:
    """Let the first run be requeued, then near its time limit; its owner after that, held."""
    with head.holding(RUNS[1]) as requeued:
        cluster.run("scontrol", "requeue", requeued["job"])
    with head.holding(RUNS[1], after=requeued) as warned:
        # A job's limit is in minutes, its end is not; what the profile says, a warning a minute before, is due at once.
        cluster.run("scontrol", "update", f"jobid={warned['job']}", "endtime=now+60")
        wait_until(lambda: _was_warned(warned["process"]), "the warning", head)
        cluster.run("scontrol", "update", f"jobid={warned['job']}", "timelimit=10")
    return head.hold(RUNS[1], after=warned)


def _kill_and_cancel(cluster: Cluster, head: Head) -> dict[str, Any]:
    """Let the process of the second run be killed, then its job be cancelled; its owner after that, held."""
    with head.holding(RUNS[2]) as killed:
        os.kill(killed["process"], signal.SIGKILL)
    with head.holding(RUNS[2], after=killed) as cancelled:
        cluster.run("scancel", cancelled["job"])
    return head.hold(RUNS[2], after=cancelled)


def _was_warned(process: int) -> bool:
    """Say whether USR1 waits for a process that is held, or came before that, so that Slurm has ended it."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return True
    (pending,) = re.findall(r"^ShdPnd:\s*(\w+)", status, re.MULTILINE)
    return bool(int(pending, 16) >> (signal.SIGUSR1 - 1) & 1)


def _successors(head: Head, owners: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Let both runs go on, if they still can; the owners that follow these, held."""
    for owner in owners:
        release(owner)
    with ThreadPoolExecutor() as pool:
        return list(pool.map(head.hold, RUNS.values(), owners))


def _fail_nodes_of(cluster: Cluster, owners: list[dict[str, Any]]) -> None:
    """Set nodes down, and up again once their jobs are gone: Slurm drains a node that gets back a job too early."""
    jobs = ",".join(owner["job"] for owner in owners)
    nodes = ",".join(sorted(set(cluster.run("squeue", "--noheader", "--format=%N", "--jobs", jobs).split())))
    cluster.run("scontrol", "update", f"nodename={nodes}", "state=down", "reason=test")
    time.sleep(10)
    cluster.run("scontrol", "update", f"nodename={nodes}", "state=resume")


def _preempt(cluster: Cluster, head: Head, owners: list[dict[str, Any]]) -> None:
    """Let a job of the higher partition take every GPU for a moment."""
    jobs = [owner["job"] for owner in owners]
    before = [_restarts(cluster, job) for job in jobs]
    take_all = ["--partition=gpu", "--nodes=2", "--gres=gpu:2", "--time=1", "--output=/dev/null", "--wrap=sleep 3"]
    cluster.run("sbatch", *take_all)
    for job, count in zip(jobs, before, strict=True):
        wait_until(lambda job=job, count=count: _restarts(cluster, job) > count, f"job {job} is preempted", head)


def _kill_snakemake(head: Head) -> str:
    """Kill Snakemake, and start it again while its jobs go on; what it prints."""
    assert head.process is not None
    head.process.kill()
    head.process.wait()
    head.start("all", "--unlock")
    assert head.finish() == 0
    before = len(head.log)
    head.start("all")
    assert head.finish() != 0
    return head.log[before:]


def _restarts(cluster: Cluster, job: str) -> int:
    """How often Slurm has started a job again."""
    words = cluster.run("scontrol", "show", "job", job).split()
    return next(int(word.partition("=")[2]) for word in words if word.startswith("Restarts="))
