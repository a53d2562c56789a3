"""Train a model from pretrained weights or from a run, resumable after every update."""

import hashlib
import math
import time
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor, nn

from fgir.data.loader import Epoch, normalise, steps_per_epoch, train_batches
from fgir.data.parts import Part
from fgir.distributed import world
from fgir.distributed.batch_norm import synchronise
from fgir.distributed.group import check_batch
from fgir.methods.build import backbone_of, build_model, implementation, load_model
from fgir.methods.learning import learning
from fgir.models.classifier import Classifier
from fgir.models.drops import Drops
from fgir.results.parquet import write_rows
from fgir.specs import RunSpec, canonical
from fgir.training.checkpoint import Checkpoint, read_checkpoint, remove_checkpoints, write_checkpoint
from fgir.training.progress import EpochBar
from fgir.training.schedule import learning_rate
from fgir.training.state import TrainState
from fgir.utils.devices import autocast, choose_device
from fgir.utils.seeding import deterministic, seed_all
from fgir.utils.signals import Interrupted, StopWarning

# A non-finite loss is looked for this often: each look waits for the device.
_CHECK_EVERY = 100
# Processes that train together agree this often on whether one of them was warned.
_AGREE_EVERY = 10


@dataclass
class Progress:
    """Hold a training's progress, all of which is saved; ``step`` counts the batches of the current epoch."""

    epoch: int = 0
    step: int = 0
    updates: int = 0
    images: int = 0
    resumes: int = 0
    epoch_seconds: float = 0.0
    job_seconds: float = 0.0
    seconds_of_epoch: float = 0.0


