"""Make a row of the summary of the rows of a cell's files: the one place where figures of seeds become a figure."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from fgir.results.metrics import METRICS
from fgir.results.published import Published
from fgir.specs import CellSpec
from fgir.study import VIEWS

Row = dict[str, Any]

# From best to worst: of its kinds of trouble a cell has the worst as its status.
_STATUSES = ("ok", "uncounted", "missing", "diverged", "failed")
_AND, _NO = "; ", "no "
# Between what went wrong with a cell, or what it waits for, and the files that it lacks.
WHAT_IS_ABSENT = _AND + _NO
_SECONDS_AN_HOUR = 3600
_TIMED = (
    *("throughput", "throughput_q1", "throughput_q3", "latency", "latency_q1", "latency_q3"),
    *("device", "driver", "precision", "memory_format", "threads"),
)


class CellFiles(NamedTuple):
    """Hold the rows of a cell's files, by seed where there is one a seed; None where the file is missing.

    ``published`` is what the cell is compared with; None where nothing was published.
    """

    metrics: dict[int, Row | None]
    train: dict[int, Row | None]
    macs: Row | None
    timing: Row | None
    adapt: dict[int, Row | None] = {}  # noqa: RUF012
    end_to_end: Row | None = None
    published: Published | None = None


def aggregate(spec: CellSpec, files: CellFiles) -> Row:
    """Return the summary's row of a cell; ``pareto``, which depends on other cells, is null.

    Means and deviations are over the seeds with an accuracy; a figure that no file gives is null.
    """
    seeds = [seed for seed in spec.seeds if _is_ok(files.metrics[seed])]
    evaluations = _present(files.metrics[seed] for seed in seeds)
    trainings = [row for row in _present(files.train[seed] for seed in seeds) if _is_ok(row)]
    status, error = _status(spec, files)
    return {
        **spec.model_dump(exclude={"seeds", "scope"}),
        **_accuracy(evaluations),
        "seeds_ok": len(seeds),
        "seeds_expected": len(spec.seeds),
        "views": VIEWS[spec.setting],
        **_inference(files.macs or {}, files.timing or {}),
        **_steadiness(files.timing, files.end_to_end),
        **_training(trainings),
        **_adaptation([row for row in _present(files.adapt.values()) if _is_ok(row)]),
        **_origin(_present(files.metrics.values()) or _present(files.train.values())),
        "learning_rate_edge": _common(_present(files.train.values()), "learning_rate_edge"),
        "pareto": None,
        **_published(files.published),
        "status": status,
        "error": error,
    }


def _accuracy(evaluations: Sequence[Row]) -> Row:
    row: Row = {"top1_fold_std": mean(_values(evaluations, "fold_deviation"))}
    for key in (metric.name for metric in METRICS if metric.over_seeds):
        values = _values(evaluations, key)
        row |= {key: mean(values), f"{key}_std": sample_deviation(values)}
    return row | {"test_images": _common(evaluations, "images")}


def _inference(macs: Row, timing: Row) -> Row:
    row = {key: macs.get(key) for key in ("parameters", "macs_view", "macs_image")}
    row |= {key: timing.get(key) for key in _TIMED}
    row |= {f"timing_{key}": timing.get(key) for key in ("batch_size", "load", "gpu_processes")}
    return row | {"inference_memory": timing.get("peak_memory")}


def _steadiness(network: Row | None, end_to_end: Row | None) -> Row:
    """Return figures end to end, and which figures of both timings are unsteady."""
    timings = {"": network, "_end_to_end": end_to_end}
    measured = {suffix: row for suffix, row in timings.items() if row is not None}
    unsteady = [name + suffix for suffix, row in measured.items() for name in row["unsteady"] or ()]
    errors = [row["error"] for row in measured.values() if row["status"] == "unsteady"]
    return {
        "throughput_end_to_end": (end_to_end or {}).get("throughput"),
        "latency_end_to_end": (end_to_end or {}).get("latency"),
        "unsteady": unsteady if measured else None,
        "timing_status": ("unsteady" if unsteady else "ok") if measured else None,
        "timing_error": " ".join(errors) or None,
    }


def _training(trainings: Sequence[Row]) -> Row:
    return {
        "trainable": _common(trainings, "trainable"),
        "train_hours": _hours(trainings, "epoch_seconds"),
        "train_job_hours": _hours(trainings, "job_seconds"),
        "train_images": _whole(mean(_values(trainings, "images"))),
        "train_steps": _whole(mean(_values(trainings, "steps"))),
        "train_memory": max(_values(trainings, "peak_memory"), default=None),
        "train_batch_size": _common(trainings, "batch_size"),
        "drop_path": _common(trainings, "drop_path"),
        "dropout": _common(trainings, "dropout"),
        "epochs": _common(trainings, "epochs"),
        "train_device": _common(trainings, "device"),
        "train_precision": _common(trainings, "precision"),
    }


def _adaptation(rows: Sequence[Row]) -> Row:
    return {
        "adapt_hours": _hours(rows, "epoch_seconds"),
        "adapt_images": _whole(mean(_values(rows, "images"))),
        "adapt_peak_memory": max(_values(rows, "peak_memory"), default=None),
    }


def _origin(rows: Sequence[Row]) -> Row:
    versions = {key: ", ".join(sorted(set(_values(rows, key)))) or None for key in ("torch", "timm", "fgir")}
    return versions | {"weights": _common(rows, "weights"), "learning_rate": _common(rows, "learning_rate")}


def _published(row: Published | None) -> Row:
    if row is None:
        return dict.fromkeys(("published_top1", "published_seeds", "published_source"))
    return {"published_top1": row.top1, "published_seeds": row.seeds, "published_source": row.source}


def _status(spec: CellSpec, files: CellFiles) -> tuple[str, str | None]:
    """Return the worst status among a cell's files, and a sentence that names every trouble, the worst first."""
    troubles = [
        (row["status"], f"seed {seed}: {row['error']}")
        for seed in spec.seeds
        for row in _first_trouble(files.train[seed], files.adapt.get(seed), files.metrics[seed])
    ]
    troubles += [
        (row["status"], f"{kind}: {row['error']}")
        for kind, row in (("MACs", files.macs), ("timing", files.timing))
        # An unsteady timing is a figure all the same: columns of its own say so.
        if row is not None and row["status"] not in ("ok", "unsteady")
    ]
    absent = _absent(spec, files)
    troubles += [("missing", f"{_NO}{', '.join(absent)}")] if absent else []
    if not troubles:
        return "ok", None
    troubles.sort(key=lambda trouble: -_STATUSES.index(trouble[0]))
    return troubles[0][0], _AND.join(text.rstrip(".") for _, text in troubles) + "."


