"""Trainings that start from a run rather than from a backbone, and what they change."""

from pathlib import Path

import pytest
from safetensors.torch import load_file
from small_training import TrainingFiles, spec

from fgir.results.parquet import read_row
from fgir.study import Regime
from fgir.training.train import train_run
from fgir.utils.errors import FgirError


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TrainingFiles:
    return TrainingFiles(tmp_path_factory.mktemp("letters"))


@pytest.mark.parametrize("regime", ["finetuned", "cal"])
def test_a_training_that_starts_from_a_run_and_changes_the_head_leaves_the_rest_as_it_was(
    files: TrainingFiles, tmp_path: Path, regime: Regime
) -> None:
    first, run = spec(regime, epochs=1), tmp_path / "run"
    train_run(first, files.inputs(run), None, run)
    second = first.model_copy(update={"start": "run", "trainable": "head"})
    given = files.inputs(tmp_path)._replace(weights=run / "model.safetensors")

    train_run(second, given, None, tmp_path)

    before, after = (load_file(folder / "model.safetensors") for folder in (run, tmp_path))
    changed = {name.partition(".")[0] for name in before if not before[name].equal(after[name])}
    assert changed == ({"head"} if regime == "finetuned" else {"attention", "classifier", "centre"})
    row = read_row("train", tmp_path / "train.parquet")
    assert row["trainable"] < row["parameters"]


def test_a_training_that_starts_from_a_run_goes_on_where_that_ended(files: TrainingFiles, tmp_path: Path) -> None:
    first, run = spec("finetuned", epochs=4), tmp_path / "run"
    train_run(first, files.inputs(run), None, run)
    given = files.inputs(tmp_path)._replace(weights=run / "model.safetensors")

    train_run(first.model_copy(update={"start": "run"}), given, None, tmp_path)

    losses = [read_row("train", folder / "train.parquet")["train_loss"] for folder in (run, tmp_path)]
    assert losses[1] < losses[0]


def test_a_training_that_starts_from_a_run_of_another_network_is_refused(files: TrainingFiles, tmp_path: Path) -> None:
    first, run = spec("finetuned", epochs=1), tmp_path / "run"
    train_run(first, files.inputs(run), None, run)
    given = files.inputs(tmp_path)._replace(weights=run / "model.safetensors")

    with pytest.raises(FgirError, match=r"model.safetensors does not fit the model \(.*attention"):
        train_run(spec("cal", epochs=1).model_copy(update={"start": "run"}), given, None, tmp_path)
