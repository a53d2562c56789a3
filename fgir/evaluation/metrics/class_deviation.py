"""Class deviation: how unlike the classes are in accuracy."""

from fgir.evaluation.ranking import Ranked


def figure(predicted: Ranked) -> float | None:
    """Return the sample standard deviation of the classes' accuracies, in %; None with one class."""
    by_class = predicted.class_accuracy()
    return float(by_class.std(correction=1)) if len(by_class) > 1 else None
