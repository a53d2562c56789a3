"""The metrics of accuracy, a line each: columns of the table metrics, and of the summary.

``fgir/evaluation/metrics/<name>.py`` computes a metric. Nothing here loads torch.
"""

from typing import NamedTuple


class Metric(NamedTuple):
    """Say what a metric of a trained model's predictions means, and what its mean over seeds does."""

    name: str
    meaning: str
    over_seeds: str = ""
    """In the summary, where its deviation stands beside it; empty: the summary has no such column."""
    deviation: str = "sample standard deviation over seeds, %"

    @property
    def line(self) -> str:
        """Its column of the table metrics."""
        return f"{self.name} float64 {self.meaning}\n"

    @property
    def lines_of_summary(self) -> str:
        """Its columns of the summary."""
        mean, deviation = f"{self.name} float64 {self.over_seeds}\n", f"{self.name}_std float64 {self.deviation}\n"
        return mean + deviation if self.over_seeds else ""


METRICS = (
    Metric(
        "top1",
        "accuracy, %",
        "accuracy: mean over seeds, %",
        "sample standard deviation over seeds, %; null with one seed",
    ),
    Metric(
        "top5",
        "accuracy within the five most probable classes, %; null with five classes or fewer",
        "mean over seeds, %",
    ),
    Metric(
        "class_mean", "mean over classes of the class's accuracy, %", "mean accuracy of classes: mean over seeds, %"
    ),
    Metric(
        "class_deviation",
        "sample standard deviation over classes of the class's accuracy, %",
        "sample standard deviation over classes: mean over seeds, %",
    ),
    Metric("fold_deviation", "standard deviation of top-1 over 10 folds, each left out once, %"),
)
