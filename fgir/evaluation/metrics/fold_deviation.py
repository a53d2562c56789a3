"""Fold deviation: how far top-1 moves when a tenth of the images is left out."""

import torch

from fgir.evaluation.ranking import Ranked

FOLDS = 10


def figure(predicted: Ranked) -> float | None:
    """Return the sample standard deviation of top-1 over 10 folds, each left out once, in %; null below 10 images.

    Rule of FixRes (arXiv 1906.06423), which leaves two things open. Image i falls into fold i mod 10: manifests are
    sorted by class, and contiguous folds would leave out whole classes. The deviation is the sample one, as everywhere
    in the tables. The folds share 8/9 of their images, so the jackknife standard error of top-1 is 9/sqrt(10) = 2.85
    times this figure.
    """
    correct = predicted.correct
    if len(correct) < FOLDS:
        return None
    fold = torch.arange(len(correct)) % FOLDS
    total = torch.bincount(fold, minlength=FOLDS)
    hits = torch.bincount(fold[correct], minlength=FOLDS)
    kept = 100.0 * (hits.sum() - hits).double() / (total.sum() - total)
    return float(kept.std(correction=1))
