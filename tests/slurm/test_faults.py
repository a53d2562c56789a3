"""What can happen to a run on a cluster, each of it to one run, at a time when it trains: the bits stay the same."""

import os
import signal
from pathlib import Path
from typing import Any

import pandas
import pytest
from lab import Cluster, Head, wait_until
from safetensors.torch import load_file
from tiny import STUDY, Bench

# Long enough to be hit in the middle.
LONG: dict[str, Any] = STUDY | {
    "settings": ["finetuned"],
    "seeds": [1, 2, 3, 4, 5],
    "training": STUDY["training"] | {"epochs": 600},
    "tuning": {"learning_rates": {"finetuned": [0.003]}},
}


def run(seed: int) -> str:
    return f"letters/net/finetuned/64/seed{seed}"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of the same study, run on this machine without Slurm and without a fault."""
    bench = Bench(tmp_path_factory.mktemp("undisturbed"))
    bench.write(LONG)
    done = bench.snakemake("all")
    assert done.returncode == 0, done.stdout
    return bench.folder / "results"


@pytest.fixture(scope="module")
def disturbed(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Head:
    """The study after its runs were requeued, killed, cancelled, preempted and lost their node."""
    head = Head(cluster, tmp_path_factory.mktemp("disturbed"), LONG, runtime=10)
    head.start("all")

    cluster.run("scontrol", "requeue", head.owner(run(1))["job"])
    os.kill(head.owner(run(2))["process"], signal.SIGKILL)
    cluster.run("scancel", head.owner(run(3))["job"])
    _fail_node_of(cluster, head.owner(run(4))["job"])
    _preempt(cluster, head, run(5))

    assert head.finish(600) == 0, head.log[-5000:]
    return head


@pytest.mark.parametrize("seed", LONG["seeds"])
def test_a_disturbed_run_ends_in_the_same_bits(disturbed: Head, undisturbed: Path, seed: int) -> None:
    files = (
        folder / "runs" / run(seed) / "model.safetensors" for folder in (disturbed.folder / "results", undisturbed)
    )

    ours, theirs = (load_file(file) for file in files)

    assert ours.keys() == theirs.keys()
    assert all(ours[name].equal(theirs[name]) for name in ours)


def test_each_run_went_on_where_it_was_disturbed(disturbed: Head) -> None:
    trained = [
        pandas.read_parquet(disturbed.folder / "results/runs" / run(seed) / "train.parquet") for seed in LONG["seeds"]
    ]

    assert [int(row.resumes[0] > 0) for row in trained] == [1] * len(trained)


def test_the_summary_is_that_of_the_undisturbed_study(disturbed: Head, undisturbed: Path) -> None:
    ours, theirs = (
        pandas.read_parquet(folder / "summary.parquet") for folder in (disturbed.folder / "results", undisturbed)
    )

    columns = ["top1", "top1_std", "class_mean", "seeds_ok", "seeds_expected", "status", "train_steps", "train_images"]
    pandas.testing.assert_frame_equal(ours[columns], theirs[columns], check_exact=True)


def test_a_run_longer_than_its_time_limit_ends_in_the_same_bits(
    cluster: Cluster, undisturbed: Path, tmp_path: Path
) -> None:
    # Warned at once and killed after a minute at the latest: Slurm knows whole minutes only.
    head = Head(cluster, tmp_path / "short", LONG | {"seeds": [1]}, runtime=1, slurm_extra="--signal=USR1@45")

    head.start(f"results/runs/{run(1)}/train.parquet")

    assert head.finish(400) == 0, head.log[-5000:]
    row = pandas.read_parquet(head.folder / "results/runs" / run(1) / "train.parquet")
    assert row.resumes[0] >= 1
    ours, theirs = (
        load_file(folder / "runs" / run(1) / "model.safetensors") for folder in (head.folder / "results", undisturbed)
    )
    assert all(ours[name].equal(theirs[name]) for name in theirs)


def test_a_killed_snakemake_neither_loses_nor_doubles_what_its_jobs_do(cluster: Cluster, tmp_path: Path) -> None:
    head = Head(cluster, tmp_path / "killed", LONG | {"seeds": [1]})
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
    wait_until(lambda: job not in cluster.alive(), f"the end of job {job}")
    head.start(target)

    assert head.finish() == 0, head.log[-5000:]
    row = pandas.read_parquet(head.folder / target)
    assert row.resumes[0] == 0
    assert row.steps[0] == LONG["training"]["epochs"] * 4


def _fail_node_of(cluster: Cluster, job: str) -> None:
    node = cluster.run("squeue", "--noheader", "--format=%N", "--jobs", job).strip()
    cluster.run("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
    cluster.run("scontrol", "update", f"nodename={node}", "state=resume")


def _preempt(cluster: Cluster, head: Head, name: str) -> None:
    """Let jobs of the higher partition take every GPU for a moment."""
    job = head.owner(name)["job"]
    wait_until(lambda: _restarts(cluster, job) is not None, f"job {job}", head)
    before = _restarts(cluster, job) or 0
    take_all = ["--partition=gpu", "--nodes=2", "--gres=gpu:2", "--time=1", "--output=/dev/null", "--wrap=sleep 3"]
    cluster.run("sbatch", *take_all)
    wait_until(lambda: (_restarts(cluster, job) or before + 1) > before, f"{name} preempted", head)


def _restarts(cluster: Cluster, job: str) -> int | None:
    """How often Slurm has started a job again; None where it has forgotten it."""
    for word in cluster.run("scontrol", "show", "job", job).split():
        if word.startswith("Restarts="):
            return int(word.partition("=")[2])
    return None
