"""A run on four GPUs of two nodes."""

import re
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
    "training": STUDY["training"] | {"batch_size": 8, "epochs": 1},
    "tuning": {"learning_rates": {"finetuned": [0.01], "cal": [0.01]}},
}
TUNED, CAL = (f"results/runs/letters/net/{regime}/64/seed1" for regime in ("finetuned", "cal"))
ON_FOUR: dict[str, Any] = {"threads": 2, "gres": "gpu:2", "train": {"nodes": 2, "processes": 4}}
# Of each of the two nodes two GPUs, the profile's two cores, and the memory of one evaluation.
ASKED = "billing=4,cpu=4,gres/gpu=4,mem=16000M,node=2"


@pytest.fixture(scope="module")
def alone(prepared_study: Bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs of one process each, on this machine."""
    bench = prepared_study.copied(tmp_path_factory.mktemp("alone") / "study")
    bench.write(TWO_METHODS)
    done = bench.fgir("submit", "--local", "--parallel", "2", "config/study.yaml")
    assert done.returncode == 0, done.stdout
    return bench.folder


@pytest.fixture
def nodes(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The test cluster, whose nodes do not know each other by name."""
    monkeypatch.setitem(cluster.environment, "MASTER_ADDR", "127.0.0.1")
    return cluster


def assert_trained_on_four_as(alone: Path, folder: Path, run: str) -> None:
    row = pandas.read_parquet(folder / run / "train.parquet").iloc[0]
    assert (row.processes, row.images) == (4, 16)
    expected = pandas.read_parquet(alone / run / "train.parquet").iloc[0]
    # Sums over a batch are taken in another order, and masks of CAL enlarge that.
    assert row.train_loss == pytest.approx(expected.train_loss, rel=1e-2)


def jobs_on_several_gpus(head: Head) -> list[str]:
    """Return what each job of a folder asked for that trains on more than one GPU."""
    return [job for job in head.jobs("ReqTRES") if re.search(r"gres/gpu=[2-9]", job)]


def test_four_processes_on_two_nodes_train_what_one_does(
    nodes: Cluster, prepared_study: Bench, alone: Path, tmp_path: Path
) -> None:
    both_sizes = TWO_METHODS | {"test_sizes": [64, 96]}
    head = Head(nodes, prepared_study.copied(tmp_path / "two-nodes").folder, both_sizes, **ON_FOUR)
    # Evaluations share the allocation of their run.
    evaluated = [
        f"results/evaluations/letters/net/{name}/seed1/metrics.parquet" for name in ("cal/64-64", "cal_nc/64-96")
    ]

    head.start(*evaluated, "--retries", "0")

    assert head.finish() == 0, head.log[-5000:]
    assert_trained_on_four_as(alone, head.folder, CAL)
    assert all((head.folder / file).exists() for file in evaluated)
    # Two evaluations follow each other: their job asks for no more cores and memory than that of one.
    assert jobs_on_several_gpus(head) == [ASKED]


def test_four_processes_sent_without_the_workflow_train_what_one_does(
    nodes: Cluster, prepared_study: Bench, alone: Path, tmp_path: Path
) -> None:
    head = Head(nodes, prepared_study.copied(tmp_path / "sent").folder, TWO_METHODS, **ON_FOUR)

    printed = head.bench.fgir("submit", "--study", "config/study.yaml", TUNED, environment=nodes.environment).stdout

    assert "Sent 1 run" in printed, printed
    wait_until(lambda: not nodes.alive(), "the end of the run")
    assert_trained_on_four_as(alone, head.folder, TUNED)
    ours, theirs = (load_file(folder / TUNED / "model.safetensors") for folder in (head.folder, alone))
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)
    assert (head.folder / "results/evaluations/letters/net/finetuned/64-64/seed1/metrics.parquet").exists()
    assert jobs_on_several_gpus(head) == [ASKED]
