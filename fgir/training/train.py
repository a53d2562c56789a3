"""The stages that train: a candidate of the learning-rate search, and the final run."""

import time
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from fgir.data.parts import Part, open_part
from fgir.devices import choose_device, conditions, peak_memory
from fgir.files import replacing
from fgir.schema import write_rows
from fgir.specs import RunSpec, canonical
from fgir.training.choice import chosen_rate
from fgir.training.fit import Fitted, Trainer
from fgir.training.predict import predict_logits


class Inputs(NamedTuple):
    """The files that a training reads, and where it keeps its state."""

    split: Path
    weights: Path
    images: Path
    work: Path
    workers: int


def train_candidate(spec: RunSpec, inputs: Inputs, out: Path) -> None:
    """Train on train, judge on val; write one row of table candidate."""
    assert spec.learning_rate is not None
    trainer, fitted = _fit(spec, spec.learning_rate, inputs)
    row = {
        **_identity(spec),
        "learning_rate": spec.learning_rate,
        "epochs": spec.training.epochs,
        "train_top1": fitted.progress.history[-1]["top1"] if fitted.progress.history else None,
        **_status(fitted),
    }
    if fitted.error is None:
        row |= _judge(spec, fitted, _part(spec, inputs, "val"), inputs.workers)
    write_rows("candidate", [{**row, "seconds": fitted.progress.job_seconds}], out)
    trainer.finish()


def train_run(spec: RunSpec, inputs: Inputs, best: Path | None, out: Path) -> None:
    """Train on train and val; write into ``out`` model.safetensors, history.parquet and last train.parquet."""
    rate = spec.learning_rate if best is None else chosen_rate(best)
    assert rate is not None
    trainer, fitted = _fit(spec, rate, inputs)
    out.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.cpu().contiguous() for name, tensor in fitted.model.state_dict().items()}
    with replacing(out / "model.safetensors") as temporary:
        # One key: safetensors writes several in an order that changes from run to run.
        save_file(tensors, temporary, {"fgir": f"{canonical(spec)} {rate!r}"})
    write_rows("history", fitted.progress.history, out / "history.parquet")
    row = _train_row(spec, rate, "fixed" if best is None else "tuned", fitted)
    write_rows("train", [row], out / "train.parquet")
    trainer.finish()


def _fit(spec: RunSpec, rate: float, inputs: Inputs) -> tuple[Trainer, Fitted]:
    started = time.perf_counter()
    part = _part(spec, inputs, spec.part)
    trainer = Trainer(spec, rate, part, inputs.weights, inputs.split, inputs.work, inputs.workers)
    return trainer, trainer.fit(started)


def _part(spec: RunSpec, inputs: Inputs, part: Any) -> Part:
    return open_part(part, inputs.split, spec.side, inputs.images)


def _judge(spec: RunSpec, fitted: Fitted, val: Part, workers: int) -> dict[str, float]:
    precision = spec.training.precision
    logits = predict_logits(
        fitted.model, spec.regime, val, spec.train_size, choose_device(), precision, workers=workers
    )
    labels = torch.from_numpy(val.labels[val.rows])
    return {
        "val_loss": F.cross_entropy(logits, labels).item(),
        "val_top1": 100 * (logits.argmax(1) == labels).double().mean().item(),
    }


def _train_row(spec: RunSpec, rate: float, origin: str, fitted: Fitted) -> dict[str, Any]:
    progress, device = fitted.progress, choose_device()
    last = progress.history[-1] if progress.history else {}
    parameters = list(fitted.model.parameters())
    return {
        **_identity(spec),
        "learning_rate": rate,
        "learning_rate_origin": origin,
        "epochs": progress.epoch,
        "batch_size": spec.training.batch_size,
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
        **_status(fitted),
    }


def _identity(spec: RunSpec) -> dict[str, Any]:
    return {
        "dataset": spec.dataset,
        "backbone": spec.model.backbone,
        "regime": spec.regime,
        "train_size": spec.train_size,
        "seed": spec.seed,
    }


def _status(fitted: Fitted) -> dict[str, str | None]:
    return {"status": "diverged" if fitted.error else "ok", "error": fitted.error}
