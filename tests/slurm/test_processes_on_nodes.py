"""A run on four GPUs of two nodes."""

import shutil
from pathlib import Path
from typing import Any

import pandas
import pytest
import torch
from lab import Cluster, Head, wait_until
from safetensors.torch import load_file
from tiny import STUDY, Bench

TWO_METHODS: dict[str, Any] = STUDY | {
    "settings": ["finetuned", "cal", "cal_nc"],
    "test_sizes": [64, 96],
    "training": STUDY["training"] | {"batch_size": 8, "epochs": 1},
    "tuning": {"learning_rates": {"finetuned": [0.01], "cal": [0.01]}},
}
RUNS = [f"results/runs/letters/net/{regime}/64/seed1" for regime in ("finetuned", "cal")]
# The evaluations of a run share its allocation: one of the first, two of the second.
EVALUATED = (("finetuned", 64), ("cal", 64), ("cal_nc", 96))
METRICS = [f"results/evaluations/letters/net/{name}/64-{size}/seed1/metrics.parquet" for name, size in EVALUATED]
ON_FOUR: dict[str, Any] = {"threads": 2, "gres": "gpu:2", "train": {"nodes": 2, "processes": 4}}


@pytest.fixture(scope="module")
def alone(prepared_study: Bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs of one process each, on this machine."""
    bench = prepared_study.copied(tmp_path_factory.mktemp("alone") / "study")
    bench.write(TWO_METHODS)
    done = bench.snakemake(*METRICS)
    assert done.returncode == 0, done.stdout
    return bench.folder


@pytest.fixture
def nodes(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The test cluster, whose nodes do not know each other by name."""
    monkeypatch.setitem(cluster.environment, "MASTER_ADDR", "127.0.0.1")
    return cluster


def assert_trained_as(alone: Path, folder: Path, runs: list[str]) -> None:
    for run in runs:
        row = pandas.read_parquet(folder / run / "train.parquet").iloc[0]
        assert (row.processes, row.images) == (4, 16)
        expected = pandas.read_parquet(alone / run / "train.parquet").iloc[0]
        # Sums over a batch are taken in another order, and masks of CAL enlarge that.
        assert row.train_loss == pytest.approx(expected.train_loss, rel=1e-2)
    ours, theirs = (load_file(one / RUNS[0] / "model.safetensors") for one in (folder, alone))
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


def jobs_on_four_gpus(cluster: Cluster) -> list[str]:
    """What each of them asked for."""
    lines = cluster.run("sacct", "--allocations", "--noheader", "--format=NNodes,ReqTRES%80").splitlines()
    return [line for line in lines if line.split()[0] == "2" and "gres/gpu=4" in line]


def test_four_processes_on_two_nodes_train_what_one_does(nodes: Cluster, alone: Path, tmp_path: Path) -> None:
    head = Head(nodes, tmp_path / "two-nodes", TWO_METHODS, **ON_FOUR)
    before = len(jobs_on_four_gpus(nodes))

    head.start(*METRICS, "--retries", "0")

    assert head.finish() == 0, head.log[-5000:]
    assert_trained_as(alone, head.folder, RUNS)
    assert all((head.folder / file).exists() for file in METRICS)
    jobs = jobs_on_four_gpus(nodes)[before:]
    assert len(jobs) == len(RUNS)
    # Two evaluations follow each other: their job asks for no more cores and memory than that of one.
    assert len(set(jobs)) == 1, jobs


def test_four_processes_sent_without_the_workflow_train_what_one_does(
    nodes: Cluster, alone: Path, tmp_path: Path
) -> None:
    shutil.copytree(alone, tmp_path / "sent", symlinks=True)
    for made in ("results/runs", "results/evaluations", "work"):
        shutil.rmtree(tmp_path / "sent" / made)
    head = Head(nodes, tmp_path / "sent", TWO_METHODS, **ON_FOUR)
    before = len(jobs_on_four_gpus(nodes))
    targets = ["--study", "config/study.yaml", RUNS[0]]

    printed = head.bench.fgir("submit", *targets, environment=nodes.environment).stdout

    assert "Sent 1 run" in printed, printed
    wait_until(lambda: not nodes.alive(), "the end of the run")
    assert_trained_as(alone, head.folder, RUNS[:1])
    assert (head.folder / METRICS[0]).exists()
    assert len(jobs_on_four_gpus(nodes)) == before + 1
