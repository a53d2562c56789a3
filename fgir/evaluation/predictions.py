"""A row of predictions an image."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from fgir.evaluation.ranking import top_k
from fgir.results.parquet import arrow_schema

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


def predictions_of(logits: Tensor, labels: Tensor, images: "Tensor | np.ndarray") -> "pa.Table":
    """Return the table predictions of a batch or a whole test part: (N, C) logits, (N,) labels, (N,) rows of the
    manifest.

    With fewer than five classes the lists hold all of them. Errors as in top_k.
    """
    import pyarrow as pa

    # Ranked before the softmax, whose rounding can make unequal logits equal: as the metrics rank them.
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


def _array(values: Tensor, kind: torch.dtype) -> "pa.Array":
    import pyarrow as pa

    return pa.array(values.detach().to("cpu", kind).contiguous().numpy())


def _lists(values: Tensor, kind: torch.dtype) -> "pa.Array":
    import pyarrow as pa

    rows, width = values.shape
    return pa.ListArray.from_arrays(
        pa.array(range(0, rows * width + 1, width), pa.int32()), _array(values.flatten(), kind)
    )
