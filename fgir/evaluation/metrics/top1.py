"""Top-1: the share of images whose most probable class is theirs."""

from fgir.evaluation.ranking import Ranked, percent


def figure(predicted: Ranked) -> float:
    """Return it in %."""
    return percent(predicted.correct)
