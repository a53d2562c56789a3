"""Train weights at one learning rate: a whole model, or one of the heads that share a frozen backbone."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from fgir.distributed import world
from fgir.study import TrainingOptions
from fgir.utils.devices import precision_of


class TrainState:
    """Hold a module in training, its optimiser and the sums of the current epoch.

    ``history`` has a row an epoch; ``error`` says why it cannot go on: its loss became non-finite.
    """

    def __init__(self, module: nn.Module, rate: float, options: TrainingOptions, device: torch.device) -> None:
        self.module, self.rate, self.options = module, rate, options
        self.parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
        self.scaler = torch.amp.GradScaler(device.type, enabled=precision_of(device, options.precision) == "fp16")
        self.optimiser = self._optimiser()
        self.loss_sum = torch.zeros((), dtype=torch.float64, device=device)
        self.correct = torch.zeros((), dtype=torch.int64, device=device)
        self.history: list[dict[str, float]] = []
        self.error: str | None = None
        self.seen_sum = math.nan
        """The sum of the epoch's losses when they were last read."""

    def _optimiser(self) -> torch.optim.SGD:
        options, scaled = self.options, self.scaler.is_enabled()
        optimiser = torch.optim.SGD(
            self.parameters,
            lr=self.rate,
            momentum=options.momentum,
            nesterov=options.nesterov and options.momentum > 0,
            weight_decay=options.weight_decay,
            # Whether gradients overflowed, and so whether to update, the host must ask the device; not so if fused.
            fused=scaled or None,
        )
        if scaled and options.momentum > 0:
            # An update that is left out for its overflow, as the first often is, would leave these as found in memory.
            for parameter in self.parameters:
                optimiser.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        return optimiser

    def backward(self, loss: Tensor, logits: Tensor, labels: Tensor, batches: int) -> None:
        """Backpropagate a batch's loss (scalar), one of ``batches`` whose mean gradient makes an update."""
        self.scaler.scale(loss / batches).backward()
        self.loss_sum += loss.detach()
        self.correct += (logits.detach().argmax(1) == labels).sum()

    def step(self, rate: float) -> None:
        """Update the weights at this learning rate by the gradients since the last update."""
        world.average_gradients(self.parameters)
        self.scaler.unscale_(self.optimiser)
        if self.options.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.options.clip_norm)
        for parameters in self.optimiser.param_groups:
            parameters["lr"] = rate
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.optimiser.zero_grad(set_to_none=True)

    def check(self, epoch: int, updates: int) -> None:
        """Set the error if the loss is no longer finite. Waits for the device."""
        if self.error is not None:
            return
        self.seen_sum = world.total(self.loss_sum).item()
        if not math.isfinite(self.seen_sum):
            where = f"epoch {epoch}, update {updates}"
            self.error = f"The loss became non-finite in {where} at learning rate {self.rate:g}; try a lower one."

    def close_epoch(self, row: dict[str, float], steps: int, images: int) -> dict[str, float]:
        """Add the epoch's row of the history, of ``steps`` batches and ``images`` images; return it."""
        row = row | {
            "learning_rate": self.optimiser.param_groups[0]["lr"],
            "loss": world.total(self.loss_sum).item() / steps / world.size(),
            "top1": 100 * world.total(self.correct).item() / images,
        }
        self.history.append(row)
        self.loss_sum.zero_()
        self.correct.zero_()
        return row

    def tensors(self) -> dict[str, Tensor]:
        """Return what must be saved to go on from here, besides ``numbers``; processes that train together ask
        together.
        """
        tensors = {f"weights.{name}": tensor for name, tensor in self.module.state_dict().items()}
        for number, parameter in enumerate(self.parameters):
            momentum = self.optimiser.state[parameter].get("momentum_buffer")
            if momentum is not None:
                tensors[f"momentum.{number}"] = momentum
        return tensors | {"loss_sum": world.total(self.loss_sum), "correct": world.total(self.correct)}

    def numbers(self) -> dict[str, Any]:
        """Return the numbers that must be saved besides the tensors, as JSON can hold them."""
        return {"history": self.history, "error": self.error, "scaler": self.scaler.state_dict()}

    def restore(self, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
        """Restore the state that ``tensors`` and ``numbers`` returned."""
        weights = {name.removeprefix("weights."): t for name, t in tensors.items() if name.startswith("weights.")}
        self.module.load_state_dict(weights)
        for number, parameter in enumerate(self.parameters):
            momentum = tensors.get(f"momentum.{number}")
            if momentum is not None:
                self.optimiser.state[parameter]["momentum_buffer"] = torch.empty_like(parameter).copy_(momentum)
        # What all processes had counted, the first counts on from.
        if world.rank() == 0:
            self.loss_sum.copy_(tensors["loss_sum"])
            self.correct.copy_(tensors["correct"])
        self.history, self.error = numbers["history"], numbers["error"]
        self.scaler.load_state_dict(numbers["scaler"])