class Trainer:
    """Train the model of one run, or a head for each learning rate on one pass of a frozen backbone.

    The heads start from the same weights and see the same crops, as runs of their own would: each ends in the bits
    of the run at its rate. ``fit`` raises Interrupted after a warning signal, the state saved in ``work``; calling it
    again in a new process goes on from there and ends in the same bits. Of a model with an operator that has no
    deterministic form on the device it raises a RuntimeError at the first update, unless ``strict`` is False.
    """

    def __init__(
        self,
        spec: RunSpec,
        rates: Sequence[float],
        part: Part,
        weights: Path,
        split: Path,
        work: Path,
        workers: int,
        strict: bool = True,
    ) -> None:
        deterministic(strict)
        self.spec, self.part, self.work, self.workers = spec, part, work, workers
        self.options = spec.training
        self.device = choose_device()
        self.identity = identity(spec, rates, split, weights)
        # An adaptation looks at the images as they are, whatever else the method looks at.
        self.objective = implementation("finetuned" if spec.adapts else spec.regime).loss
        check_batch(self.options.batch_size, spec.pairs, world.size())
        self.steps = steps_per_epoch(len(part.rows), self.options.batch_size, spec.pairs)
        self.updates = self.options.epochs * math.ceil(self.steps / self.options.accumulation)
        self.progress = Progress()
        self.model = self._build(weights)
        self.states = [TrainState(module, rate, self.options, self.device) for module, rate in self._modules(rates)]

    def fit(self, started: float) -> None:
        """Train to the last epoch; ``started`` is the job's start on time.perf_counter's clock."""
        self._restore()
        before = self.progress.job_seconds
        with StopWarning() as warning, EpochBar(self.options.epochs, self.steps, world.rank() == 0) as bar:
            self._to_training_mode()
            while self.progress.epoch < self.options.epochs and self._learning():
                warned = self._epoch(warning, bar)
                self.progress.job_seconds = before + time.perf_counter() - started
                if self.progress.epoch < self.options.epochs or warned:
                    self._save()
                if warned:
                    raise Interrupted(warning.given or "a warning of another process", self.work)

    def finish(self) -> None:
        """Delete the saved state, once the results are written."""
        if world.rank() == 0:
            remove_checkpoints(self.work)

    def _build(self, weights: Path) -> nn.Module:
        spec = self.spec
        seed_all(spec.seed, "init")
        drops = Drops(self.options.drop_path, self.options.dropout)
        build = build_model if spec.start == "backbone" else load_model
        model = build(spec.network, weights, drops)
        self.modes = learning(model, spec.network, spec.part_that_learns, self.options.frozen_batch_norm)
        synchronise(model)
        return model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def _to_training_mode(self) -> None:
        self.model.eval()
        for name in self.modes:
            self.model.get_submodule(name).train()

    def _modules(self, rates: Sequence[float]) -> list[tuple[nn.Module, float]]:
        if len(rates) == 1:
            return [(self.model, rates[0])]
        assert isinstance(self.model, Classifier)
        return [(deepcopy(self.model.head), rate) for rate in rates]

    def _learning(self) -> list[TrainState]:
        return [state for state in self.states if state.error is None]

    def _epoch(self, warning: StopWarning, bar: EpochBar) -> bool:
        """Train one epoch, or up to a warning; returns whether there was one."""
        progress, clock = self.progress, time.perf_counter()
        before, seen = progress.seconds_of_epoch, progress.epoch * self.steps * self.options.batch_size
        bar.start(progress.epoch, progress.step)
        for group in self._groups():
            self._update(group)
            if progress.updates % _CHECK_EVERY == 0:
                self._check()
                bar.loss = self._loss()
            bar.advance(len(group))
            if not self._learning():
                return False
            if progress.step < self.steps and self._warned(warning, _AGREE_EVERY):
                progress.seconds_of_epoch = before + time.perf_counter() - clock
                return True
        self._check()
        if self._learning():
            self._close_epoch(before + time.perf_counter() - clock, progress.images - seen, bar)
        return self._warned(warning, 1)

    def _groups(self) -> Iterator[list[tuple[Tensor, Tensor]]]:
        """Yield batches left in the epoch, in groups of one update; the last group may be smaller."""
        epoch = Epoch(
            self.spec.seed,
            self.progress.epoch,
            self.options.batch_size,
            self.spec.pairs,
            first_step=self.progress.step,
            share=(world.rank(), world.size()),
            repeats=self.options.repeats,
        )
        stream = self.stream(epoch)
        while group := list(islice(stream, self.options.accumulation)):
            yield group

    def stream(self, epoch: Epoch) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield what goes into the batches left in an epoch, and their labels (B,)."""
        yield from train_batches(self.part, self.spec.geometry.train, epoch, self.workers)

    def prepared(self, batch: Tensor) -> Tensor:
        """Return what went into a batch as the network takes it, on the device."""
        backbone = backbone_of(self.model)
        return normalise(batch, backbone.mean, backbone.std, self.device)

    def losses_of(self, module: nn.Module, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss (scalar) and the logits (B, classes) of a batch."""
        return self.objective(module, inputs, labels)

    def _update(self, group: list[tuple[Tensor, Tensor]]) -> None:
        """Update the weights once from a group of batches, whose gradients are averaged."""
        progress, learning = self.progress, self._learning()
        for batch, labels in group:
            seed_all(self.spec.seed, "step", progress.epoch, progress.step)
            images = self.prepared(batch)
            labels = labels.to(self.device, non_blocking=True)
            with autocast(self.device, self.options.precision):
                losses = self._losses(learning, images, labels)
            for state, (loss, logits) in zip(learning, losses, strict=True):
                state.backward(loss, logits, labels, len(group))
            progress.step += 1
            progress.images += self.options.batch_size
        for state in learning:
            state.step(learning_rate(progress.updates, self.updates, state.rate, self.options))
        progress.updates += 1

    def _losses(self, learning: list[TrainState], images: Tensor, labels: Tensor) -> list[tuple[Tensor, Tensor]]:
        if len(self.states) == 1:
            return [self.losses_of(self.states[0].module, images, labels)]
        pooled = backbone_of(self.model).pooled(images)
        return [self.objective(state.module, pooled, labels) for state in learning]

    def _check(self) -> None:
        for state in self.states:
            state.check(self.progress.epoch + 1, self.progress.updates)

    def _loss(self) -> float | None:
        """Return the mean loss of the epoch up to now; of several heads none. Right after a look, as it costs none."""
        if len(self.states) > 1 or not self.progress.step:
            return None
        return self.states[0].seen_sum / self.progress.step / world.size()

    def _warned(self, warning: StopWarning, every: int) -> bool:
        """Say whether any of the processes was warned. To ask the others waits for them, so that is not done at each
        update.
        """
        if world.size() == 1 or self.progress.updates % every:
            return world.size() == 1 and warning.given is not None
        return world.any_rank(warning.given is not None, self.device)

    def _close_epoch(self, seconds: float, images: int, bar: EpochBar) -> None:
        progress = self.progress
        row = {"epoch": progress.epoch + 1, "steps": progress.updates, "images": progress.images, "seconds": seconds}
        share_a_pass = len(self.states) > 1
        for state in self._learning():
            bar.close(state.close_epoch(row, self.steps, images), state.rate if share_a_pass else None)
            if world.rank() == 0:
                # For who looks in while it trains; the results get their own when it ends.
                name = f"history-lr{state.rate:g}.parquet" if share_a_pass else "history.parquet"
                write_rows("history", state.history, self.work / name)
        progress.epoch_seconds += seconds
        progress.epoch, progress.step, progress.seconds_of_epoch = progress.epoch + 1, 0, 0.0

    def _save(self) -> None:
        trained = [state.tensors() for state in self.states]
        if world.rank() == 0:
            # Of heads the backbone too: it moves its running statistics where frozen_batch_norm is train.
            shared = self.model.state_dict() if len(self.states) > 1 else {}
            tensors = {f"model.{name}": tensor for name, tensor in shared.items()}
            for number, state in enumerate(trained):
                tensors |= {f"{number}.{name}": tensor for name, tensor in state.items()}
            numbers = {"progress": asdict(self.progress), "states": [state.numbers() for state in self.states]}
            write_checkpoint(self.work, self.identity, Checkpoint(tensors, numbers))
        world.wait()

    def _restore(self) -> None:
        saved = read_checkpoint(self.work, self.identity)
        if saved is None:
            return
        if len(self.states) > 1:
            self.model.load_state_dict(_below("model.", saved.tensors))
        for number, state in enumerate(self.states):
            state.restore(_below(f"{number}.", saved.tensors), saved.numbers["states"][number])
        self.progress = Progress(**saved.numbers["progress"])
        self.progress.resumes += 1
        if world.rank() == 0:
            where = f"epoch {self.progress.epoch + 1}, step {self.progress.step}"
            print(f"Going on from {where}, saved in {self.work}", flush=True)


def identity(spec: RunSpec, rates: Sequence[float], split: Path, weights: Path) -> str:
    """Return what a saved state belongs to: everything that decides the run's bits."""
    text = f"{canonical(spec)} {[float(rate) for rate in rates]!r}"
    digest = hashlib.blake2b(text.encode(), digest_size=16)
    for path in (split, weights):
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "blake2b").digest())
    return digest.hexdigest()


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
