"""A frozen backbone's candidates share one pass over the images, and end as runs of their own would."""

import math
import signal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import started
import torch
from small_training import TrainingFiles, spec, stopped
from started import start
from torch import Tensor

from fgir.data.parts import open_part
from fgir.models.backbones import Backbone
from fgir.results.parquet import read_rows
from fgir.specs import RunSpec, SearchSpec
from fgir.training.loop import Trainer
from fgir.training.train import train_candidates
from fgir.utils.signals import EXIT_CODE

RATES = [0.3, 0.03, 0.003]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TrainingFiles:
    return TrainingFiles(tmp_path_factory.mktemp("letters"))


def frozen(epochs: int = 3, **options: Any) -> RunSpec:
    return spec("frozen", epochs=epochs, **options).model_copy(update={"part": "train", "learning_rate": None})


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [row | {"seconds": None} for row in read_rows("candidate", folder / "candidates.parquet")]


def search(files: TrainingFiles, run: RunSpec, rates: list[float], folder: Path) -> list[dict[str, Any]]:
    train_candidates(SearchSpec(run=run, learning_rates=rates), files.inputs(folder), folder / "candidates.parquet")
    return rows_of(folder)


def trained(files: TrainingFiles, run: RunSpec, rates: list[float], folder: Path) -> Trainer:
    inputs = files.inputs(folder)
    part = open_part("train", inputs.split, run.geometry.start, inputs.images)
    trainer = Trainer(run, rates, part, inputs.weights, inputs.split, inputs.work, workers=0)
    trainer.fit(0.0)
    return trainer


@pytest.mark.parametrize("options", [{}, {"frozen_batch_norm": "train"}, {"accumulation": 2}])
def test_the_rows_are_those_of_separate_searches(files: TrainingFiles, tmp_path: Path, options: dict[str, Any]) -> None:
    run = frozen(**options)
    alone = [search(files, run, [rate], tmp_path / f"{rate}")[0] for rate in RATES]

    together = search(files, run, RATES, tmp_path / "together")

    assert together == alone
    assert len({row["val_loss"] for row in together}) == len(RATES)


@pytest.mark.parametrize("batch_norm", ["eval", "train"])
def test_heads_and_running_statistics_end_in_the_same_bits(
    files: TrainingFiles, tmp_path: Path, batch_norm: str
) -> None:
    run = frozen(frozen_batch_norm=batch_norm)
    alone = [trained(files, run, [rate], tmp_path / f"{rate}").model.state_dict() for rate in RATES]

    together = trained(files, run, RATES, tmp_path / "together")

    shared = {name: tensor for name, tensor in together.model.state_dict().items() if name.startswith("backbone.")}
    for state, theirs in zip(together.states, alone, strict=True):
        ours = shared | {f"head.{name}": tensor for name, tensor in state.module.state_dict().items()}
        assert ours.keys() == theirs.keys()
        assert all(ours[name].equal(theirs[name]) for name in theirs)


def test_the_backbone_sees_each_image_once_however_many_candidates(
    files: TrainingFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes, pooled = [], Backbone.pooled

    def counted(self: Backbone, images: Tensor) -> Tensor:
        passes.append(len(images))
        return pooled(self, images)

    monkeypatch.setattr(Backbone, "pooled", counted)

    search(files, frozen(), RATES, tmp_path)

    # Three epochs of train, 36 images in batches of 4; then val, 12 images, once.
    assert passes == 3 * 9 * [4] + [12]


def test_each_candidate_has_a_gradient_scale_of_its_own(
    files: TrainingFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a GPU gradients are scaled up; an update whose gradients overflow is left out, and the scale halved. At this
    # scale and with images of so large values they overflow in float32 too.
    scaler = partial(torch.amp.GradScaler, "cpu", init_scale=2.0**127, growth_interval=2)
    monkeypatch.setattr(torch.amp, "GradScaler", lambda device, enabled: scaler())
    run, rates = frozen(), [0.3, 0.1, 0.03, 0.01, 0.003]
    run = run.model_copy(update={"model": run.model.model_copy(update={"std": (0.001, 0.001, 0.001)})})
    alone = [trained(files, run, [rate], tmp_path / f"{rate}") for rate in rates]

    together = trained(files, run, rates, tmp_path / "together")

    scales = [one.scaler.get_scale() for one in together.states]
    assert scales == [trainer.states[0].scaler.get_scale() for trainer in alone]
    assert len(set(scales)) > 1
    for ours, trainer in zip(together.states, alone, strict=True):
        head: Any = trainer.model.head
        assert torch.equal(ours.module.state_dict()["weight"], head.weight)


def test_one_candidate_diverges_and_the_others_go_on(files: TrainingFiles, tmp_path: Path) -> None:
    rows = search(files, frozen(clip_norm=1e30), [1e38, 0.01], tmp_path)

    assert [row["status"] for row in rows] == ["diverged", "ok"]
    assert "learning rate 1e+38" in rows[0]["error"]
    assert rows[0]["val_loss"] is None
    assert math.isfinite(rows[1]["val_loss"])


def test_weights_that_the_last_update_spoilt_are_no_candidate(files: TrainingFiles, tmp_path: Path) -> None:
    # One update in all, behind the only loss: training itself has nothing to notice.
    run = spec("finetuned", epochs=1, clip_norm=1e30, warmup_learning_rate=1e30)
    run = run.model_copy(
        update={"part": "train", "training": run.training.model_copy(update={"batch_size": 36}), "learning_rate": None}
    )

    [row] = search(files, run, [0.1], tmp_path)

    assert (row["status"], row["val_loss"], row["val_top1"]) == ("diverged", None, None)
    assert "learning rate 0.1 give non-finite logits on val" in row["error"]


def test_killed_and_warned_at_any_moment_a_search_ends_in_the_same_rows(files: TrainingFiles, tmp_path: Path) -> None:
    # The first candidate diverges before it stops, which the others' state must remember.
    run, rates, folder = frozen(epochs=16, frozen_batch_norm="train", clip_norm=1e30), [1e38, 0.1, 0.01], tmp_path / "b"
    arguments = files.arguments(SearchSpec(run=run, learning_rates=rates), folder)
    whole = search(files, run, rates, tmp_path / "whole")
    signals = [signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1]

    ended = [stopped(start(arguments), folder, number) for number in signals]
    done = started.run(arguments)

    assert [one.returncode for one in ended] == [-signal.SIGKILL, -signal.SIGKILL, EXIT_CODE, EXIT_CODE]
    assert done.returncode == 0, done.stderr
    assert all("Going on from epoch" in one.stdout for one in (*ended[1:], done))
    assert [row["status"] for row in whole] == ["diverged", "ok", "ok"]
    assert rows_of(folder) == whole


def test_the_state_of_other_candidates_is_not_taken_up(files: TrainingFiles, tmp_path: Path) -> None:
    three, two = (SearchSpec(run=frozen(epochs=30), learning_rates=rates) for rates in (RATES, RATES[:2]))
    stopped(start(files.arguments(three, tmp_path)), tmp_path, signal.SIGKILL)

    done = started.run(files.arguments(two, tmp_path))

    assert done.returncode == 0, done.stderr
    assert "belongs to another spec" in done.stderr
    assert [row["learning_rate"] for row in rows_of(tmp_path)] == RATES[:2]
