"""Class mean: each class counts alike, however many images it has."""

from fgir.evaluation.ranking import Ranked


def figure(predicted: Ranked) -> float:
    """Return the mean accuracy of the classes that have images, in %."""
    return float(predicted.class_accuracy().mean())
