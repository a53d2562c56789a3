"""An update of the weights in mixed precision, its gradients scaled: the same on a CPU, but for what waits."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from roundtrips import HostRoundTrips
from small_training import TrainingFiles, spec
from torch import nn

from fgir.data.parts import open_part
from fgir.methods import finetuned
from fgir.study import Regime, TrainingOptions
from fgir.training.loop import Trainer
from fgir.training.state import TrainState
from fgir.training.train import train_run

CPU = torch.device("cpu")


@pytest.fixture
def scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradients are scaled as on a GPU; the first scale is so large that they overflow in float32."""
    scaler = partial(torch.amp.GradScaler, "cpu", init_scale=2.0**127)
    monkeypatch.setattr(torch.amp, "GradScaler", lambda device, enabled: scaler())


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TrainingFiles:
    return TrainingFiles(tmp_path_factory.mktemp("letters"))


@pytest.mark.usefixtures("scaled")
@pytest.mark.parametrize("regime", ["frozen", "finetuned", "cal", "calmix"])
def test_a_whole_update_makes_no_host_round_trip(files: TrainingFiles, tmp_path: Path, regime: Regime) -> None:
    run, inputs = spec(regime), files.inputs(tmp_path)
    part = open_part("train_val", inputs.split, run.geometry.start, inputs.images)
    trainer = Trainer(run, [0.01], part, inputs.weights, inputs.split, inputs.work, workers=0)
    trainer.model.train()
    batches = trainer._groups()

    with HostRoundTrips() as trips:
        trainer._update(next(batches))

    assert trips.operators == {}


@pytest.mark.usefixtures("scaled")
def test_an_update_left_out_for_its_overflow_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    # What torch allocates and does not fill is then NaN.
    torch.use_deterministic_algorithms(True)
    monkeypatch.setattr(torch.utils.deterministic, "fill_uninitialized_memory", True)
    layer, inputs, labels = nn.Linear(50, 3), 100 * torch.ones(4, 50), torch.zeros(4, dtype=torch.long)
    before = layer.weight.detach().clone()
    state = TrainState(layer, 0.1, TrainingOptions(), CPU)

    def update() -> None:
        logits = layer(inputs)
        state.backward(nn.functional.cross_entropy(logits, labels), logits, labels, 1)
        state.step(0.1)

    update()
    after_the_first = layer.weight.detach().clone()
    for _ in range(20):
        update()

    assert torch.equal(after_the_first, before)
    assert layer.weight.isfinite().all()
    assert not torch.equal(layer.weight, before)


@pytest.mark.parametrize("momentum", [0.9, 0.0])
def test_scaled_gradients_change_weights_as_plain_ones_do(monkeypatch: pytest.MonkeyPatch, momentum: float) -> None:
    plainly = torch.amp.GradScaler("cpu", enabled=False)
    powerfully = torch.amp.GradScaler("cpu", init_scale=2.0**16)

    def trained(scaler: torch.amp.GradScaler) -> nn.Linear:
        monkeypatch.setattr(torch.amp, "GradScaler", lambda device, enabled: scaler)
        torch.manual_seed(0)
        layer = nn.Linear(6, 3)
        state = TrainState(layer, 0.1, TrainingOptions(momentum=momentum, weight_decay=0.01), CPU)
        for _ in range(5):
            inputs, labels = torch.randn(4, 6), torch.randint(3, (4,))
            logits = layer(inputs)
            state.backward(nn.functional.cross_entropy(logits, labels), logits, labels, 1)
            state.step(0.1)
        return layer

    plain, scaled = trained(plainly), trained(powerfully)

    # A scale that is a power of two changes no bit; the fused update multiplies in another order.
    torch.testing.assert_close(scaled.weight, plain.weight, rtol=1e-5, atol=1e-7)


def test_a_model_without_a_deterministic_form_is_trained_and_said(
    files: TrainingFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, inputs = spec("finetuned", epochs=1), files.inputs(tmp_path)
    train_run(run, files.inputs(tmp_path / "plain"), None, tmp_path / "plain")
    loss_of = finetuned.loss

    def without_form(*given: Any) -> tuple[torch.Tensor, torch.Tensor]:
        # put_ has none, on a CPU either; it changes nothing here.
        torch.zeros(1).put_(torch.zeros(1, dtype=torch.long), torch.zeros(1))
        return loss_of(*given)

    monkeypatch.setattr(finetuned, "loss", without_form)

    with pytest.warns(UserWarning, match="put_ does not have a deterministic implementation"):
        train_run(run, inputs, None, tmp_path)

    assert "put_ has no deterministic form on this device" in capsys.readouterr().out
    assert (tmp_path / "model.safetensors").read_bytes() == (tmp_path / "plain/model.safetensors").read_bytes()
