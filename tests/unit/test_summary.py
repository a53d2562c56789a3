"""The summary of a small results tree of real files."""

import statistics

import pandas as pd
import pytest

from fgir.report.tables.display import is_unsteady
from fgir.results.aggregate import cell_row, summary_rows, write_tables
from fgir.results.columns import TABLES
from fgir.results.parquet import read_rows, write_rows
from fgir.specs import CellSpec
from fgir.study import REGIME_OF, VIEWS, Cell, CostPoint, EndToEnd, Run
from fgir.study.address import END_TO_END, MACS, METRICS, TIMING, TRAIN, fill
from fgir.utils.errors import FgirError

SEEDS = [1, 10, 100]
TOP1 = {1: 70.0, 10: 72.0, 100: 71.5}
CONDITIONS = {"device": "a CPU", "precision": "fp32", "memory_format": "channels_last", "threads": 2}
VERSIONS = {"torch": "2.14.1", "timm": "1.0.31", "fgir": "0.1.0"}


def spec(setting="finetuned", backbone="lite0", test_size=96) -> CellSpec:
    return CellSpec(
        **Cell("elpv", backbone, setting, 96, test_size)._asdict(),
        dataset_title="Solar cells",
        backbone_title=backbone.title(),
        family="EfficientNet",
        pretraining="ImageNet-1k",
        classes=8,
        seeds=SEEDS,
    )


def write_metrics(results, cell, seed, **changes):
    identity = Cell(cell.dataset, cell.backbone, cell.setting, cell.train_size, cell.test_size)
    row = identity._asdict() | CONDITIONS | VERSIONS
    row |= {"seed": seed, "images": 656, "views": VIEWS[cell.setting], "top1": TOP1[seed], "top5": 95.0 + seed / 100}
    row |= {"class_mean": 60.0, "class_deviation": 15.0, "fold_deviation": 0.25, "learning_rate": 0.01}
    row |= {"weights": "package lite0 0.1.0", "status": "ok"} | changes
    write_rows("metrics", [row], results / fill(METRICS, identity, seed=seed))


def write_train(results, cell, seed, **changes):
    run = Run(cell.dataset, cell.backbone, REGIME_OF[cell.setting], cell.train_size, seed)
    row = run._asdict() | CONDITIONS | VERSIONS
    row |= {"learning_rate": 0.01, "epochs": 4, "batch_size": 8, "images": 3200, "steps": 400 + seed}
    row |= {"epoch_seconds": 1800.0, "job_seconds": 3600.0, "resumes": 0, "peak_memory": 1000 * seed}
    row |= {"trainable": 3_400_000}
    row |= {"weights": "package lite0 0.1.0", "status": "ok"} | changes
    write_rows("train", [row], results / fill(TRAIN, run))


def write_macs(results, cell, **changes):
    point = CostPoint.of(cell.backbone, cell.setting, cell.test_size, cell.classes)
    row = point._asdict() | {"views": VIEWS[cell.setting], "parameters": 3_400_000}
    row |= {"macs_view": 70_000_000, "macs_image": 70_000_000 * VIEWS[cell.setting], "status": "ok"} | changes
    write_rows("macs", [row], results / fill(MACS, point))


def write_timing(results, cell, **changes):
    point = CostPoint.of(cell.backbone, cell.setting, cell.test_size, cell.classes)
    row = point._asdict() | CONDITIONS | {"views": VIEWS[cell.setting], "batch_size": 16, "repeats": 30}
    row |= {"throughput": 120.5, "latency": 11.25, "peak_memory": 500_000_000, "status": "ok", "unsteady": []}
    row |= {"throughput_q1": 118.0, "throughput_q3": 121.0, "load": 0.25} | changes
    write_rows("timing", [row], results / fill(TIMING, point))


def write_end_to_end(results, cell, **changes):
    stream = EndToEnd(cell.dataset, cell.backbone, "finetuned", cell.test_size)
    row = (
        stream._asdict() | CONDITIONS | {"throughput": 60.25, "latency": 30.5, "status": "ok", "unsteady": []} | changes
    )
    write_rows("end_to_end", [row], results / fill(END_TO_END, stream))


