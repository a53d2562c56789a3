"""Measurements of accuracy: a trained run, evaluated at one size by the settings of its regime."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fgir.data.parts import Part, open_part
from fgir.evaluation.figures import figures_of
from fgir.evaluation.predict import predict_logits
from fgir.evaluation.predictions import predictions_of
from fgir.methods.build import load_model
from fgir.models.differences import load_over
from fgir.results.parquet import read_row, table_of, write_rows, write_table
from fgir.specs import EvaluationSpec
from fgir.study import PROTOCOL_OF, REGIME_OF, VIEWS, Setting
from fgir.utils.devices import choose_device, conditions
from fgir.utils.errors import FgirError
from fgir.utils.progress import inform
from fgir.utils.seeding import deterministic

# Columns of a row of table metrics, and the table predictions.
_Measured = tuple[dict[str, Any], Any]


def evaluate(
    spec: EvaluationSpec,
    metrics: Mapping[Setting, Path],
    run: Path,
    split: Path,
    images: Path,
    workers: int,
    adapted: Path | None = None,
) -> None:
    """Write ``metrics`` (one row) of a run for each setting asked for, predictions.parquet (a row an image) beside.

    ``adapted`` holds the tensors of its adaptation, if it was adapted. A run, or an adaptation, that did not end well
    gives rows with its status and error, no figures and no predictions. Raises FgirError where a setting is none of the
    run's regime.
    """
    _check_settings(spec, metrics)
    deterministic(strict=False)
    trained = read_row("train", run / "train.parquet")
    ended = trained if adapted is None else read_row("adapt", adapted.with_name("adapt.parquet"))
    device = choose_device()
    shared: dict[str, Any] = {
        "dataset": spec.dataset,
        "backbone": spec.model.backbone,
        "train_size": spec.train_size,
        "test_size": spec.test_size,
        "adaptation": spec.adaptation,
        "crops": spec.crops,
        "seed": spec.seed,
        "learning_rate": trained["learning_rate"],
        "weights": trained["weights"],
        **conditions(device, spec.precision),
        "status": ended["status"],
        "error": ended["error"],
    }
    measured: list[_Measured] = [({}, _no_predictions())] * len(metrics)
    if ended["status"] == "ok":
        part = open_part("test", split, spec.geometry.start, images, spec.background)
        model = _model(spec, run, adapted).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        protocols = [PROTOCOL_OF[setting] for setting in metrics]
        test, precision = spec.geometry.test, spec.precision
        found = predict_logits(model, protocols, part, test, device, precision, workers=workers)
        measured = [_measured(logits, part) for logits in found]
    for (setting, file), (figures, predictions) in zip(metrics.items(), measured, strict=True):
        row = shared | {"setting": setting, "views": VIEWS[setting]} | figures
        write_table(predictions, file.with_name("predictions.parquet"))
        write_rows("metrics", [row], file)
        inform(_sentence(row, file))


def _sentence(row: dict[str, Any], file: Path) -> str:
    """Return what was measured, and where it stands."""
    what = f"{row['setting']} of {row['backbone']} on {row['dataset']}, seed {row['seed']}"
    sizes = f"trained at {row['train_size']} px, tested at {row['test_size']} px"
    if row["status"] != "ok":
        return f"{what}, {sizes}: {row['status']}, no accuracy ({row['error']}); written to {file}"
    views = f"{row['views']} views" if row["views"] > 1 else "1 view"
    return f"{what}, {sizes}: top-1 {row['top1']:.2f} % of {row['images']:,} images, {views}; written to {file}"


def _check_settings(spec: EvaluationSpec, settings: Iterable[Setting]) -> None:
    others = [setting for setting in settings if REGIME_OF[setting] != spec.regime]
    if others:
        raise FgirError(
            f"{', '.join(others)} cannot be evaluated on weights of regime {spec.regime}; leave it out of --settings."
        )


def _model(spec: EvaluationSpec, run: Path, adapted: Path | None) -> nn.Module:
    model = load_model(spec.network, run / "model.safetensors")
    if adapted is not None:
        load_over(model, adapted)
    return model


def _measured(logits: Tensor, part: Part) -> _Measured:
    labels = torch.from_numpy(part.labels[part.rows])
    images = {"images": len(labels)}
    if not logits.isfinite().all():
        error = "The trained weights give non-finite logits on the test images."
        return images | {"status": "diverged", "error": error}, _no_predictions()
    return images | figures_of(logits, labels), predictions_of(logits, labels, part.numbers[part.rows])


def _no_predictions() -> Any:
    return table_of("predictions", [])
