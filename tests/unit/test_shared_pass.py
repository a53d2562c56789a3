"""A frozen backbone's candidates share one pass over the images, and end as runs of their own would."""

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from small_training import TrainingFiles, spec

from fgir.data.parts import open_part
from fgir.schema import read_rows
from fgir.specs import RunSpec, SearchSpec, canonical
from fgir.training.fit import Trainer
from fgir.training.train import train_candidates

RATES = [0.3, 0.1, 0.03, 0.01, 0.003]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TrainingFiles:
    return TrainingFiles(tmp_path_factory.mktemp("letters"))


def frozen(**options: Any) -> RunSpec:
    return spec("frozen", epochs=3, **options).model_copy(update={"part": "train", "learning_rate": None})


def search(files: TrainingFiles, run: RunSpec, rates: list[float], folder: Path) -> list[dict[str, Any]]:
    train_candidates(SearchSpec(run=run, learning_rates=rates), files.inputs(folder), folder / "candidates.parquet")
    return [row | {"seconds": None} for row in read_rows("candidate", folder / "candidates.parquet")]


def heads(files: TrainingFiles, run: RunSpec, rates: list[float], folder: Path) -> list[dict[str, torch.Tensor]]:
    inputs = files.inputs(folder)
    part = open_part("train", inputs.split, run.side, inputs.images)
    trainer = Trainer(run, rates, part, inputs.weights, inputs.split, inputs.work, workers=0)
    trainer.fit(0.0)
    whole = len(rates) == 1
    return [(one.module.head if whole else one.module).state_dict() for one in trainer.trainees]  # type: ignore[union-attr]


@pytest.mark.parametrize("options", [{}, {"frozen_batch_norm": "train"}, {"accumulation": 2}])
def test_the_rows_are_those_of_separate_searches(files: TrainingFiles, tmp_path: Path, options: dict[str, Any]) -> None:
    run = frozen(**options)
    alone = [search(files, run, [rate], tmp_path / f"{rate}")[0] for rate in RATES]

    together = search(files, run, RATES, tmp_path / "together")

    assert together == alone
    assert len({row["val_loss"] for row in together}) == len(RATES)


def test_the_heads_end_in_the_same_bits(files: TrainingFiles, tmp_path: Path) -> None:
    alone = [heads(files, frozen(), [rate], tmp_path / f"{rate}")[0] for rate in RATES]

    together = heads(files, frozen(), RATES, tmp_path / "together")

    for ours, theirs in zip(together, alone, strict=True):
        assert all(ours[name].equal(theirs[name]) for name in theirs)


def test_one_candidate_diverges_and_the_others_go_on(files: TrainingFiles, tmp_path: Path) -> None:
    rows = search(files, frozen(clip_norm=1e30), [1e38, 0.01], tmp_path)

    assert [row["status"] for row in rows] == ["diverged", "ok"]
    assert "learning rate 1e+38" in rows[0]["error"]
    assert rows[0]["val_loss"] is None
    assert math.isfinite(rows[1]["val_loss"])


def test_killed_at_any_moment_a_search_ends_in_the_same_rows(files: TrainingFiles, tmp_path: Path) -> None:
    run = frozen(frozen_batch_norm="train")
    run = run.model_copy(update={"training": run.training.model_copy(update={"epochs": 8})})
    whole = search(files, run, RATES, tmp_path / "whole")
    folder = tmp_path / "killed"
    spec_text = canonical(SearchSpec(run=run, learning_rates=RATES))
    inputs = files.inputs(folder)
    options = ["--spec", spec_text, "--split", inputs.split, "--weights", inputs.weights, "--images", inputs.images]
    options += ["--work", inputs.work, "--out", folder / "candidates.parquet"]
    process = subprocess.Popen([sys.executable, "-m", "fgir", "tune", *map(str, options)], stderr=subprocess.DEVNULL)
    while not (folder / "work" / "newest.state").exists() and process.poll() is None:
        pass
    process.kill()
    process.wait()

    rows = search(files, run, RATES, folder)

    assert rows == whole
