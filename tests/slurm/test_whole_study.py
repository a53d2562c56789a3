"""A whole small study on a real Slurm."""

import shutil
from pathlib import Path

import pandas
import pytest
from lab import Cluster, Head
from tiny import STUDY, Bench

pytestmark = pytest.mark.xdist_group("slurm-faults")

# What a clock measures or a machine is, and so differs from run to run.
MEASURED = (
    *("throughput", "throughput_q1", "throughput_q3", "latency", "latency_q1", "latency_q3"),
    *("timing_status", "unsteady", "timing_error", "timing_load"),
    *("inference_memory", "train_hours", "train_job_hours", "train_memory", "threads"),
)


def test_the_summary_equals_that_of_one_machine_value_for_value(
    cluster: Cluster, finished_study: Bench, tmp_path: Path
) -> None:
    head = Head(cluster, tmp_path / "there", STUDY)
    # One model's costs show how the others' are found.
    for network in ("cal", "cal_nc"):
        cost = f"results/cost/net/{network}"
        shutil.copytree(finished_study.folder / cost, head.folder / cost)

    head.start("all")

    assert head.finish() == 0, head.log
    ours, theirs = (
        pandas.read_parquet(folder / "results/summary.parquet").drop(columns=list(MEASURED))
        for folder in (head.folder, finished_study.folder)
    )
    pandas.testing.assert_frame_equal(ours, theirs, check_exact=True)
    assert set(ours.status) == {"ok"}
    # Training and evaluation of a run share one allocation; jobs without a GPU never hold one.
    jobs = head.jobs("ReqTRES,Comment")
    assert sum("gres/gpu=1" in job and "rule_run" in job for job in jobs) == 2
    assert all("cpu=1," in job and "mem=8000M" in job for job in jobs if "gres/gpu=1" in job)
    without_gpu = [job for job in jobs if "rule_manifest" in job or "rule_macs" in job]
    assert len(without_gpu) == 2
    assert not any("gpu=" in job for job in without_gpu)
    assert not list((head.folder / "logs/slurm").rglob("*.log"))
