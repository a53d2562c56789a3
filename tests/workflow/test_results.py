"""What a user finds after Snakemake has run."""

import os
import shutil
from copy import deepcopy
from itertools import product
from pathlib import Path

import numpy as np
import pandas
import pytest
import yaml
from PIL import Image
from safetensors.torch import load_file
from tiny import DATASETS, STUDY, Bench

from fgir.evaluation.evaluate import evaluate
from fgir.results.columns import TABLES
from fgir.study import Run, Setting
from fgir.workflow.graph import Evaluation


def test_the_summary_reads_with_pandas_and_has_a_row_a_cell(finished_study: Bench) -> None:
    summary = pandas.read_parquet(finished_study.folder / "results/summary.parquet")

    assert list(summary.columns) == [column.name for column in TABLES["summary"]]
    assert list(summary.setting) == ["frozen", "cal", "cal_nc"]
    assert list(summary.status) == ["ok"] * 3
    assert list(summary.views) == [1, 8, 1]
    assert list(summary.weights) == ["none (random)"] * 3
    assert summary.top1.between(0, 100).all()
    assert (summary.throughput > 0).all()
    assert summary.macs_image[1] == 8 * summary.macs_image[2]
    assert summary.train_hours[1] == summary.train_hours[2]
    # Frozen: the linear head alone, of 256 numbers and three classes.
    assert list(summary.trainable) == [256 * 3 + 3, summary.parameters[1], summary.parameters[2]]
    assert summary.pareto.any()


def test_every_file_of_the_design_is_where_it_can_be_guessed(finished_study: Bench) -> None:
    results = finished_study.folder / "results"

    for path in (
        "data/letters/manifest.parquet",
        "data/letters/split.parquet",
        "data/letters/pixels/85.npy",
        "tuning/letters/net/frozen/64/candidates.parquet",
        "tuning/letters/net/frozen/64/best.parquet",
        "runs/letters/net/cal/64/seed1/model.safetensors",
        "runs/letters/net/cal/64/seed1/history.parquet",
        "runs/letters/net/cal/64/seed1/train.parquet",
        "evaluations/letters/net/cal_nc/64-64/seed1/metrics.parquet",
        "evaluations/letters/net/cal_nc/64-64/seed1/predictions.parquet",
        "cost/net/cal_nc/64/classes3/macs.parquet",
        "cost/net/cal_nc/64/classes3/timing.parquet",
        "evaluations.parquet",
        "summary.parquet",
        "figures/letters.png",
        "figures/letters.svg",
    ):
        assert (results / path).stat().st_size > 0
    assert not (finished_study.folder / "work").exists() or not any((finished_study.folder / "work").rglob("*.state"))


def test_two_settings_of_one_regime_are_evaluated_on_the_same_weights(finished_study: Bench) -> None:
    runs = list((finished_study.folder / "results/runs").rglob("model.safetensors"))
    evaluations = pandas.read_parquet(finished_study.folder / "results/evaluations.parquet")

    cal, centre = (
        pandas.read_parquet(
            finished_study.folder / f"results/evaluations/letters/net/{name}/64-64/seed1/predictions.parquet"
        )
        for name in ("cal", "cal_nc")
    )
    assert len(runs) == 2
    assert len(evaluations) == 3
    assert not cal.label_probability.equals(centre.label_probability)
    assert "centre" in load_file(finished_study.folder / "results/runs/letters/net/cal/64/seed1/model.safetensors")


@pytest.mark.parametrize("setting", ["cal", "cal_nc"])
def test_a_setting_evaluated_alone_gives_what_it_gives_together(
    finished_study: Bench, tmp_path: Path, setting: Setting
) -> None:
    graph = finished_study.graph(STUDY | {"settings": [setting]})
    run = Run("letters", "net", "cal", 64, 1)
    kind, job = graph.evaluate(run), Evaluation.at(run, 64)
    read, together = kind.inputs(job), Path(kind.paths(job)["predictions"])

    evaluate(
        kind.spec(job),
        {setting: tmp_path / "metrics.parquet"},
        Path(read["model"]).parent,
        Path(read["split"]),
        Path(read["images"]),
        workers=1,
    )

    # Images and their mirrors in one batch are convolved in another order than images alone.
    pandas.testing.assert_frame_equal(
        pandas.read_parquet(tmp_path / "predictions.parquet"), pandas.read_parquet(together), rtol=1e-4
    )


def leaky_folder(folder: Path) -> dict[str, str]:
    """Write a folder of images, one of which is in train and in test, and return its entry of the catalogue."""
    draw = np.random.default_rng(0)
    for part, name, number in product(("train", "test"), ("ash", "oak"), range(3)):
        path = folder / part / name / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(path)
    shutil.copy(folder / "train/ash/0.png", folder / "test/ash/0.png")
    return {"source": "folder", "path": str(folder)}


