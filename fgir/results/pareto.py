"""Mark the cells that are worth having: no other cell is as accurate and as cheap, and better in one."""

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def front(benefit: "np.ndarray", cost: "np.ndarray") -> "np.ndarray":
    """Mark the points (N,) that no other dominates, (N,) bool; of equal points all are marked; NaN is never marked.

    A point dominates another when its benefit is no smaller and its cost no larger, and one of the two is better.
    """
    import numpy as np

    comparable = ~(np.isnan(benefit) | np.isnan(cost))
    marked = np.zeros(len(benefit), dtype=bool)
    if not comparable.any():
        return marked
    worth, price = benefit[comparable], cost[comparable]
    prices, of_price = np.unique(price, return_inverse=True)
    best = np.full(len(prices), -np.inf)
    np.maximum.at(best, of_price, worth)
    best_of_cheaper = np.concatenate([[-np.inf], np.maximum.accumulate(best)[:-1]])
    marked[comparable] = (worth == best[of_price]) & (worth > best_of_cheaper[of_price])
    return marked


def mark_front(rows: list[dict[str, Any]]) -> None:
    """Set ``pareto`` of summary rows: top-1 against MACs an image, within each dataset whatever the image sizes."""
    import numpy as np

    by_dataset: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_dataset[row["dataset"]].append(row)
    for cells in by_dataset.values():
        top1, macs = (np.array([cell[key] for cell in cells], dtype=np.float64) for key in ("top1", "macs_image"))
        for cell, marked in zip(cells, front(top1, macs).tolist(), strict=True):
            cell["pareto"] = marked
