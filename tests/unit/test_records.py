"""What is known of jobs that were sent, without asking anybody but the files."""

import json
import os
import platform
from pathlib import Path
from typing import Any

import pytest

from fgir.cluster import records
from fgir.cluster.queue import jobs
from fgir.cluster.records import Record, new_folder, note
from fgir.utils.slurm import Job

WORK = ["train letters net cal 64 1"]


@pytest.fixture(autouse=True)
def without_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No command of Slurm is found."""
    monkeypatch.setenv("PATH", str(tmp_path))


def job(number: str, cluster: str = "") -> Job:
    """One of Slurm's queue."""
    return Job(number, "RUNNING", "fgir-submit", "1:00", "node1", "", Path(), cluster)


def sent(folder: Path, number: str = "12_3", executor: Any = "slurm", cluster: str = "") -> Record:
    made = (
        new_folder(folder) if not list((folder / records.LOGS).glob("*")) else next((folder / records.LOGS).iterdir())
    )
    files = ["results/run/train.parquet"]
    record = note(
        Record(number, executor, platform.node(), WORK, "results/run", files, made / f"{number}.json", cluster)
    )
    record.log.write_text("epoch 1/2\nFgirError: The file of weights is damaged.\nsrun: error: node1: task 0: Exited\n")
    return record


def finish(folder: Path) -> None:
    (folder / "results/run").mkdir(parents=True)
    (folder / "results/run/train.parquet").write_text("")


def test_a_queued_job_is_alive_and_its_log_stays(tmp_path: Path) -> None:
    record = sent(tmp_path)
    finish(tmp_path)

    assert [one.number for one in records.alive(tmp_path, [job("12_3")])] == ["12_3"]
    assert records.failed(tmp_path, [job("12_3")]) == []
    assert record.log.exists()


def test_of_a_job_that_ended_well_nothing_stays(tmp_path: Path) -> None:
    sent(tmp_path)
    sent(tmp_path, "12_31")
    finish(tmp_path)

    assert records.failed(tmp_path, []) == []
    assert list((tmp_path / records.LOGS).iterdir()) == []


def test_a_job_that_ended_badly_is_shown_with_what_it_said_last(tmp_path: Path) -> None:
    sent(tmp_path)

    [shown] = jobs(tmp_path).shown

    assert (shown.number, shown.state, shown.work) == ("12_3", "FAILED", WORK)
    assert shown.last_line == "FgirError: The file of weights is damaged."


def test_a_job_of_another_machine_is_neither_alive_nor_failed(tmp_path: Path) -> None:
    record = sent(tmp_path, "12", "local")
    record.file.write_text(json.dumps(json.loads(record.file.read_text()) | {"machine": "elsewhere"}))

    assert records.alive(tmp_path, []) == records.failed(tmp_path, []) == []
    assert record.file.exists()


def test_a_number_that_another_process_has_by_now_is_no_job(tmp_path: Path) -> None:
    sent(tmp_path, str(os.getpid()), "local")

    assert records.alive(tmp_path, []) == []
    assert len(records.failed(tmp_path, [])) == 1


def test_the_same_number_on_another_cluster_is_another_job(tmp_path: Path) -> None:
    sent(tmp_path, "12", cluster="far")

    assert records.alive(tmp_path, [job("12")]) == []
    assert [one.number for one in records.alive(tmp_path, [job("12", "far")])] == ["12"]


def test_a_job_sent_to_one_of_several_clusters_is_alive_on_any_of_them(tmp_path: Path) -> None:
    # An empty name is the cluster of this machine.
    sent(tmp_path, "12", cluster=",far")

    assert [len(records.alive(tmp_path, [job("12", name)])) for name in ("", "far", "near")] == [1, 1, 0]


def test_of_a_cluster_that_does_not_answer_no_job_has_failed(tmp_path: Path) -> None:
    sent(tmp_path, "12", cluster="far")

    assert records.failed(tmp_path, [], {"far"}) == []
    assert len(records.failed(tmp_path, [])) == 1
