"""What a user finds after Snakemake has run."""

from copy import deepcopy

import pandas
import pytest
from safetensors.torch import load_file
from tiny import BACKBONES, STUDY, Bench

from fgir.columns import TABLES


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


def test_one_cell_is_made_alone_and_equals_its_row_of_the_summary(copied_study: Bench) -> None:
    target = "results/cells/letters/net/cal_nc/64-64.parquet"

    done = copied_study.snakemake(target)

    assert done.returncode == 0, done.stdout
    assert [path.name for path in (copied_study.folder / "results/cells").rglob("*.parquet")] == ["64-64.parquet"]
    cell = pandas.read_parquet(copied_study.folder / target).drop(columns="pareto")
    summary = pandas.read_parquet(copied_study.folder / "results/summary.parquet").drop(columns="pareto")
    row = summary[summary.setting == "cal_nc"].reset_index(drop=True)
    pandas.testing.assert_frame_equal(cell, row)


def test_two_settings_of_one_regime_are_evaluated_on_the_same_weights(finished_study: Bench) -> None:
    runs = list((finished_study.folder / "results/runs").rglob("model.safetensors"))
    evaluations = pandas.read_parquet(finished_study.folder / "results/evaluations.parquet")

    assert len(runs) == 2
    assert len(evaluations) == 3
    assert "centre" in load_file(finished_study.folder / "results/runs/letters/net/cal/64/seed1/model.safetensors")


def test_a_setting_evaluated_alone_gives_what_it_gives_together(copied_study: Bench) -> None:
    files = [copied_study.folder / f"results/evaluations/letters/net/{name}/64-64/seed1" for name in ("cal", "cal_nc")]
    together = [pandas.read_parquet(file / "predictions.parquet") for file in files]

    for setting in ("cal", "cal_nc"):
        copied_study.write(deepcopy(STUDY) | {"settings": [setting]})
        assert copied_study.plan("all") == {"all": 1, "evaluate": 1, "summary": 1, "figure": 1}
        done = copied_study.snakemake("all")
        assert done.returncode == 0, done.stdout

    alone = [pandas.read_parquet(file / "predictions.parquet") for file in files]
    assert not together[0].label_probability.equals(together[1].label_probability)
    for one, other in zip(alone, together, strict=True):
        # Images and their mirrors in one batch are convolved in another order than images alone.
        pandas.testing.assert_frame_equal(one, other, rtol=1e-4)


@pytest.fixture(scope="module")
def troubled_study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, str]:
    """One backbone is well, one has no weights file, and one regime's learning rate makes the loss non-finite.

    It reads images without a pixel store.
    """
    study = deepcopy(STUDY) | {"backbones": ["net", "lost"], "settings": ["frozen", "finetuned"]}
    study["data"]["pixels"] = "decode"
    study["tuning"] = {"learning_rates": {"frozen": [0.1], "finetuned": [1e30]}}
    study["training"]["clip_norm"] = 1e30
    lost = {"timm": "test_efficientnet.r160_in1k", "weights": {"source": "file", "path": "lost.safetensors"}}
    bench = Bench(tmp_path_factory.mktemp("troubled"))
    bench.write(study, backbones=BACKBONES | {"lost": lost})
    return bench, bench.snakemake("--show-failed-logs", "all").stdout


def test_a_failing_cell_does_not_stop_the_others_and_shows_in_the_summary(troubled_study: tuple[Bench, str]) -> None:
    bench, output = troubled_study

    summary = pandas.read_parquet(bench.folder / "results/summary.parquet").set_index(["backbone", "setting"])

    assert summary.status["net", "frozen"] == "ok"
    assert summary.status["net", "finetuned"] == "diverged"
    assert "non-finite" in summary.error["net", "finetuned"]
    assert summary.status["lost", "frozen"] == summary.status["lost", "finetuned"] == "missing"
    assert summary.top1.notna().tolist() == [True, False, False, False]
    assert "The file of weights lost.safetensors does not exist" in output


def test_without_a_pixel_store_images_are_decoded_and_no_store_is_made(troubled_study: tuple[Bench, str]) -> None:
    bench, _ = troubled_study

    assert not list(bench.folder.rglob("*.npy"))
    assert list(bench.folder.rglob("seed1/predictions.parquet"))


def test_after_a_failure_the_same_command_goes_on_and_partial_tables_do_not_stop_it(
    troubled_study: tuple[Bench, str],
) -> None:
    bench, _ = troubled_study

    jobs = bench.plan("all")

    assert (jobs["weights"], jobs["train"], jobs["evaluate"], jobs["summary"]) == (1, 2, 2, 1)
