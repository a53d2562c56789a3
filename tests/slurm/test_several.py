"""A run on four GPUs of two nodes."""

from pathlib import Path
from typing import Any

import pandas
import pytest
import torch
from lab import Cluster, Head
from safetensors.torch import load_file
from tiny import STUDY, Bench

# Few updates of large batches: rounding in CAL grows with each of them.
SEVERAL: dict[str, Any] = STUDY | {
    "settings": ["finetuned", "cal", "cal_nc"],
    "training": STUDY["training"] | {"batch_size": 8, "epochs": 1},
    "tuning": {"learning_rates": {"finetuned": [0.01], "cal": [0.01]}},
}


def test_four_processes_on_two_nodes_train_what_one_does(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = Bench(tmp_path / "alone")
    alone.folder.mkdir()
    alone.write(SEVERAL)
    runs = [f"results/runs/letters/net/{regime}/64/seed1" for regime in ("finetuned", "cal")]
    # Two evaluations of one run share its allocation.
    targets = [f"results/evaluations/letters/net/{name}/64-64/seed1/metrics.parquet" for name in SEVERAL["settings"]]
    done = alone.snakemake(*targets)
    assert done.returncode == 0, done.stdout
    # The nodes of the test cluster do not know each other by name.
    monkeypatch.setitem(cluster.environment, "MASTER_ADDR", "127.0.0.1")
    head = Head(cluster, tmp_path / "several", SEVERAL, threads=2, gres="gpu:2", train={"nodes": 2, "processes": 4})

    head.start(*targets, "--retries", "0")

    assert head.finish() == 0, head.log[-5000:]
    for run in runs:
        row = pandas.read_parquet(head.folder / run / "train.parquet").iloc[0]
        assert (row.processes, row.images) == (4, 16)
        ours, theirs = (load_file(folder / run / "model.safetensors") for folder in (head.folder, alone.folder))
        # Sums over a batch are taken in another order.
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)
    jobs_on = cluster.run("sacct", "--allocations", "--noheader", "--format=NNodes,ReqTRES%80").splitlines()
    assert sum(line.split()[0] == "2" and "gres/gpu=4" in line for line in jobs_on) >= len(runs)
