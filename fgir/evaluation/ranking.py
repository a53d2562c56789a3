"""The classes of each test image in the order of their scores: all that metrics look at."""

from typing import NamedTuple

import torch
from torch import Tensor

LISTED = 5
_ROWS_AT_ONCE = 4096


class Ranked(NamedTuple):
    """Images with the classes they are taken for.

    ranked: int64 (N, k), the most probable classes, best first; labels: int64 (N,); classes: how many there are. In the
    order of the manifest, on the CPU.
    """

    ranked: Tensor
    labels: Tensor
    classes: int

    @property
    def correct(self) -> Tensor:
        """Return for each image whether it is classified correctly: bool (N,)."""
        return self.ranked[:, 0] == self.labels

    def class_accuracy(self) -> Tensor:
        """Return the accuracy of each class that has images, in %: float64 (classes present,)."""
        total = torch.bincount(self.labels)
        hits = torch.bincount(self.labels[self.correct], minlength=len(total))
        present = total > 0
        return 100.0 * hits[present].double() / total[present]


def top_k(scores: Tensor) -> Tensor:
    """Return classes of the highest scores, highest first: (N, C) probabilities or logits -> (N, min(LISTED, C)) int64.

    Of equal scores the lower class comes first, so that the same scores give the same list on every device.
    ValueError where a score is not finite: such a run has diverged and has no accuracy.
    """
    if not torch.isfinite(scores).all():
        raise ValueError("scores are not finite")
    # torch.topk leaves the order of ties open. Sorting in parts bounds the memory of its int64 indices.
    parts = [part.sort(dim=1, descending=True, stable=True).indices[:, :LISTED] for part in scores.split(_ROWS_AT_ONCE)]
    return torch.cat(parts)


def percent(hits: Tensor) -> float:
    """Return the share of a bool tensor that is true, in %."""
    return 100.0 * int(hits.sum()) / len(hits)
