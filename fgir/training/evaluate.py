"""One measurement of accuracy: a trained run, evaluated by one setting at one size."""

from pathlib import Path
from typing import Any

import torch

from fgir.data.parts import open_part
from fgir.devices import choose_device, conditions
from fgir.models.build import load_model
from fgir.schema import read_row, table_of, write_rows, write_table
from fgir.specs import EvaluationSpec
from fgir.study import REGIME_OF, VIEWS
from fgir.training.metrics import metrics_of, predictions_of
from fgir.training.predict import predict_logits
from fgir.training.seeding import deterministic


def evaluate(spec: EvaluationSpec, run: Path, split: Path, images: Path, out: Path, workers: int) -> None:
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
        part = open_part("test", split, spec.side, images)
        regime, trained_file = REGIME_OF[spec.setting], run / "model.safetensors"
        model = load_model(spec.model, regime, spec.classes, spec.test_size, spec.cal, trained_file)
        model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        logits = predict_logits(model, spec.setting, part, spec.test_size, device, spec.precision, workers=workers)
        labels = torch.from_numpy(part.labels[part.rows])
        row["images"] = len(labels)
        if logits.isfinite().all():
            row |= metrics_of(logits, labels)
            predictions = predictions_of(logits, labels, part.numbers[part.rows])
        else:
            row |= {"status": "diverged", "error": "The trained weights give non-finite logits on the test images."}
    write_table(predictions, out / "predictions.parquet")
    write_rows("metrics", [row], out / "metrics.parquet")