def write_cell(results, cell):
    for seed in SEEDS:
        write_metrics(results, cell, seed)
        write_train(results, cell, seed)
    write_macs(results, cell)
    write_timing(results, cell)


def test_figures_of_a_whole_cell(tmp_path):
    write_cell(tmp_path, spec())

    row = cell_row(spec(), tmp_path)

    assert row["status"] == "ok"
    assert row["error"] is None
    assert (row["seeds_ok"], row["seeds_expected"]) == (3, 3)
    assert row["top1"] == pytest.approx(statistics.mean(TOP1.values()))
    assert row["top1_std"] == pytest.approx(statistics.stdev(TOP1.values()))
    assert row["top1_fold_std"] == 0.25
    assert row["class_mean_std"] == 0.0
    assert row["train_hours"] == 0.5
    assert row["train_job_hours"] == 1.0
    assert row["train_steps"] == 437
    assert row["train_memory"] == 100_000
    assert row["trainable"] == 3_400_000
    assert row["macs_image"] == 70_000_000
    assert row["inference_memory"] == 500_000_000
    assert (row["timing_batch_size"], row["train_batch_size"]) == (16, 8)
    assert (row["weights"], row["learning_rate"]) == ("package lite0 0.1.0", 0.01)
    assert (row["test_images"], row["views"]) == (656, 1)


def test_every_column_of_the_summary_is_filled_or_null_by_name(tmp_path):
    write_cell(tmp_path, spec())

    assert set(cell_row(spec(), tmp_path)) == {column.name for column in TABLES["summary"]}


def test_one_seed_has_no_deviation_over_seeds(tmp_path):
    single = spec().model_copy(update={"seeds": [1]})
    write_metrics(tmp_path, single, 1, top5=None)

    row = cell_row(single, tmp_path)

    assert (row["top1"], row["top1_std"], row["top1_fold_std"]) == (70.0, None, 0.25)
    assert (row["top5"], row["top5_std"]) == (None, None)


def test_a_cell_without_any_file_is_missing_and_has_no_figures(tmp_path):
    row = cell_row(spec("cal"), tmp_path)

    assert row["status"] == "missing"
    assert row["error"] == "no evaluation of seeds 1 10 100, training of seeds 1 10 100, MACs, timing."
    assert (row["seeds_ok"], row["seeds_expected"]) == (0, 3)
    figures = ("top1", "macs_image", "throughput", "train_hours", "train_steps", "train_memory", "weights", "torch")
    assert [row[key] for key in figures] == [None] * len(figures)
    assert row["views"] == 8


def test_figures_are_over_the_seeds_that_ended_well(tmp_path):
    write_cell(tmp_path, spec())
    trouble = {"status": "diverged", "error": "the loss was not finite in epoch 3."}
    write_train(tmp_path, spec(), 10, epoch_seconds=9.0, **trouble)
    write_metrics(tmp_path, spec(), 10, top1=None, top5=None, class_mean=None, images=None, **trouble)

    row = cell_row(spec(), tmp_path)

    assert row["status"] == "diverged"
    assert row["error"] == "seed 10: the loss was not finite in epoch 3."
    assert (row["seeds_ok"], row["seeds_expected"]) == (2, 3)
    assert row["top1"] == pytest.approx((70.0 + 71.5) / 2)
    assert row["train_hours"] == 0.5
    assert row["test_images"] == 656


def test_the_worst_of_several_troubles_is_the_status_and_all_are_told(tmp_path):
    write_cell(tmp_path, spec())
    write_metrics(tmp_path, spec(), 1, top1=None, status="diverged", error="the scores are not finite")
    write_macs(tmp_path, spec(), macs_view=None, macs_image=None, status="uncounted", error="no count of aten::fft")
    (tmp_path / fill(TIMING, CostPoint("lite0", "finetuned", 96, 8))).unlink()

    row = cell_row(spec(), tmp_path)

    assert row["status"] == "diverged"
    assert row["error"] == "seed 1: the scores are not finite; no timing; MACs: no count of aten::fft."
    assert (row["macs_image"], row["parameters"], row["throughput"]) == (None, 3_400_000, None)


