"""Run the stage that adapts a run to a test size."""

from pathlib import Path
from typing import Any

from torch import Tensor

from fgir.adaptation.cached import CachedTrainer, is_cached
from fgir.adaptation.statistics import Statistics
from fgir.distributed import world
from fgir.methods.build import inputs_of_classifier, load_model
from fgir.models.differences import changed, write_tensors
from fgir.results.parquet import read_row, write_rows
from fgir.specs import AdaptationSpec, canonical
from fgir.training.finished import keep, put_back
from fgir.training.loop import Trainer, identity
from fgir.training.train import Inputs, fit, owning_work, part_of, status_of
from fgir.utils.devices import choose_device, conditions, peak_memory

Row = dict[str, Any]


def adapt(spec: AdaptationSpec, run: Path, inputs: Inputs, out: Path) -> None:
    """Write adapted.safetensors, history.parquet and last adapt.parquet into ``out``.

    ``run`` is the folder of the run, whose model is ``inputs.weights``. Of a run that did not end well there is nothing
    to adapt: the row has its status and error. Raises FgirError where the network lacks the part.
    """
    with owning_work(inputs):
        trained = read_row("train", run / "train.parquet")
        if trained["status"] != "ok":
            if world.rank() == 0:
                _write(spec, {}, [], {"status": trained["status"], "error": trained["error"]}, out)
            return
        of_run = identity(spec.training, [spec.adaptation.learning_rate], inputs.split, inputs.weights)
        of_run += spec.adaptation.part
        if world.any_rank(world.rank() == 0 and put_back(inputs.work, of_run, out), choose_device()):
            return
        if spec.adaptation.trains:
            trainer = fit(spec.training, [spec.adaptation.learning_rate], inputs, _trainer(spec, inputs))
            state, history, row = _trained(spec, trainer)
        else:
            trainer = None
            state, history, row = Statistics(spec, inputs).result()
        if world.rank() == 0:
            tensors = changed(state, load_model(spec.network, inputs.weights).state_dict())
            keep(inputs.work, of_run, _write(spec, tensors, history, row, out))
        if trainer is not None:
            trainer.finish()


def _trainer(spec: AdaptationSpec, inputs: Inputs) -> type[Trainer]:
    images = len(part_of(spec.training, inputs, spec.training.part).rows)
    return CachedTrainer if is_cached(spec, images, inputs_of_classifier(spec.network)) else Trainer


def _write(spec: AdaptationSpec, tensors: dict[str, Tensor], history: list[Row], figures: Row, out: Path) -> list[Path]:
    results = [out / "adapted.safetensors", out / "history.parquet", out / "adapt.parquet"]
    out.mkdir(parents=True, exist_ok=True)
    write_tensors(tensors, results[0], canonical(spec))
    write_rows("history", history, results[1])
    row = {
        **spec.model_dump(include={"dataset", "regime", "train_size", "test_size", "crops", "seed"}),
        "backbone": spec.model.backbone,
        "adaptation": spec.name,
        **spec.adaptation.model_dump(include={"part", "augmentation"}),
        "changed": sum(tensor.numel() for tensor in tensors.values()),
        "processes": world.size(),
        **conditions(choose_device(), spec.precision),
        "peak_memory": peak_memory(choose_device()),
        **figures,
    }
    write_rows("adapt", [row], results[2])
    return results


def _trained(spec: AdaptationSpec, trainer: Trainer) -> tuple[dict[str, Tensor], list[Row], Row]:
    """Return what a training ended in: the model's tensors, its history, and the row's figures."""
    progress, trained = trainer.progress, trainer.states[0]
    last = trained.history[-1] if trained.history else {}
    figures = {
        "features": isinstance(trainer, CachedTrainer),
        "epochs": progress.epoch,
        "batch_size": spec.adaptation.batch_size,
        "learning_rate": trained.rate,
        "images": progress.images,
        "passes": len(trainer.part.rows) if isinstance(trainer, CachedTrainer) else progress.images,
        "steps": progress.updates,
        "epoch_seconds": progress.epoch_seconds,
        "job_seconds": progress.job_seconds,
        "resumes": progress.resumes,
        "trainable": sum(parameter.numel() for parameter in trained.parameters),
        "train_loss": last.get("loss"),
        "train_top1": last.get("top1"),
        **status_of(trained),
    }
    return trainer.model.state_dict(), trained.history, figures
