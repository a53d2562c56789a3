"""A finished study of which more is asked: what is made, and what another study of the folder finds."""

import shutil
from copy import deepcopy
from pathlib import Path
from typing import NamedTuple

import pandas
import pytest
from tiny import DATASETS, STUDY, Bench, jobs_by_rule

FROZEN = "results/runs/letters/net/frozen/64/seed1/train.parquet"
MACS = "results/cost/net/cal_nc/64/classes4/macs.parquet"
TIMED = "results/cost/net/cal_nc/64/letters/end_to_end.parquet"
END_TO_END = STUDY | {"timing": STUDY["timing"] | {"scope": "end_to_end", "passes": 3}}
FOUR_CLASSES = DATASETS | {"words": DATASETS["letters"] | {"classes": 4}}


class Extended(NamedTuple):
    """A study after one more run of Snakemake: its folder, the jobs of that run, and the training's time before."""

    bench: Bench
    jobs: dict[str, int]
    trained: float


@pytest.fixture(scope="module")
def extended(finished_study: Bench, tmp_path_factory: pytest.TempPathFactory) -> Extended:
    """A finished study that was asked for other classes, a timing end to end and a training once more."""
    bench = finished_study.copied(tmp_path_factory.mktemp("more") / "copy")
    trained = pandas.read_parquet(bench.folder / FROZEN).job_seconds.item()
    assert (bench.folder / "work/runs/letters/net/frozen/64/seed1/finished").exists()
    bench.write(END_TO_END | {"datasets": ["letters", "words"]}, datasets=deepcopy(FOUR_CLASSES))
    done = bench.snakemake(MACS, TIMED, FROZEN, "--forcerun", "train")
    assert done.returncode == 0, done.stdout
    return Extended(bench, jobs_by_rule(done.stdout), trained)


def test_only_what_is_asked_for_is_made(extended: Extended) -> None:
    assert extended.jobs == {"macs": 1, "end_to_end": 1, "train": 1}


def test_macs_are_counted_for_all_class_counts_at_once(extended: Extended, copied_study: Bench) -> None:
    cost = extended.bench.folder / "results/cost/net/cal_nc/64"
    copied_study.write(STUDY | {"datasets": ["letters", "words"]}, datasets=deepcopy(FOUR_CLASSES))

    jobs = copied_study.plan("all")

    assert (jobs["macs"], jobs["timing"]) == (3, 3)
    three, four = (pandas.read_parquet(cost / f"classes{count}/macs.parquet").iloc[0] for count in (3, 4))
    # CAL's classifier has no bias: 4 maps of 256 numbers for the class more.
    assert (three.classes, four.classes, four.macs_view - three.macs_view) == (3, 4, 4 * 256)


def test_to_ask_for_timings_end_to_end_measures_them_and_nothing_again(extended: Extended, copied_study: Bench) -> None:
    copied_study.write(END_TO_END)

    jobs = copied_study.plan("all")

    assert jobs == {"all": 1, "end_to_end": 3, "summary": 1, "figure": 1}
    row = pandas.read_parquet(extended.bench.folder / TIMED).iloc[0]
    assert (row.images, row.passes, row.status) == (9, 3, "ok")
    assert row.throughput > 0
    assert row.latency > 0


def test_a_training_that_is_forced_is_done_again_and_not_put_back(extended: Extended) -> None:
    assert pandas.read_parquet(extended.bench.folder / FROZEN).job_seconds.item() != extended.trained


def test_another_study_of_the_folder_finds_its_costs(extended: Extended, copied_study: Bench) -> None:
    shutil.copytree(extended.bench.folder / "results/cost", copied_study.folder / "results/cost", dirs_exist_ok=True)

    assert copied_study.plan("all") == {}


def test_a_training_made_anew_with_the_same_bits_makes_the_tables_anew_and_nothing_else(
    extended: Extended, tmp_path: Path
) -> None:
    bench = extended.bench.copied(tmp_path / "copy")
    bench.write(STUDY)

    assert bench.plan("all") == {"all": 1, "summary": 1, "figure": 1}
