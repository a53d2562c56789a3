"""A study that names published accuracies to compare with."""

from copy import deepcopy

import pandas
from tiny import STUDY, Bench

HEADER = "dataset,backbone,setting,train_size,test_size,top1,seeds,source\n"
COMPARED = deepcopy(STUDY) | {"published_file": "config/published.csv"}


def test_published_values_fill_the_summary_and_a_change_of_them_trains_nothing(copied_study: Bench) -> None:
    published = copied_study.folder / "config/published.csv"
    published.write_text(HEADER + "letters,net,cal,64,64,41.5,3,a paper\nletters,net,cal,224,224,99,3,a paper\n")
    copied_study.write(COMPARED)

    assert copied_study.plan("all") == {"all": 1, "summary": 1, "figure": 1}
    cell = "results/cells/letters/net/cal/64-64.parquet"
    done = copied_study.snakemake("all", cell)
    assert done.returncode == 0, done.stdout
    summary = pandas.read_parquet(copied_study.folder / "results/summary.parquet").set_index("setting")
    assert summary.published_top1.dropna().to_dict() == {"cal": 41.5}
    assert summary.published_source["cal"] == "a paper"
    assert pandas.read_parquet(copied_study.folder / cell).published_top1[0] == 41.5

    published.write_text(HEADER + "letters,net,cal,64,64,41.7,3,a paper\n")
    assert copied_study.plan("all") == {"all": 1, "summary": 1, "figure": 1}

    # The file's place is an input, and part of no spec.
    moved = published.with_suffix("") / "paper.csv"
    moved.parent.mkdir()
    published.rename(moved)
    refused = copied_study.snakemake("all", "--dry-run")
    assert (
        "config/published.csv (published accuracies) does not exist; name config/published/paper.csv" in refused.stdout
    )
    copied_study.write(COMPARED | {"published_file": "config/published/paper.csv"})
    assert copied_study.plan("all") == {"all": 1, "summary": 1, "figure": 1}


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
