"""One training: from pretrained weights to trained ones, resumable after every update."""

import hashlib
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fgir.data.loader import normalise, steps_per_epoch, train_batches
from fgir.data.parts import Part
from fgir.devices import autocast, choose_device
from fgir.models.build import build_model
from fgir.specs import RunSpec, canonical
from fgir.training.checkpoint import Checkpoint, read_checkpoint, remove_checkpoints, write_checkpoint
from fgir.training.objective import step_loss
from fgir.training.progress import EpochBar
from fgir.training.schedule import learning_rate
from fgir.training.seeding import deterministic, seed_all
from fgir.training.stopping import Interrupted, StopWarning

# A non-finite loss is looked for this often: each look waits for the device.
_CHECK_EVERY = 100


@dataclass
class Progress:
    """How far a run is. All of it is saved; ``step`` counts the batches of the epoch under way."""

    epoch: int = 0
    step: int = 0
    updates: int = 0
    images: int = 0
    resumes: int = 0
    epoch_seconds: float = 0.0
    job_seconds: float = 0.0
    seconds_of_epoch: float = 0.0
    scaler: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)


@dataclass
class Fitted:
    """What a training gives."""

    model: nn.Module
    progress: Progress
    error: str | None
    """Why the run ended early: the loss became non-finite. None: it did not."""


