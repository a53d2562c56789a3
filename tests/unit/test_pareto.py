"""The Pareto front against its definition, point by point."""

import numpy as np
import pytest

from fgir.results.pareto import front, mark_front


def brute_force(benefit: np.ndarray, cost: np.ndarray) -> list[bool]:
    def dominates(j: int, i: int) -> bool:
        no_worse = benefit[j] >= benefit[i] and cost[j] <= cost[i]
        return no_worse and (benefit[j] > benefit[i] or cost[j] < cost[i])

    points = range(len(benefit))
    known = [not (np.isnan(benefit[i]) or np.isnan(cost[i])) for i in points]
    return [known[i] and not any(known[j] and dominates(j, i) for j in points) for i in points]


@pytest.mark.parametrize("seed", range(20))
def test_front_agrees_with_the_definition_on_points_with_ties_and_nulls(seed):
    generator = np.random.default_rng(seed)
    # Few distinct values, so that equal costs, equal benefits and equal points all occur.
    benefit = generator.integers(0, 6, 60).astype(float)
    cost = generator.integers(1, 8, 60).astype(float)
    benefit[generator.random(60) < 0.1] = np.nan
    cost[generator.random(60) < 0.1] = np.nan

    assert front(benefit, cost).tolist() == brute_force(benefit, cost)


def test_equal_points_are_both_on_the_front():
    assert front(np.array([80.0, 80.0, 70.0]), np.array([5.0, 5.0, 5.0])).tolist() == [True, True, False]


@pytest.mark.parametrize("points", [0, 3])
def test_nothing_known_means_nothing_marked(points):
    assert front(np.full(points, np.nan), np.ones(points)).tolist() == [False] * points


def cell(dataset: str, top1: float | None, macs: int | None, size: int = 224) -> dict:
    return {"dataset": dataset, "top1": top1, "macs_image": macs, "test_size": size, "pareto": None}


def test_cells_compete_within_their_dataset_whatever_their_size():
    rows = [
        cell("birds", 80.0, 10, size=224),
        cell("birds", 79.0, 20, size=384),
        cell("cells", 40.0, 90),
        cell("birds", None, 1),
        cell("birds", 99.0, None),
    ]

    mark_front(rows)

    assert [row["pareto"] for row in rows] == [True, False, True, False, False]