def _first_trouble(*rows: Row | None) -> list[Row]:
    # An evaluation of a run that ended badly repeats the run's status: saying it once is enough.
    return [row for row in rows if row is not None and not _is_ok(row)][:1]


def _absent(spec: CellSpec, files: CellFiles) -> list[str]:
    absent = []
    for kind, rows in (("evaluation", files.metrics), ("adaptation", files.adapt), ("training", files.train)):
        seeds = [str(seed) for seed in spec.seeds if seed in rows and rows[seed] is None]
        if seeds:
            absent.append(f"{kind} of seed{'s' * (len(seeds) > 1)} {' '.join(seeds)}")
    costs = {"MACs": files.macs, "timing": files.timing}
    costs |= {"timing end to end": files.end_to_end} if spec.scope == "end_to_end" else {}
    return absent + [kind for kind, row in costs.items() if row is None]


def mean(values: Sequence[float]) -> float | None:
    """Return the mean; None of no values."""
    return math.fsum(values) / len(values) if values else None


def sample_deviation(values: Sequence[float]) -> float | None:
    """Return the sample standard deviation; None of fewer than two values."""
    if len(values) < 2:
        return None
    centre = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1))


def _is_ok(row: Row | None) -> bool:
    return row is not None and row["status"] == "ok"


def _present(rows: Iterable[Row | None]) -> list[Row]:
    return [row for row in rows if row is not None]


def _values(rows: Sequence[Row], key: str) -> list[Any]:
    return [row[key] for row in rows if row[key] is not None]


def _common(rows: Sequence[Row], key: str) -> Any:
    values = {row[key] for row in rows}
    return values.pop() if len(values) == 1 else None


def _hours(trainings: Sequence[Row], key: str) -> float | None:
    seconds = mean(_values(trainings, key))
    return None if seconds is None else seconds / _SECONDS_AN_HOUR


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
