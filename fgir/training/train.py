"""Run the stages that train: the candidates of a learning-rate search, and the final run."""

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from fgir.data.parts import Part, open_part
from fgir.distributed import world
from fgir.evaluation.predict import predict_logits
from fgir.methods.build import backbone_of
from fgir.models.apart import apart
from fgir.results.parquet import read_row, write_rows
from fgir.specs import RunSpec, SearchSpec, canonical
from fgir.training.finished import keep, put_back
from fgir.training.loop import Trainer, identity
from fgir.training.search import Chosen, chosen_rate
from fgir.training.state import TrainState
from fgir.utils.devices import choose_device, conditions, peak_memory
from fgir.utils.files import replacing
from fgir.utils.lock import owning
from fgir.utils.log import carry_on
from fgir.utils.seeding import indeterminate

_Trainer = TypeVar("_Trainer", bound=Trainer)


class Inputs(NamedTuple):
    """Hold the files that a training reads, and the folder of its state."""

    split: Path
    weights: Path
    images: Path
    work: Path
    workers: int
    log: Path | None = None
    """The log of this process, if it is to continue that of an earlier process."""


def train_candidates(spec: SearchSpec, inputs: Inputs, out: Path) -> None:
    """Train on train at each learning rate, judge on val; write a row of table candidate each.

    Several rates share one pass over the images, which a frozen backbone alone allows; each row is that of a search
    of its own.
    """
    with owning_work(inputs):
        trainer = fit(spec.run, spec.learning_rates, inputs, Trainer)
        if world.rank() == 0:
            judged = _judge(spec.run, trainer, inputs)
            rows = [_candidate_row(spec.run, trainer, state, judgement) for state, judgement in judged]
            write_rows("candidate", rows, out)
        trainer.finish()


def train_run(spec: RunSpec, inputs: Inputs, best: Path | None, out: Path) -> None:
    """Train on train and val; write into ``out`` model.safetensors, history.parquet and last train.parquet."""
    rate, edge = Chosen(spec.learning_rate or 0, None) if best is None else chosen_rate(best)
    assert rate
    origin = {"learning_rate_origin": "fixed" if best is None else "tuned", "learning_rate_edge": edge}
    with owning_work(inputs):
        run = identity(spec, [rate], inputs.split, inputs.weights)
        if world.any_rank(world.rank() == 0 and _put_back(inputs.work, run, out, origin), choose_device()):
            return
        trainer = fit(spec, [rate], inputs, Trainer)
        row = _train_row(spec, origin, trainer)
        if world.rank() == 0:
            keep(inputs.work, run, _write_run(spec, trainer.states[0], row, out))
        trainer.finish()


@contextmanager
def owning_work(inputs: Inputs) -> Iterator[None]:
    """Hold the lock of a work folder, for all processes that train together; go on with its log."""
    with owning(inputs.work) if world.rank() == 0 else nullcontext():
        if world.rank() == 0:
            carry_on(inputs.work, inputs.log)
        world.wait()
        yield


def _put_back(work: Path, run: str, out: Path, origin: dict[str, str | None]) -> bool:
    """Put a finished run back, with its learning rate judged by today's candidates, which may have changed."""
    if not put_back(work, run, out):
        return False
    path = out / "train.parquet"
    write_rows("train", [read_row("train", path) | origin], path)
    return True


def _write_run(spec: RunSpec, trained: TrainState, row: dict[str, Any], out: Path) -> list[Path]:
    out.mkdir(parents=True, exist_ok=True)
    results = [out / "model.safetensors", out / "history.parquet", out / "train.parquet"]
    with replacing(results[0]) as temporary:
        # One key: safetensors writes several in an order that changes from run to run.
        save_file(apart(trained.module.state_dict()), temporary, {"fgir": f"{canonical(spec)} {trained.rate!r}"})
    write_rows("history", trained.history, results[1])
    write_rows("train", [row], results[2])
    return results


def fit(spec: RunSpec, rates: Sequence[float], inputs: Inputs, trainer: type[_Trainer]) -> _Trainer:
    """Train at each learning rate to the end; return the trainer, whose ``finish`` is still to be called."""
    started = time.perf_counter()
    try:
        return _fitted(spec, rates, inputs, trainer, started, strict=True)
    except RuntimeError as error:
        operator = indeterminate(error)
        if operator is None:
            raise
    # That was at the first update: nothing is lost but its time. The memory of the first trainer must be free again.
    gc.collect()
    print(f"{operator} has no deterministic form on this device: the same run may end in other bits.")
    return _fitted(spec, rates, inputs, trainer, started, strict=False)


