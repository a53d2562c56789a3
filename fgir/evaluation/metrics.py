"""From the scores of test images to the figures of accuracy, and to a row of predictions an image."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from fgir.results.parquet import arrow_schema

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

FOLDS = 10
LISTED = 5
_ROWS_AT_ONCE = 4096


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


def metrics_of(scores: Tensor, labels: Tensor) -> dict[str, float | int | None]:
    """Return the accuracy columns of the table metrics, from probabilities or logits (N, C) and labels (N,).

    The images must stand in the order of the manifest, because the folds depend on it. Errors as in top_k.
    """
    return accuracy(top_k(scores), labels, scores.shape[1])


def accuracy(ranked: Tensor, labels: Tensor, classes: int) -> dict[str, float | int | None]:
    """Return what metrics_of does, from what top_k returned, (N, k): enough to keep of each batch where N x C is
    large.
    """
    if len(labels) == 0:
        raise ValueError("no test images")
    labels, ranked = labels.cpu(), ranked.cpu()
    correct = ranked[:, 0] == labels
    by_class = class_accuracy(correct, labels)
    return {
        "images": len(labels),
        "top1": _percent(correct),
        "top5": _percent((ranked == labels[:, None]).any(dim=1)) if classes > LISTED else None,
        "class_mean": float(by_class.mean()),
        "class_deviation": float(by_class.std(correction=1)) if len(by_class) > 1 else None,
        "fold_deviation": fold_deviation(correct),
    }


def class_accuracy(correct: Tensor, labels: Tensor) -> Tensor:
    """Return the accuracy of each class that has test images, in %: two (N,) tensors -> (classes present,) float64."""
    total = torch.bincount(labels)
    hits = torch.bincount(labels[correct], minlength=len(total))
    present = total > 0
    return 100.0 * hits[present].double() / total[present]


def fold_deviation(correct: Tensor) -> float | None:
    """Return the sample standard deviation of top-1 over 10 folds, each left out once, in %; null below 10 images.

    Rule of FixRes (arXiv 1906.06423), which leaves two things open. Image i falls into fold i mod 10: manifests are
    sorted by class, and contiguous folds would leave out whole classes. The deviation is the sample one, as everywhere
    in the tables. The folds share 8/9 of their images, so the jackknife standard error of top-1 is 9/sqrt(10) = 2.85
    times this figure.
    """
    if len(correct) < FOLDS:
        return None
    fold = torch.arange(len(correct)) % FOLDS
    total = torch.bincount(fold, minlength=FOLDS)
    hits = torch.bincount(fold[correct.cpu()], minlength=FOLDS)
    kept = 100.0 * (hits.sum() - hits).double() / (total.sum() - total)
    return float(kept.std(correction=1))


def predictions_of(logits: Tensor, labels: Tensor, images: "Tensor | np.ndarray") -> "pa.Table":
    """Return the table predictions of a batch or a whole test part: (N, C) logits, (N,) labels, (N,) rows of the
    manifest.

    With fewer than five classes the lists hold all of them. Errors as in top_k.
    """
    import pyarrow as pa

    # Ranked before the softmax, whose rounding can make unequal logits equal: as metrics_of ranks them.
    ranked = top_k(logits)
    probabilities = logits.float().softmax(dim=1)
    listed = probabilities.gather(1, ranked)
    of_label = probabilities.gather(1, labels.to(logits.device, torch.int64)[:, None])[:, 0]
    columns: dict[str, Any] = {
        "image": _array(torch.as_tensor(images), torch.int32),
        "label": _array(labels, torch.int32),
        "predicted": _array(ranked[:, 0], torch.int32),
        "probability": _array(listed[:, 0], torch.float32),
        "label_probability": _array(of_label, torch.float32),
        "top5": _lists(ranked, torch.int32),
        "top5_probability": _lists(listed, torch.float32),
    }
    schema = arrow_schema("predictions")
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _percent(hits: Tensor) -> float:
    return 100.0 * int(hits.sum()) / len(hits)


def _array(values: Tensor, kind: torch.dtype) -> "pa.Array":
    import pyarrow as pa

    return pa.array(values.detach().to("cpu", kind).contiguous().numpy())


def _lists(values: Tensor, kind: torch.dtype) -> "pa.Array":
    import pyarrow as pa

    rows, width = values.shape
    return pa.ListArray.from_arrays(
        pa.array(range(0, rows * width + 1, width), pa.int32()), _array(values.flatten(), kind)
    )
