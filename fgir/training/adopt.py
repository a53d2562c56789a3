"""Make a run of pretrained weights as they are: nothing is trained, and all that follows a training can follow it."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from fgir.data.manifest import names_of_classes
from fgir.methods.build import build_model
from fgir.models.apart import apart
from fgir.models.classifier import Classifier
from fgir.models.own_classifier import own_classifier
from fgir.results.parquet import write_rows
from fgir.specs import AdoptSpec, canonical
from fgir.utils.devices import choose_device, conditions
from fgir.utils.errors import FgirError
from fgir.utils.files import replacing


def adopt(spec: AdoptSpec, manifest: Path, weights: Path, out: Path) -> None:
    """Write into ``out`` model.safetensors, an empty history.parquet and last train.parquet, as a training does.

    The classifier has the rows of the dataset's classes, which are named by ImageNet's synsets. Raises FgirError where
    the weights have none for a class, or no linear classifier on the vector that timm pools.
    """
    model = build_model(spec.network, weights)
    assert isinstance(model, Classifier)
    rows = own_classifier(spec.model.timm, weights, names_of_classes(manifest))
    if rows.weight.shape != model.head.weight.shape:
        raise FgirError(
            f"The classifier of {spec.model.timm} takes {rows.weight.shape[1]} numbers, and {model.head.in_features} "
            "are pooled; it cannot be evaluated as pretrained."
        )
    with torch.no_grad():
        model.head.weight.copy_(rows.weight)
        model.head.bias.copy_(rows.bias)
    out.mkdir(parents=True, exist_ok=True)
    with replacing(out / "model.safetensors") as temporary:
        save_file(apart(model.state_dict()), temporary, {"fgir": canonical(spec)})
    write_rows("history", [], out / "history.parquet")
    write_rows("train", [_row(spec, model)], out / "train.parquet")


def _row(spec: AdoptSpec, model: Classifier) -> dict[str, Any]:
    return {
        **{name: getattr(spec, name) for name in ("dataset", "regime", "train_size", "crops", "seed")},
        "backbone": spec.model.backbone,
        **dict.fromkeys(("epochs", "images", "steps", "resumes", "trainable"), 0),
        **dict.fromkeys(("epoch_seconds", "job_seconds"), 0.0),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "weights": spec.model.weights,
        **conditions(choose_device(), "auto"),
        "status": "ok",
    }
