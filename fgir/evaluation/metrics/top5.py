"""Top-5: the share of images whose class is among the five most probable."""

from fgir.evaluation.ranking import LISTED, Ranked, percent


def figure(predicted: Ranked) -> float | None:
    """Return it in %; None with five classes or fewer."""
    if predicted.classes <= LISTED:
        return None
    return percent((predicted.ranked == predicted.labels[:, None]).any(dim=1))
