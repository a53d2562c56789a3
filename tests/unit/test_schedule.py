import pytest
import torch
from timm.scheduler import CosineLRScheduler

from fgir.study import TrainingOptions
from fgir.training.schedule import learning_rate

UPDATES = 60


@pytest.mark.parametrize("warmup", [0, 10, 100])
def test_every_update_has_the_rate_of_timms_scheduler_stepped_after_each_update(warmup: int) -> None:
    options = TrainingOptions(warmup_steps=warmup)
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.03)
    scheduler = CosineLRScheduler(
        optimiser,
        t_initial=UPDATES,
        lr_min=1e-5,
        warmup_t=warmup,
        warmup_lr_init=1e-6 if warmup else 0.03,
        warmup_prefix=False,
        t_in_epochs=False,
    )
    expected = []
    for update in range(UPDATES):
        expected.append(optimiser.param_groups[0]["lr"])
        scheduler.step_update(update)

    rates = [learning_rate(update, UPDATES, 0.03, options) for update in range(UPDATES)]

    assert rates == pytest.approx(expected, rel=1e-12)


def test_warm_up_starts_low_and_the_last_update_is_near_the_minimum() -> None:
    options = TrainingOptions(warmup_steps=10)

    rates = [learning_rate(update, UPDATES, 0.1, options) for update in range(UPDATES)]

    assert rates[0] == rates[1] == 1e-6
    assert max(rates) < 0.1
    assert rates[-1] < 0.001


def test_steps_take_a_tenth_after_every_so_many_epochs_whole() -> None:
    options = TrainingOptions(epochs=5, warmup_steps=0, schedule="step", decay_every=2)

    rates = [learning_rate(update, 35, 0.008, options) for update in range(35)]

    assert rates == pytest.approx([0.008] * 14 + [0.0008] * 14 + [0.00008] * 7)
