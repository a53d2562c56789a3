"""Runs sent to Slurm outside the workflow: warned, requeued, cancelled, failed; and what Snakemake finds afterwards."""

import re
from pathlib import Path

import pandas
import pytest
from lab import Cluster, Head, wait_until
from safetensors.torch import load_file
from tiny import STUDY, Bench

LONGER = STUDY | {
    "settings": ["cal", "cal_nc"],
    "seeds": [1, 2],
    "training": STUDY["training"] | {"epochs": 60},
}
RUNS = [f"letters/net/cal/64/seed{seed}" for seed in (1, 2)]


@pytest.fixture
def head(cluster: Cluster, prepared_study: Bench, tmp_path: Path) -> Head:
    return Head(cluster, prepared_study.copied(tmp_path / "there").folder, LONGER)


def fgir(head: Head, *arguments: str) -> str:
    # As wide as a wide terminal.
    return head.bench.fgir(*arguments, environment=head.cluster.environment | {"COLUMNS": "160"}).stdout


def sent(head: Head, *arguments: str) -> str:
    """The number of the array of runs that are sent."""
    printed = fgir(head, "submit", "config/study.yaml", *arguments)
    found = re.search(r"Sent 2 runs, Slurm's job (\d+)", printed)
    assert found, printed
    return found[1]


def states(head: Head) -> dict[str, str]:
    """State by job, of `fgir jobs`."""
    return dict(re.findall(r"^(\d+_\d+) +([A-Z]+) ", fgir(head, "jobs"), re.MULTILINE))


def wait_for_state(head: Head, run: str) -> None:
    wait_until(lambda: (head.folder / "work/runs" / run / "newest.state").exists(), f"{run} has saved a state")


def test_warned_and_requeued_runs_go_on_to_the_same_bits_and_snakemake_finds_them_done(
    head: Head, prepared_study: Bench, tmp_path: Path
) -> None:
    array = sent(head, "--parallel", "1")
    wait_for_state(head, RUNS[0])

    assert states(head) == {f"{array}_0": "RUNNING", f"{array}_1": "PENDING"}
    # Before what follows, which may take as long as the run on a busy machine.
    head.cluster.run("scancel", "--signal=USR2", f"{array}_0")
    assert "Nothing is left to send" in fgir(head, "submit", "config/study.yaml")
    head.start("all")
    assert head.finish() != 0
    assert f"scancel {array}_" in head.log
    wait_for_state(head, RUNS[1])
    head.cluster.run("scontrol", "requeue", f"{array}_1")
    wait_until(lambda: not head.cluster.alive(), "the runs have ended")

    calm = prepared_study.copied(tmp_path / "here")
    calm.write(LONGER)
    done = calm.fgir("submit", "--local", "--parallel", "2", "config/study.yaml")
    assert done.returncode == 0, done.stdout
    for run in RUNS:
        ours, theirs = (folder / "results/runs" / run for folder in (head.folder, calm.folder))
        assert pandas.read_parquet(ours / "train.parquet").resumes[0] >= 1
        weights = load_file(theirs / "model.safetensors")
        assert all(tensor.equal(weights[name]) for name, tensor in load_file(ours / "model.safetensors").items())
    assert states(head) == {}
    assert not list((head.folder / "logs/submitit").iterdir())
    assert head.bench.plan("all") == {"all": 1, "macs": 2, "timing": 2, "summary": 1, "figure": 1}


def test_runs_that_slurm_refuses_leave_everything_as_it_was(head: Head) -> None:
    refused = Head(head.cluster, head.folder, LONGER, slurm_partition="nowhere")
    earlier = head.folder / f"results/evaluations/{RUNS[0].replace('/64/', '/64-64/')}/metrics.parquet"
    earlier.parent.mkdir(parents=True)
    earlier.write_text("of an earlier training")

    printed = fgir(refused, "submit", "config/study.yaml")

    assert "Slurm did not take the runs: " in printed
    assert "nowhere" in printed
    assert earlier.read_text() == "of an earlier training"
    assert not head.cluster.alive()


def test_a_cancelled_and_a_failed_run_are_shown_with_their_last_word_and_sent_again(head: Head) -> None:
    weights = head.folder / "results/weights/net.safetensors"
    whole = weights.read_bytes()
    array = sent(head)
    wait_for_state(head, RUNS[0])
    wait_for_state(head, RUNS[1])
    head.cluster.run("scancel", f"{array}_0")
    weights.write_bytes(b"no weights")
    head.cluster.run("scontrol", "requeue", f"{array}_1")
    wait_until(lambda: not head.cluster.alive(), "the runs have ended")

    shown = fgir(head, "jobs")

    assert set(states(head).items()) == {(f"{array}_0", "FAILED"), (f"{array}_1", "FAILED")}
    assert "train letters net cal 64 1" in shown
    assert "SIGTERM received" in shown
    assert "net.safetensors" in shown
    weights.write_bytes(whole)
    again = sent(head)
    wait_for_state(head, RUNS[1])
    assert set(states(head)) == {f"{again}_0", f"{again}_1"}
    head.cluster.run("scancel", again)
    wait_until(lambda: not head.cluster.alive(), "the runs have ended")
