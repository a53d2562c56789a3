"""One measurement of accuracy: a trained run, evaluated by one setting at one size."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from fgir.data.parts import open_part
from fgir.devices import choose_device, conditions
from fgir.errors import FgirError
from fgir.models.build import build_model
from fgir.schema import read_row, table_of, write_rows, write_table
from fgir.specs import EvaluationSpec
from fgir.study import REGIME_OF, VIEWS
from fgir.training.metrics import metrics_of, predictions_of
from fgir.training.predict import predict_logits
from fgir.training.seeding import deterministic


def evaluate(
    spec: EvaluationSpec, run: Path, split: Path, pixels: Path | None, source: Path | None, out: Path, workers: int
) -> None:
    """Write ``metrics.parquet`` (one row) and ``predictions.parquet`` (a row an image) of a run into ``out``.

    A run that did not end well gives a row with its status and error, no figures and no predictions.
    """
    deterministic()
    trained = read_row("train", run / "train.parquet")
    device = choose_device()
    row: dict[str, Any] = {
        "dataset": spec.dataset,
        "backbone": spec.model.backbone,
        "setting": spec.setting,
        "train_size": spec.train_size,
        "test_size": spec.test_size,
        "adaptation": spec.adaptation,
        "seed": spec.seed,
        "views": VIEWS[spec.setting],
        "learning_rate": trained["learning_rate"],
        "weights": trained["weights"],
        **conditions(device, spec.precision),
        "status": trained["status"],
        "error": trained["error"],
    }
    predictions = table_of("predictions", [])
    if trained["status"] == "ok":
        part = open_part("test", split, spec.side, pixels, source)
        model = load_trained(spec, run / "model.safetensors").to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        logits = predict_logits(model, spec.setting, part, spec.test_size, device, spec.precision, workers=workers)
        labels = torch.from_numpy(part.labels[part.rows])
        row |= {"images": len(labels), **metrics_of(logits, labels)}
        predictions = predictions_of(logits, labels, part.numbers[part.rows])
    write_table(predictions, out / "predictions.parquet")
    write_rows("metrics", [row], out / "metrics.parquet")


def load_trained(spec: EvaluationSpec, path: Path) -> nn.Module:
    """The trained model of a run at the spec's test size; FgirError where the file does not fit it."""
    model = build_model(spec.model, REGIME_OF[spec.setting], spec.classes, spec.test_size, spec.cal, weights=None)
    try:
        model.load_state_dict(load_file(path))
    except (RuntimeError, OSError) as error:
        raise FgirError(f"{path} does not fit the model ({str(error).splitlines()[0]}); delete it and rerun.") from None
    return model