def test_uncounted_macs_keep_the_accuracy(tmp_path):
    write_cell(tmp_path, spec())
    write_macs(tmp_path, spec(), macs_view=None, macs_image=None, status="uncounted", error="no count of aten::fft")

    row = summary_rows([spec()], tmp_path)[0]

    assert (row["status"], row["seeds_ok"], row["pareto"]) == ("uncounted", 3, False)
    assert row["top1"] is not None


def test_an_unsteady_timing_keeps_its_figures_and_the_cell_is_no_failure(tmp_path):
    write_cell(tmp_path, spec())
    shaken = {"status": "unsteady", "unsteady": ["throughput"], "error": "10.4 images/s.", "load": 1.5}
    write_timing(tmp_path, spec(), throughput=10.4, throughput_q1=3.3, throughput_q3=14.4, gpu_processes=2, **shaken)

    row = cell_row(spec(), tmp_path)

    assert (row["status"], row["error"]) == ("ok", None)
    assert (row["timing_status"], row["timing_error"]) == ("unsteady", "10.4 images/s.")
    assert (row["throughput_q1"], row["throughput"], row["throughput_q3"]) == (3.3, 10.4, 14.4)
    assert (row["timing_load"], row["timing_gpu_processes"]) == (1.5, 2)
    assert is_unsteady(row, "throughput")
    assert not is_unsteady(row, "latency")
    assert not is_unsteady(row, "top1")


def test_a_steady_timing_is_said_to_be_so_and_an_absent_one_is_not(tmp_path):
    write_cell(tmp_path, spec())

    timed, absent = summary_rows([spec(), spec("cal")], tmp_path)

    assert (timed["timing_status"], timed["unsteady"]) == ("ok", [])
    assert (absent["timing_status"], absent["unsteady"]) == (None, None)
    assert not is_unsteady(absent, "throughput")


def test_a_timing_end_to_end_stands_beside_that_of_the_network_where_the_study_asks(tmp_path):
    asked = spec("frozen").model_copy(update={"scope": "end_to_end"})
    write_cell(tmp_path, asked)
    without = cell_row(asked, tmp_path)
    write_end_to_end(tmp_path, asked)

    row, network = cell_row(asked, tmp_path), cell_row(spec("frozen"), tmp_path)

    assert (without["status"], without["error"]) == ("missing", "no timing end to end.")
    assert (row["status"], row["timing_status"], row["throughput"]) == ("ok", "ok", 120.5)
    assert (row["throughput_end_to_end"], row["latency_end_to_end"]) == (60.25, 30.5)
    # a study that does not ask for it has none, whatever another left there
    assert (network["status"], network["throughput_end_to_end"], network["latency_end_to_end"]) == ("ok", None, None)


def test_of_two_timings_the_unsteady_one_is_named(tmp_path):
    asked = spec("frozen").model_copy(update={"scope": "end_to_end"})
    write_cell(tmp_path, asked)
    write_end_to_end(tmp_path, asked, status="unsteady", unsteady=["latency"], error="30.5 ms end to end.")

    row = cell_row(asked, tmp_path)

    assert (row["status"], row["timing_status"], row["timing_error"]) == ("ok", "unsteady", "30.5 ms end to end.")
    assert is_unsteady(row, "latency_end_to_end")
    assert not any(is_unsteady(row, name) for name in ("latency", "throughput", "throughput_end_to_end"))


def test_conditions_that_differ_between_seeds_are_not_passed_off_as_one(tmp_path):
    write_cell(tmp_path, spec())
    write_train(tmp_path, spec(), 10, device="a GPU", precision="fp16")
    write_metrics(tmp_path, spec(), 10, torch="2.15.0")

    row = cell_row(spec(), tmp_path)

    assert (row["train_device"], row["train_precision"]) == (None, None)
    assert row["torch"] == "2.14.1, 2.15.0"
    assert row["device"] == "a CPU"  # that of the timing


