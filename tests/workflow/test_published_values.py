"""A study that names published accuracies to compare with, in the folder of another."""

from copy import deepcopy
from pathlib import Path

import pandas
import pytest
from tiny import STUDY, Bench

HEADER = "dataset,backbone,setting,train_size,test_size,top1,seeds,source\n"
COMPARED = deepcopy(STUDY) | {"settings": ["frozen", "cal"], "published_file": "config/published.csv"}
CELL = "results/cells/letters/net/cal/64-64.parquet"
TABLES_ALONE = {"all": 1, "summary": 1, "figure": 1}


def publish(bench: Bench, cal: float) -> Path:
    file = bench.folder / "config/published.csv"
    file.write_text(HEADER + f"letters,net,cal,64,64,{cal},3,a paper\nletters,net,cal,224,224,99,3,a paper\n")
    return file


@pytest.fixture(scope="module")
def compared_study(finished_study: Bench, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The tables and a cell of the study that compares; another study has trained and evaluated."""
    bench = finished_study.copied(tmp_path_factory.mktemp("compared") / "copy")
    publish(bench, 41.5)
    bench.write(COMPARED)
    assert bench.plan("all") == TABLES_ALONE
    done = bench.snakemake("all", CELL)
    assert done.returncode == 0, done.stdout
    return bench


def test_published_values_fill_the_summary_and_the_cell(compared_study: Bench) -> None:
    summary = pandas.read_parquet(compared_study.folder / "results/summary.parquet").set_index("setting")

    assert summary.published_top1.dropna().to_dict() == {"cal": 41.5}
    assert summary.published_source["cal"] == "a paper"
    assert pandas.read_parquet(compared_study.folder / CELL).published_top1[0] == 41.5


def test_a_cell_that_is_asked_for_is_made_and_equals_its_row_of_the_summary(compared_study: Bench) -> None:
    summary = pandas.read_parquet(compared_study.folder / "results/summary.parquet").drop(columns="pareto")

    cell = pandas.read_parquet(compared_study.folder / CELL).drop(columns="pareto")

    assert [path.name for path in (compared_study.folder / "results/cells").rglob("*.parquet")] == ["64-64.parquet"]
    row = summary[summary.setting == "cal"].reset_index(drop=True)
    # Beside a cell without, pandas reads the published number of seeds as a float.
    pandas.testing.assert_frame_equal(cell, row, check_dtype=False)


def test_settings_of_a_shared_folder_come_and_go_without_evaluating_again(
    compared_study: Bench, tmp_path: Path
) -> None:
    bench = compared_study.copied(tmp_path / "copy")
    bench.write(STUDY)

    assert bench.plan("all") == TABLES_ALONE


def test_changed_or_moved_published_values_train_nothing(compared_study: Bench, tmp_path: Path) -> None:
    bench = compared_study.copied(tmp_path / "copy")
    published = publish(bench, 41.7)
    assert bench.plan("all") == TABLES_ALONE

    # The file's place is an input, and part of no spec.
    moved = published.with_suffix("") / "paper.csv"
    moved.parent.mkdir()
    published.rename(moved)
    refused = bench.snakemake("all", "--dry-run")
    assert (
        "config/published.csv (published accuracies) does not exist; name config/published/paper.csv" in refused.stdout
    )
    bench.write(COMPARED | {"published_file": "config/published/paper.csv"})
    assert bench.plan("all") == TABLES_ALONE


def test_a_fault_in_the_published_values_is_one_sentence_before_any_job(empty_study: Bench) -> None:
    empty_study.write(COMPARED)
    missing = empty_study.snakemake("all")
    (empty_study.folder / "config/published.csv").write_text(HEADER + "letters,net,call,64,64,41.5,3,a paper\n")
    misspelt = empty_study.snakemake("all")

    assert (missing.returncode, misspelt.returncode) == (1, 1)
    assert "config/published.csv (published accuracies) does not exist; check published_file" in missing.stdout
    assert 'config/published.csv, line 2: there is no setting "call"; did you mean "cal"?' in misspelt.stdout
    assert "Traceback" not in missing.stdout + misspelt.stdout
    assert not (empty_study.folder / "results").exists()
