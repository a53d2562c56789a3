"""From the scores of test images to the figures of every metric."""

from importlib import import_module

from torch import Tensor

from fgir.evaluation.ranking import Ranked, top_k
from fgir.results.metrics import METRICS


def figures_of(scores: Tensor, labels: Tensor) -> dict[str, float | int | None]:
    """Return the accuracy columns of the table metrics, from probabilities or logits (N, C) and labels (N,).

    The images must stand in the order of the manifest, because the folds depend on it. Errors as in top_k.
    """
    return figures_of_ranked(top_k(scores), labels, scores.shape[1])


def figures_of_ranked(ranked: Tensor, labels: Tensor, classes: int) -> dict[str, float | int | None]:
    """Return the same from what top_k returned, (N, k): enough to keep of each batch where N x C is large.

    ValueError where there is no image.
    """
    if len(labels) == 0:
        raise ValueError("no test images")
    predicted = Ranked(ranked.cpu(), labels.cpu(), classes)
    figures = {
        metric.name: import_module(f"fgir.evaluation.metrics.{metric.name}").figure(predicted) for metric in METRICS
    }
    return {"images": len(labels), **figures}