def test_the_row_of_a_cell_is_the_summary_s_but_for_pareto(tmp_path):
    cells = [spec("finetuned"), spec("cal"), spec("cal_nc"), spec("frozen", test_size=128)]
    for cell in cells[:3]:
        write_cell(tmp_path, cell)

    summary = summary_rows(cells, tmp_path)

    assert [row["pareto"] for row in summary] == [True, False, True, False]
    assert [row | {"pareto": None} for row in summary] == [cell_row(cell, tmp_path) for cell in cells]


def test_a_learning_rate_at_the_edge_of_its_candidates_reaches_both_settings_of_its_training(tmp_path):
    for cell in (spec("cal"), spec("cal_nc"), spec("finetuned")):
        write_cell(tmp_path, cell)
        for seed in SEEDS:
            write_train(tmp_path, cell, seed, learning_rate_edge=None if cell.setting == "finetuned" else "highest")

    rows = summary_rows([spec("cal"), spec("cal_nc"), spec("finetuned")], tmp_path)

    assert [row["learning_rate_edge"] for row in rows] == ["highest", "highest", None]


def test_cal_and_cal_nc_share_the_cost_of_the_same_training(tmp_path):
    for cell in (spec("cal"), spec("cal_nc")):
        write_cell(tmp_path, cell)

    cal, cal_nc = summary_rows([spec("cal"), spec("cal_nc")], tmp_path)

    assert cal["train_steps"] == cal_nc["train_steps"] == 437
    assert cal["macs_image"] == 8 * cal_nc["macs_image"]


def test_tables_hold_every_evaluation_and_every_cell(tmp_path, capsys):
    cells = [spec("cal"), spec("finetuned"), spec("frozen")]
    for cell in cells[:2]:
        write_cell(tmp_path, cell)

    write_tables(cells, tmp_path, tmp_path / "evaluations.parquet", tmp_path / "summary.parquet")

    evaluations = read_rows("evaluations", tmp_path / "evaluations.parquet")
    assert [(row["setting"], row["seed"]) for row in evaluations] == [
        (setting, seed) for setting in ("cal", "finetuned") for seed in SEEDS
    ]
    assert read_rows("summary", tmp_path / "summary.parquet") == summary_rows(cells, tmp_path)
    assert f"missing: {tmp_path / fill(METRICS, Cell('elpv', 'lite0', 'frozen', 96, 96), seed=1)}" in (
        capsys.readouterr().err.replace("\n", "")
    )


def test_a_damaged_file_stops_the_summary_and_leaves_the_old_one(tmp_path):
    write_cell(tmp_path, spec())
    summary = tmp_path / "summary.parquet"
    write_tables([spec()], tmp_path, tmp_path / "evaluations.parquet", summary)
    before = summary.read_bytes()
    (tmp_path / fill(MACS, CostPoint("lite0", "finetuned", 96, 8))).write_bytes(b"PAR1")

    with pytest.raises(FgirError, match=r"macs\.parquet is not a whole Parquet file"):
        write_tables([spec()], tmp_path, tmp_path / "evaluations.parquet", summary)

    assert summary.read_bytes() == before


def test_pandas_reads_the_documented_types_and_absent_figures_as_nulls(tmp_path):
    write_cell(tmp_path, spec())
    write_tables([spec(), spec("cal")], tmp_path, tmp_path / "evaluations.parquet", tmp_path / "summary.parquet")

    frame = pd.read_parquet(tmp_path / "summary.parquet")

    assert list(frame.columns) == [column.name for column in TABLES["summary"]]
    assert frame["top1"].dtype == "float64"
    assert frame["seeds_ok"].dtype == "int32"
    assert frame["pareto"].dtype == "bool"  # so that frame[frame.pareto] works
    assert frame["top1"].isna().tolist() == [False, True]
    assert frame["published_top1"].isna().all()
