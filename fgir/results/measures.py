"""The measures of the summary: what tables rank and show, and figures draw. A measure more is a line here."""

from typing import NamedTuple

_TIMED = ("device", "precision", "timing_batch_size")
_TRAINED = ("train_device", "train_precision")


class Measure(NamedTuple):
    """A column of the summary: what it is of, in which unit, whether more is better, and what it was measured under."""

    column: str
    title: str
    more_is_better: bool
    scale: float = 1.0
    """What the column is divided by where it is shown."""
    accuracy: bool = False
    conditions: tuple[str, ...] = ()
    """Columns that must agree, or figures cannot be compared."""


MEASURES = {
    "top1": Measure("top1", "top-1, %", True, accuracy=True),
    "published": Measure("published_top1", "published top-1, %", True, accuracy=True),
    "top5": Measure("top5", "top-5, %", True, accuracy=True),
    "class_mean": Measure("class_mean", "mean accuracy of classes, %", True, accuracy=True),
    "macs": Measure("macs_image", "GMACs an image", False, 1e9),
    "throughput": Measure("throughput", "images/s", True, conditions=_TIMED),
    "latency": Measure("latency", "ms at batch 1", False, conditions=_TIMED),
    "end_to_end": Measure("throughput_end_to_end", "images/s end to end", True, conditions=_TIMED),
    "training": Measure("train_hours", "hours of training, the epochs alone", False, conditions=_TRAINED),
    "training_job": Measure("train_job_hours", "hours of training, the whole job", False, conditions=_TRAINED),
}
