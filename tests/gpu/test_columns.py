"""The columns of rows that a GPU makes: memory, time, device and precision."""

import time
from pathlib import Path
from typing import Any

import pytest
import torch
from gpu_files import Files

from fgir.cost.timing import time_model
from fgir.data.parts import open_part
from fgir.evaluation.evaluate import evaluate
from fgir.results.parquet import read_row, write_rows
from fgir.training.loop import Trainer
from fgir.training.train import train_run
from fgir.utils.devices import choose_device, peak_memory, reset_peak_memory


def conditions_of(on_gpu: bool) -> dict[str, Any]:
    """What a row must say of the device at hand."""
    if not on_gpu:
        return {"driver": None, "precision": "fp32"}
    return {"device": torch.cuda.get_device_name(), "driver": torch.version.cuda, "precision": "fp16"}


def test_the_rows_of_a_run_and_its_evaluations_name_the_gpu(files: Files, tmp_path: Path, on_gpu: bool) -> None:
    run = files.run("conv", "cal", epochs=1)
    metrics: dict[Any, Path] = {name: tmp_path / name / "metrics.parquet" for name in ("cal", "cal_nc")}

    train_run(run, files.inputs(run, tmp_path), None, tmp_path)
    evaluate(files.evaluation(run), metrics, tmp_path, files.split, files.pixels, 2)

    expected = {"status": "ok"} | conditions_of(on_gpu)
    rows = [read_row("train", tmp_path / "train.parquet"), *(read_row("metrics", path) for path in metrics.values())]
    assert [{name: row[name] for name in expected} for row in rows] == 3 * [expected]
    assert rows[0]["peak_memory"] > files.weights("conv").stat().st_size
    assert 0 < rows[0]["epoch_seconds"] < rows[0]["job_seconds"]


@pytest.mark.parametrize("setting", ["finetuned", "cal"])
def test_the_row_of_a_timing_is_whole(
    files: Files, tmp_path: Path, on_gpu: bool, setting: Any, record_property
) -> None:
    # One that another process disturbs is a row too, of the status unsteady.
    write_rows(
        "timing", [time_model(files.timing("conv", setting, repeats=8, max_repeats=16))], tmp_path / "timing.parquet"
    )

    row = read_row("timing", tmp_path / "timing.parquet")
    expected = conditions_of(on_gpu)
    assert {name: row[name] for name in expected} == expected
    assert row["status"] in ("ok", "unsteady")
    assert 0 < row["throughput_q1"] <= row["throughput"] <= row["throughput_q3"]
    assert 0 < row["latency_q1"] <= row["latency"] <= row["latency_q3"]
    assert row["peak_memory"] > files.weights("conv").stat().st_size
    shown = {name: row[name] for name in ("throughput", "latency", "peak_memory", "status", "error")}
    record_property("Rows of timing", {"setting": setting, **shown})


def test_the_memory_of_training_follows_the_batch_and_starts_anew(
    files: Files, tmp_path: Path, on_gpu: bool, record_property
) -> None:
    device, peaks = choose_device(), {}
    # The small batch second: without a reset it would have the peak of the large one.
    for batch_size in (16, 4):
        run = files.run("conv", "finetuned", epochs=1, batch_size=batch_size)
        inputs = files.inputs(run, tmp_path / str(batch_size))
        part = open_part("train_val", inputs.split, run.geometry.start, inputs.images)
        trainer = Trainer(run, [0.01], part, inputs.weights, inputs.split, inputs.work, workers=0)
        reset_peak_memory(device)
        trainer.fit(time.perf_counter())
        peaks[batch_size] = peak_memory(device)
        del trainer
        record_property("Memory of training", {"batch": batch_size, "MiB": round(peaks[batch_size] / 2**20)})

    weights = files.weights("conv").stat().st_size
    assert min(peaks.values()) > weights
    if on_gpu:
        # Weights, their gradients and momentum; and activations, of four times the images.
        assert peaks[4] > 3 * weights
        assert peaks[16] > 1.1 * peaks[4]
        assert peaks[16] < torch.cuda.get_device_properties(device).total_memory
