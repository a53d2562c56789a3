"""Jobs that failed: the sentence of each, and the cells that wait for them."""

from pathlib import Path

import pytest

from fgir.results.failures import failures_in, note_failure, sentence_of
from fgir.results.upstream import failed_upstream
from fgir.specs import CellSpec
from fgir.study import Cell
from fgir.study.address import FAILED


def spec(dataset: str = "cub", backbone: str = "net", setting: str = "cal_nc", test_size: int = 96) -> CellSpec:
    return CellSpec(
        **Cell(dataset, backbone, setting, 64, test_size)._asdict(),  # type: ignore[arg-type]
        dataset_title="",
        backbone_title="",
        family="",
        pretraining="",
        classes=8,
        seeds=[1, 10],
    )


@pytest.mark.parametrize(
    ("log", "sentence"),
    [
        ("Reading images 100%\nfgir manifest: a.png is empty; replace it.\n", "a.png is empty; replace it."),
        ("fgir split: 2 faults\n  one\n  two\n", "2 faults one two"),
        ("Traceback (most recent call last):\n  File x\nKeyError: 'y'\n", "KeyError: 'y'"),
        ("epoch 3\n", "its log ends without an error, as that of a job that was killed: out of memory or time?"),
        ("", "its log ends without an error, as that of a job that was killed: out of memory or time?"),
    ],
)
def test_a_jobs_sentence_is_what_its_log_ends_in(tmp_path: Path, log: str, sentence: str) -> None:
    path = tmp_path / "job.log"
    path.write_text(log)

    assert sentence_of(path) == sentence


def test_damaged_notes_are_passed_over(tmp_path: Path) -> None:
    note_failure(tmp_path, "train", [str(tmp_path / "a.log")], [])
    with (tmp_path / FAILED).open("ab") as stream:
        stream.write(b'\xff{\n{"rule": 1}\n[1]\n{"rule": "tr')

    assert [one.rule for one in failures_in(tmp_path)] == ["train"]


def test_a_job_without_a_log_is_told_too(tmp_path: Path) -> None:
    assert "it has no log" in sentence_of(tmp_path / "none.log")


def test_a_job_that_ended_well_at_another_attempt_is_no_failure_and_others_are_told_once(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/net.safetensors").touch()

    note_failure(tmp_path, "weights", ["net.log"], [f"{tmp_path}/weights/net.safetensors"])
    note_failure(tmp_path, "split", ["cub.log"], [f"{tmp_path}/data/cub/split.parquet"])
    note_failure(tmp_path, "split", ["cub.log"], [f"{tmp_path}/data/cub/split.parquet"])

    assert [failure.rule for failure in failures_in(tmp_path)] == ["split"]


@pytest.mark.parametrize(
    ("output", "concerned"),
    [
        ("data/cub/manifest.parquet", True),
        ("data/cars/manifest.parquet", False),
        ("data/cub/pixels/128.npy", True),
        ("weights/net.safetensors", True),
        ("weights/net2.safetensors", False),
        ("tuning/cub/net/cal/64/lr0.1.parquet", True),
        ("tuning/cub/net/frozen/64/candidates.parquet", False),
        ("runs/cub/net/cal/64/seed10/model.safetensors", True),
        ("runs/cub/net/cal/64/seed7/model.safetensors", False),
        ("runs/cub/net/calmix/64/seed10/model.safetensors", False),
        ("evaluations/cub/net/cal_nc/64-96/seed1/metrics.parquet", True),
        ("evaluations/cub/net/cal_nc/64-64/seed1/metrics.parquet", False),
        ("cost/net/cal_nc/96/classes8/timing.parquet", True),
        ("cost/net/cal/96/classes8/timing.parquet", False),
        ("cost/net/cal_nc/96/classes9/macs.parquet", False),
        ("cost/net/cal_nc/96/cub/end_to_end.parquet", True),
        ("cost/net/cal_nc/96/cars/end_to_end.parquet", False),
        ("figures/cub.png", False),
    ],
)
def test_a_cell_waits_for_the_jobs_that_it_stands_on(tmp_path: Path, output: str, concerned: bool) -> None:
    note_failure(tmp_path, "some", ["some.log"], [f"{tmp_path}/{output}"])

    assert bool(failed_upstream(spec(), failures_in(tmp_path))) == concerned


def test_a_frozen_cell_waits_for_the_search_of_all_its_candidates(tmp_path: Path) -> None:
    note_failure(tmp_path, "tune_frozen", ["a.log"], [f"{tmp_path}/tuning/cub/net/frozen/64/candidates.parquet"])

    assert failed_upstream(spec(setting="frozen"), failures_in(tmp_path))
