"""Runs sent to Slurm outside the workflow: cancelled, failed, warned, requeued; and what Snakemake finds afterwards."""

import re
from pathlib import Path
from typing import NamedTuple

import pandas
import pytest
from lab import LONG, Cluster, Head, assert_same_weights, wait_until
from tiny import Bench

RUNS = [f"letters/net/cal/64/seed{seed}" for seed in LONG["seeds"]]


class Story(NamedTuple):
    """The output of `fgir jobs` and others while runs were sent, disturbed, and sent again."""

    head: Head
    first: str
    """The number of the array of runs that was sent first, one run at a time; then the second."""
    second: str
    sent: dict[str, str]
    """State by job, of `fgir jobs`, while the first run trained."""
    ended: str
    """After the first run was cancelled and the second failed."""
    sent_again: dict[str, str]
    twice: str
    """The output of a third `fgir submit`, while both trained."""
    refusal: str
    """The output of Snakemake then."""


@pytest.fixture(scope="module")
def story(cluster: Cluster, prepared_study: Bench, tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = prepared_study.copied(tmp_path_factory.mktemp("sent") / "there").folder
    head = Head(cluster, folder, LONG)
    weights = folder / "results/weights/net.safetensors"
    whole = weights.read_bytes()

    # What is held cannot end before it is looked at, however fast the machine.
    first = send(head, "--parallel", "1")
    with head.holding(RUNS[0]):
        sent = states(head)
        weights.write_bytes(b"no weights")
        cluster.run("scancel", f"{first}_0")
    wait_until(lambda: not cluster.alive(), "the runs have ended")
    ended = fgir(head, "jobs")
    weights.write_bytes(whole)
    second = send(head)
    with head.holding(RUNS[0]), head.holding(RUNS[1]):
        sent_again = states(head)
        twice = fgir(head, "submit", "config/study.yaml")
        head.start("all")
        assert head.finish() != 0
        cluster.run("scancel", "--signal=USR2", f"{second}_0")
        cluster.run("scontrol", "requeue", f"{second}_1")
    wait_until(lambda: not cluster.alive(), "the runs have ended")
    return Story(head, first, second, sent, ended, sent_again, twice, head.log)


def fgir(head: Head, *arguments: str) -> str:
    # As wide as a wide terminal.
    return head.bench.fgir(*arguments, environment=head.cluster.environment | {"COLUMNS": "160"}).stdout


def send(head: Head, *arguments: str) -> str:
    """Send the runs; the number of their array."""
    printed = fgir(head, "submit", "config/study.yaml", *arguments)
    found = re.search(r"Sent 2 runs, Slurm's job (\d+)", printed)
    assert found, printed
    return found[1]


def by_job(shown: str) -> dict[str, str]:
    """State by job, of what `fgir jobs` shows."""
    return dict(re.findall(r"^(\d+_\d+) +([A-Z]+) ", shown, re.MULTILINE))


def states(head: Head) -> dict[str, str]:
    return by_job(fgir(head, "jobs"))


def test_one_run_at_a_time_is_started(story: Story) -> None:
    assert story.sent == {f"{story.first}_0": "RUNNING", f"{story.first}_1": "PENDING"}


def test_a_cancelled_and_a_failed_run_are_shown_with_their_last_word_and_sent_again(story: Story) -> None:
    assert by_job(story.ended) == {f"{story.first}_0": "FAILED", f"{story.first}_1": "FAILED"}
    assert "train letters net cal 64 1" in story.ended
    assert "SIGTERM received" in story.ended
    assert "net.safetensors" in story.ended
    assert set(story.sent_again) == {f"{story.second}_0", f"{story.second}_1"}


def test_while_sent_runs_go_on_nothing_is_sent_and_snakemake_refuses_to_start(story: Story) -> None:
    assert "Nothing is left to send" in story.twice
    assert f"scancel {story.second}_" in story.refusal


def test_warned_and_requeued_runs_go_on_to_the_same_bits_and_snakemake_finds_them_done(
    story: Story, calm_study: Bench
) -> None:
    for run in RUNS:
        row = pandas.read_parquet(story.head.folder / "results/runs" / run / "train.parquet").iloc[0]
        assert row.resumes >= 1
        assert_same_weights(story.head.folder, calm_study.folder, run)
    assert states(story.head) == {}
    assert not list((story.head.folder / "logs/submitit").iterdir())
    assert story.head.bench.plan("all") == {"all": 1, "macs": 2, "timing": 2, "summary": 1, "figure": 1}


def test_runs_that_slurm_refuses_leave_everything_as_it_was(
    cluster: Cluster, prepared_study: Bench, tmp_path: Path
) -> None:
    refused = Head(cluster, prepared_study.copied(tmp_path / "there").folder, LONG, slurm_partition="nowhere")
    earlier = refused.folder / f"results/evaluations/{RUNS[0].replace('/64/', '/64-64/')}/metrics.parquet"
    earlier.parent.mkdir(parents=True)
    earlier.write_text("of an earlier training")

    printed = fgir(refused, "submit", "config/study.yaml")

    assert "Slurm did not take the runs: " in printed
    assert "nowhere" in printed
    assert earlier.read_text() == "of an earlier training"
    assert not cluster.alive()