class Trainer:
    """Trains the model of one run.

    ``fit`` raises Interrupted after a warning signal, the state saved in ``work``; calling it again in a new process
    goes on from there and ends in the same bits.
    """

    def __init__(self, spec: RunSpec, rate: float, part: Part, weights: Path, split: Path, work: Path, workers: int):
        deterministic()
        self.spec, self.rate, self.part, self.work, self.workers = spec, rate, part, work, workers
        self.options = spec.training
        self.device = choose_device()
        self.identity = _identity(spec, rate, split, weights)
        seed_all(spec.seed, "init")
        model = build_model(
            spec.model,
            spec.regime,
            spec.classes,
            spec.train_size,
            self.options.cal,
            weights,
            frozen_batch_norm=self.options.frozen_batch_norm,
        )
        self.model = model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.trainable = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.optimiser = torch.optim.SGD(
            self.trainable,
            lr=rate,
            momentum=self.options.momentum,
            nesterov=self.options.momentum > 0,
            weight_decay=self.options.weight_decay,
        )
        mixed = self.device.type == "cuda" and self.options.precision == "auto"
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=mixed)
        self.progress = Progress()
        self.loss_sum = torch.zeros((), dtype=torch.float64, device=self.device)
        self.correct = torch.zeros((), dtype=torch.int64, device=self.device)
        pairs = spec.regime == "calmix"
        self.steps = steps_per_epoch(len(part.rows), self.options.batch_size, pairs)
        self.updates = self.options.epochs * math.ceil(self.steps / self.options.accumulation)

    def fit(self, started: float) -> Fitted:
        """Train to the last epoch; ``started`` is the job's start on time.perf_counter's clock."""
        self._restore()
        before = self.progress.job_seconds
        with StopWarning() as warning, EpochBar(self.options.epochs, self.steps) as bar:
            self.model.train()
            while self.progress.epoch < self.options.epochs:
                error = self._epoch(warning, bar)
                self.progress.job_seconds = before + time.perf_counter() - started
                if error:
                    return Fitted(self.model, self.progress, error)
                if self.progress.epoch < self.options.epochs or warning.given:
                    self._save()
                if warning.given:
                    saved = f"the state is saved in {self.work}; the same command goes on from there."
                    raise Interrupted(f"{warning.given} received: {saved}")
        return Fitted(self.model, self.progress, None)

    def finish(self) -> None:
        """Delete the saved state, once the results are written."""
        remove_checkpoints(self.work)

    def _epoch(self, warning: StopWarning, bar: EpochBar) -> str | None:
        """Train one epoch, or up to a warning; returns why the run cannot go on."""
        progress, clock = self.progress, time.perf_counter()
        before = progress.seconds_of_epoch
        bar.start(progress.epoch, progress.step)
        for group in self._groups():
            self._update(group)
            bar.advance(len(group))
            if progress.updates % _CHECK_EVERY == 0 and (error := self._non_finite()):
                return error
            if warning.given and progress.step < self.steps:
                progress.seconds_of_epoch = before + time.perf_counter() - clock
                return None
        if error := self._non_finite():
            return error
        self._close_epoch(before + time.perf_counter() - clock, bar)
        return None

    def _groups(self) -> Iterator[list[tuple[Tensor, Tensor]]]:
        """Batches left in the epoch, in groups of one update; the last group may be smaller."""
        batches = train_batches(
            self.part.images,
            self.part.labels,
            self.part.rows,
            self.spec.train_size,
            self.options.batch_size,
            self.spec.seed,
            self.progress.epoch,
            self.spec.regime == "calmix",
            first_step=self.progress.step,
            workers=self.workers,
        )
        stream = iter(batches)
        while group := list(islice(stream, self.options.accumulation)):
            yield group

    def _update(self, group: list[tuple[Tensor, Tensor]]) -> None:
        """One update of the weights from a group of batches, whose gradients are averaged."""
        progress = self.progress
        for batch, labels in group:
            seed_all(self.spec.seed, "step", progress.epoch, progress.step)
            images = normalise(batch, self.model.backbone.mean, self.model.backbone.std, self.device)
            labels = labels.to(self.device, non_blocking=True)
            with autocast(self.device, self.options.precision):
                loss, logits = step_loss(self.model, self.spec.regime, images, labels)
            self.scaler.scale(loss / len(group)).backward()
            self.loss_sum += loss.detach()
            self.correct += (logits.detach().argmax(1) == labels).sum()
            progress.step += 1
            progress.images += len(labels)
        self.scaler.unscale_(self.optimiser)
        torch.nn.utils.clip_grad_norm_(self.trainable, self.options.clip_norm)
        rate = learning_rate(progress.updates, self.updates, self.rate, self.options)
        for parameters in self.optimiser.param_groups:
            parameters["lr"] = rate
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.optimiser.zero_grad(set_to_none=True)
        progress.updates += 1

    def _non_finite(self) -> str | None:
        if math.isfinite(self.loss_sum.item()):
            return None
        where = f"epoch {self.progress.epoch + 1}, update {self.progress.updates}"
        return f"The loss became non-finite in {where} at learning rate {self.rate:g}; try a lower one."

    def _close_epoch(self, seconds: float, bar: EpochBar) -> None:
        progress = self.progress
        seen_before = progress.history[-1]["images"] if progress.history else 0
        row = {
            "epoch": progress.epoch + 1,
            "steps": progress.updates,
            "images": progress.images,
            "learning_rate": self.optimiser.param_groups[0]["lr"],
            "loss": self.loss_sum.item() / self.steps,
            "top1": 100 * self.correct.item() / (progress.images - seen_before),
            "seconds": seconds,
        }
        bar.close(row)
        progress.history.append(row)
        progress.epoch_seconds += seconds
        progress.epoch, progress.step, progress.seconds_of_epoch = progress.epoch + 1, 0, 0.0
        self.loss_sum.zero_()
        self.correct.zero_()

    def _save(self) -> None:
        self.progress.scaler = self.scaler.state_dict()
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        for number, parameter in enumerate(self.trainable):
            momentum = self.optimiser.state[parameter].get("momentum_buffer")
            if momentum is not None:
                tensors[f"momentum.{number}"] = momentum
        tensors |= {"loss_sum": self.loss_sum, "correct": self.correct}
        write_checkpoint(self.work, self.identity, Checkpoint(tensors, asdict(self.progress)))

    def _restore(self) -> None:
        saved = read_checkpoint(self.work, self.identity)
        if saved is None:
            return
        tensors = saved.tensors
        prefix = "model."
        self.model.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
        for number, parameter in enumerate(self.trainable):
            momentum = tensors.get(f"momentum.{number}")
            if momentum is not None:
                self.optimiser.state[parameter]["momentum_buffer"] = torch.empty_like(parameter).copy_(momentum)
        self.loss_sum.copy_(tensors["loss_sum"])
        self.correct.copy_(tensors["correct"])
        numbers: dict[str, Any] = saved.numbers
        self.progress = Progress(**numbers)
        self.progress.resumes += 1
        self.scaler.load_state_dict(self.progress.scaler)
        print(f"Going on from epoch {self.progress.epoch + 1}, step {self.progress.step}, saved in {self.work}")


def _identity(spec: RunSpec, rate: float, split: Path, weights: Path) -> str:
    """What a saved state belongs to: everything that decides the run's bits."""
    digest = hashlib.blake2b(f"{canonical(spec)} {rate!r}".encode(), digest_size=16)
    for path in (split, weights):
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "blake2b").digest())
    return digest.hexdigest()
