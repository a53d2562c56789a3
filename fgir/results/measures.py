"""List the measures of the summary: what tables rank and show, and figures draw. A measure more is an entry here."""

from collections.abc import Mapping
from typing import Any, NamedTuple

_TIMED = ("device", "precision", "timing_batch_size")
_TRAINED = ("train_device", "train_precision")


class Heading(NamedTuple):
    """Head a column of ``fgir show``, which has one for each measure with a heading."""

    text: str
    dropped: int = 0
    """In a narrow terminal the columns with the highest number go first; 0 stays."""
    scale: float | None = None
    """The divisor of the column there; None: the measure's own scale."""


class Measure(NamedTuple):
    """Describe a column of the summary: its name and unit, whether more is better, what it was measured under."""

    column: str
    title: str
    """The title of a table of it alone, with the unit."""
    more_is_better: bool
    scale: float = 1.0
    """The divisor of the column where it is shown."""
    accuracy: bool = False
    conditions: tuple[str, ...] = ()
    """Columns that must agree, or figures cannot be compared."""
    name: str = ""
    """Its name in figures, without a unit."""
    heading: Heading | None = None
    deviation: str = ""
    """The column of its sample deviation over seeds."""
    published: str = ""
    """The column of its published value."""


MEASURES = {
    "top1": Measure(
        "top1",
        "top-1, %",
        True,
        accuracy=True,
        name="top-1 accuracy",
        heading=Heading("top-1 %"),
        deviation="top1_std",
        published="published_top1",
    ),
    "published": Measure("published_top1", "published top-1, %", True, accuracy=True),
    "top5": Measure("top5", "top-5, %", True, accuracy=True),
    "class_mean": Measure(
        "class_mean", "mean accuracy of classes, %", True, accuracy=True, heading=Heading("class\nmean", 4)
    ),
    "macs": Measure("macs_image", "GMACs an image", False, 1e9, heading=Heading("GMACs")),
    "throughput": Measure(
        "throughput",
        "images/s",
        True,
        conditions=_TIMED,
        name="throughput of the network",
        heading=Heading("images\n/s"),
    ),
    "latency": Measure("latency", "ms at batch 1", False, conditions=_TIMED, heading=Heading("ms", 2)),
    "end_to_end": Measure(
        "throughput_end_to_end",
        "images/s end to end",
        True,
        conditions=_TIMED,
        name="throughput end to end",
        heading=Heading("end to\nend /s", 5),
    ),
    "training": Measure(
        "train_hours",
        "hours of training, the epochs alone",
        False,
        conditions=_TRAINED,
        heading=Heading("train\nmin", 1, 1 / 60),
    ),
    "training_job": Measure(
        "train_job_hours",
        "hours of training, the whole job",
        False,
        conditions=_TRAINED,
        name="training time of the whole job",
    ),
    # Beside the training, which all adaptations of a run share.
    "adaptation": Measure("adapt_hours", "hours of adaptation", False, heading=Heading("adapt\nmin", 1, 1 / 60)),
    "memory": Measure(
        "inference_memory", "GB of memory at inference", False, 1e9, conditions=_TIMED, heading=Heading("GB", 3)
    ),
}


def order(measure: Measure, row: Mapping[str, Any]) -> tuple[bool, float]:
    """Return a key by which rows of a summary are sorted from the best figure of a measure to the worst, then none."""
    value = row[measure.column]
    return value is None, 0.0 if value is None else -value if measure.more_is_better else value


def shown() -> list[str]:
    """Return the names of the measures that have a column in ``fgir show``: what its rows can be sorted by."""
    return [name for name, measure in MEASURES.items() if measure.heading]