@pytest.fixture(scope="module")
def troubled_study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, str]:
    """Of one dataset a test image is in train too; of the other a regime's learning rate makes the loss non-finite.

    It reads images without a pixel store, one job at a time.
    """
    study = deepcopy(STUDY) | {"datasets": ["letters", "trees"], "settings": ["frozen", "finetuned"]}
    study["data"]["pixels"] = "decode"
    study["tuning"] = {"learning_rates": {"frozen": [0.1], "finetuned": [1e30]}}
    study["training"]["clip_norm"] = 1e30
    bench = Bench(tmp_path_factory.mktemp("troubled"))
    bench.write(study, datasets=DATASETS | {"trees": leaky_folder(bench.folder / "pictures")})
    return bench, bench.snakemake("all", "--cores", "1").stdout


def test_a_failing_cell_does_not_stop_the_others_and_shows_in_the_partial_summary(
    troubled_study: tuple[Bench, str],
) -> None:
    bench, _ = troubled_study

    summary = pandas.read_parquet(bench.folder / "results/summary.partial.parquet").set_index(["dataset", "setting"])

    assert summary.status.tolist() == ["ok", "diverged", "missing", "missing"]
    assert summary.top1.notna().tolist() == [True, False, False, False]
    assert "non-finite" in summary.error["letters", "finetuned"]
    # What failed upstream, not only what is not there.
    for setting in ("frozen", "finetuned"):
        assert summary.error["trees", setting].startswith("manifest: ")
        assert "test/ash/0.png" in summary.error["trees", setting]
    assert len(pandas.read_parquet(bench.folder / "results/evaluations.partial.parquet")) == 2


def test_a_leak_is_found_before_weights_are_fetched_or_anything_is_computed(troubled_study: tuple[Bench, str]) -> None:
    _, output = troubled_study

    found = output.index("Error in rule manifest")

    for later in ("rule weights:", "rule macs:", "rule timing:", "rule train:"):
        assert output.index(later) > found


def test_the_end_of_a_failed_run_repeats_each_jobs_sentence_with_its_log(troubled_study: tuple[Bench, str]) -> None:
    _, output = troubled_study

    printed = output[output.index("Exiting because a job execution failed") :].splitlines()

    [line] = [line for line in printed if line.startswith("  manifest: ")]
    assert "test/ash/0.png" in line
    assert line.endswith("(logs/manifest/trees.log)")
    assert "1 job failed:" in printed


def test_figures_of_the_datasets_that_are_whole_are_drawn_after_a_failure(troubled_study: tuple[Bench, str]) -> None:
    bench, output = troubled_study

    drawn = sorted(path.name for path in (bench.folder / "results/figures").rglob("*.*"))

    assert drawn == ["letters.png", "letters.svg"]
    assert "Figures of letters, whose cells are all there: results/figures/partial/" in output


def test_fgir_show_finds_what_a_failed_run_left(troubled_study: tuple[Bench, str]) -> None:
    bench, _ = troubled_study

    shown = bench.fgir("show", environment=os.environ | {"COLUMNS": "100"})

    assert shown.returncode == 0, shown.stdout
    assert "2 cells missing: manifest: 1 image is in two parts" in shown.stdout
    assert "results/summary.partial.parquet: what a failed run left, 2 of 4 cells." in shown.stdout


def test_without_a_pixel_store_images_are_decoded_and_no_store_is_made(troubled_study: tuple[Bench, str]) -> None:
    bench, _ = troubled_study

    assert not list(bench.folder.rglob("*.npy"))
    assert list(bench.folder.rglob("seed1/predictions.parquet"))


def test_planning_after_a_failure_changes_nothing_on_disk_and_partial_tables_do_not_stop_the_next_run(
    troubled_study: tuple[Bench, str],
) -> None:
    bench, _ = troubled_study
    before = files_below(bench.folder)

    jobs = bench.plan("all")
    linted = bench.snakemake("--lint")

    assert (jobs["manifest"], jobs["train"], jobs["evaluate"], jobs["summary"], jobs["figure"]) == (1, 2, 2, 1, 2)
    assert "Traceback" not in linted.stdout
    assert files_below(bench.folder) == before


def test_the_full_tables_take_the_place_of_the_partial_ones(troubled_study: tuple[Bench, str], tmp_path: Path) -> None:
    mended = troubled_study[0].copied(tmp_path / "copy")
    study = yaml.safe_load(mended.study.read_text()) | {"datasets": ["letters"]}
    mended.write(study)

    done = mended.snakemake("all")

    assert done.returncode == 0, done.stdout
    assert not [path for path in (mended.folder / "results").rglob("*") if "partial" in str(path.relative_to(tmp_path))]
    assert len(pandas.read_parquet(mended.folder / "results/summary.parquet")) == 2


def files_below(folder: Path) -> dict[Path, int]:
    """Every file that is the study's, with the time of its last change; Snakemake keeps books of its own."""
    paths = (path for path in folder.rglob("*") if ".snakemake" not in path.parts)
    return {path: path.stat().st_mtime_ns for path in paths}