def _fitted(
    spec: RunSpec, rates: Sequence[float], inputs: Inputs, kind: type[_Trainer], started: float, strict: bool
) -> _Trainer:
    part = part_of(spec, inputs, spec.part)
    trainer = kind(spec, rates, part, inputs.weights, inputs.split, inputs.work, inputs.workers, strict)
    trainer.fit(started)
    return trainer


def part_of(spec: RunSpec, inputs: Inputs, part: Any) -> Part:
    """Open the images of a part as a training reads them."""
    return open_part(part, inputs.split, spec.geometry.start, inputs.images, spec.background)


def _judge(spec: RunSpec, trainer: Trainer, inputs: Inputs) -> list[tuple[TrainState, dict[str, float]]]:
    """Return each state with its loss and accuracy on val; without them if it diverged."""
    learnt = [state for state in trainer.states if state.error is None]
    judgements = {}
    if learnt:
        val = part_of(spec, inputs, "val")
        model = trainer.model if len(trainer.states) == 1 else _Heads(trainer.model, [state.module for state in learnt])
        precision = spec.training.precision
        (logits,) = predict_logits(
            model, [spec.method.protocol], val, spec.geometry.test, choose_device(), precision, workers=inputs.workers
        )
        labels = torch.from_numpy(val.labels[val.rows])
        by_state = logits.unbind(1) if isinstance(model, _Heads) else [logits]
        judgements = {id(state): _judgement(state, own, labels) for state, own in zip(learnt, by_state, strict=True)}
    return [(state, judgements.get(id(state), {})) for state in trainer.states]


class _Heads(nn.Module):
    """Apply a head for each learning rate to one pass of a backbone."""

    def __init__(self, model: nn.Module, heads: Sequence[nn.Module]) -> None:
        super().__init__()
        self.backbone, self.heads = model.backbone, nn.ModuleList(heads)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, heads, classes) of normalised images (B, 3, S, S)."""
        pooled = backbone_of(self).pooled(images)
        return torch.stack([head(pooled) for head in self.heads], 1)


def _judgement(state: TrainState, logits: Tensor, labels: Tensor) -> dict[str, float]:
    """Return the loss and accuracy of logits (n, classes); nothing, but set the error, if they are not finite."""
    if not logits.isfinite().all():
        state.error = (
            f"The weights trained at learning rate {state.rate:g} give non-finite logits on val; try a lower one."
        )
        return {}
    return {
        "val_loss": F.cross_entropy(logits, labels).item(),
        "val_top1": 100 * (logits.argmax(1) == labels).double().mean().item(),
    }


def _candidate_row(spec: RunSpec, trainer: Trainer, state: TrainState, judgement: dict[str, float]) -> dict[str, Any]:
    return {
        **_identity(spec),
        "learning_rate": state.rate,
        "epochs": spec.training.epochs,
        "train_top1": state.history[-1]["top1"] if state.history else None,
        **judgement,
        "seconds": trainer.progress.job_seconds,
        **status_of(state),
    }


def _train_row(spec: RunSpec, origin: dict[str, str | None], trainer: Trainer) -> dict[str, Any]:
    progress, device, trained = trainer.progress, choose_device(), trainer.states[0]
    last = trained.history[-1] if trained.history else {}
    parameters = list(trained.module.parameters())
    return {
        **_identity(spec),
        "learning_rate": trained.rate,
        **origin,
        "epochs": progress.epoch,
        "batch_size": spec.training.batch_size,
        "drop_path": spec.training.drop_path,
        "dropout": spec.training.dropout,
        "processes": world.size(),
        "images": progress.images,
        "steps": progress.updates,
        "epoch_seconds": progress.epoch_seconds,
        "job_seconds": progress.job_seconds,
        "resumes": progress.resumes,
        "peak_memory": peak_memory(device),
        "parameters": sum(p.numel() for p in parameters),
        "trainable": sum(p.numel() for p in parameters if p.requires_grad),
        "train_loss": last.get("loss"),
        "train_top1": last.get("top1"),
        "weights": spec.model.weights,
        **conditions(device, spec.training.precision),
        **status_of(trained),
    }


def _identity(spec: RunSpec) -> dict[str, Any]:
    return {
        "dataset": spec.dataset,
        "backbone": spec.model.backbone,
        "regime": spec.regime,
        "train_size": spec.train_size,
        "crops": spec.crops,
        "seed": spec.seed,
    }


def status_of(trained: TrainState) -> dict[str, str | None]:
    """Return the columns that say how a training ended."""
    return {"status": "diverged" if trained.error else "ok", "error": trained.error}
