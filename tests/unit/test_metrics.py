"""Figures of accuracy against their plain definitions."""

import math
import random
import statistics

import numpy as np
import pytest
import torch

from fgir.evaluation.figures import figures_of, figures_of_ranked
from fgir.evaluation.metrics import fold_deviation
from fgir.evaluation.predictions import predictions_of
from fgir.evaluation.ranking import Ranked, top_k
from fgir.results.parquet import arrow_schema

IMAGES, CLASSES = 137, 9


@pytest.fixture
def labels() -> torch.Tensor:
    # Class 4 has no test image, as happens in small test parts.
    generator = random.Random(3)
    return torch.tensor([generator.choice([0, 1, 2, 3, 5, 6, 7, 8]) for _ in range(IMAGES)])


@pytest.fixture
def probabilities(labels: torch.Tensor) -> torch.Tensor:
    scores = torch.randn(IMAGES, CLASSES, generator=torch.Generator().manual_seed(0))
    scores[torch.arange(IMAGES), labels] += 1.0
    return scores.softmax(dim=1)


def ranking(row: list[float]) -> list[int]:
    return sorted(range(len(row)), key=lambda index: (-row[index], index))


def test_metrics_agree_with_the_plain_definitions(labels, probabilities):
    ranked = [ranking(row) for row in probabilities.tolist()]
    correct = [order[0] == label for order, label in zip(ranked, labels.tolist(), strict=True)]
    by_class = [
        100 * statistics.mean(hit for hit, label in zip(correct, labels.tolist(), strict=True) if label == wanted)
        for wanted in sorted(set(labels.tolist()))
    ]
    folds = [
        100 * statistics.mean(hit for i, hit in enumerate(correct) if i % 10 != left_out) for left_out in range(10)
    ]

    figures = figures_of(probabilities, labels)

    assert figures["images"] == IMAGES
    assert figures["top1"] == pytest.approx(100 * statistics.mean(correct))
    assert figures["top5"] == pytest.approx(
        100 * statistics.mean(label in order[:5] for order, label in zip(ranked, labels.tolist(), strict=True))
    )
    assert figures["class_mean"] == pytest.approx(statistics.mean(by_class))
    assert figures["class_deviation"] == pytest.approx(statistics.stdev(by_class))
    assert figures["fold_deviation"] == pytest.approx(statistics.stdev(folds))
    assert figures["top1"] < figures["top5"] < 100  # the case is neither trivial nor saturated


def test_figures_are_columns_of_the_table_metrics(labels, probabilities):
    assert set(figures_of(probabilities, labels)) <= set(arrow_schema("metrics").names)


def test_logits_and_probabilities_give_the_same_accuracy(labels):
    logits = torch.randn(IMAGES, CLASSES, generator=torch.Generator().manual_seed(1))

    assert figures_of(logits, labels) == figures_of(logits.double().softmax(dim=1), labels)


def test_accuracy_of_ranked_batches_equals_that_of_all_scores(labels, probabilities):
    ranked = torch.cat([top_k(batch) for batch in probabilities.split(16)])

    assert figures_of_ranked(ranked, labels, CLASSES) == figures_of(probabilities, labels)


def test_classes_without_test_images_do_not_enter_the_class_mean():
    ranked, labels = torch.tensor([[0], [0], [3], [1]]), torch.tensor([0, 0, 3, 3])

    assert Ranked(ranked, labels, classes=4).class_accuracy().tolist() == [100.0, 50.0]


@pytest.mark.parametrize("classes", [2, 5])
def test_top5_is_null_with_five_classes_or_fewer(classes):
    figures = figures_of(torch.rand(3, classes, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 1]))

    assert figures["top5"] is None


def test_deviations_of_one_class_and_of_few_images_are_null_not_zero():
    figures = figures_of(
        torch.rand(9, 6, generator=torch.Generator().manual_seed(0)), torch.zeros(9, dtype=torch.int64)
    )

    assert figures["class_deviation"] is None
    assert figures["fold_deviation"] is None


def test_interleaved_folds_are_not_swayed_by_images_sorted_by_class():
    # 100 images sorted by class, each class either all right or all wrong: every fold is alike, so nothing deviates.
    labels = torch.arange(10).repeat_interleave(10)
    ranked = torch.where(labels % 2 == 0, labels, labels - 1)[:, None]

    assert fold_deviation.figure(Ranked(ranked, labels, classes=10)) == pytest.approx(0.0, abs=1e-12)


def test_equal_scores_rank_the_lower_class_first():
    scores = torch.tensor([[0.2, 0.2, 0.4, 0.2]])

    assert top_k(scores).tolist() == [[2, 0, 1, 3]]


def test_parts_of_a_large_test_set_are_joined_in_order():
    scores = torch.rand(9000, 6, generator=torch.Generator().manual_seed(2))

    assert torch.equal(top_k(scores), scores.argsort(dim=1, descending=True)[:, :5])


def test_scores_that_are_not_finite_are_refused():
    scores = torch.zeros(4, 6)
    scores[2, 1] = float("nan")

    with pytest.raises(ValueError, match="not finite"):
        figures_of(scores, torch.zeros(4, dtype=torch.int64))


def test_no_test_images_are_refused():
    with pytest.raises(ValueError, match="no test images"):
        figures_of_ranked(torch.zeros(0, 5, dtype=torch.int64), torch.zeros(0, dtype=torch.int64), 8)


def softmax(row: list[float]) -> list[float]:
    total = math.fsum(map(math.exp, row))
    return [math.exp(value) / total for value in row]


def test_predictions_list_the_likeliest_classes_with_their_probabilities(labels, probabilities):
    logits = 3.0 * probabilities.log()

    table = predictions_of(logits, labels, torch.arange(500, 500 + IMAGES))

    assert table.schema.equals(arrow_schema("predictions"), check_metadata=False)
    for number, row in enumerate(table.to_pylist()):
        plain, order = softmax(logits[number].tolist()), ranking(logits[number].tolist())
        assert row["image"] == 500 + number
        assert row["label"] == labels[number]
        assert row["predicted"] == order[0]
        assert row["top5"] == order[:5]
        # float32 softmax against float64: a few units in the last place, of about 1e-7 each.
        assert row["top5_probability"] == pytest.approx([plain[index] for index in order[:5]], rel=1e-5)
        assert row["probability"] == row["top5_probability"][0]
        assert row["label_probability"] == pytest.approx(plain[labels[number]], rel=1e-5)


def test_predictions_rank_logits_that_the_softmax_rounds_to_equals():
    table = predictions_of(torch.tensor([[200.0, 0.0, 1.0, -2.0, 3.0, 5.0]]), torch.tensor([5]), np.array([0]))

    assert table["top5"].to_pylist() == [[0, 5, 4, 2, 1]]


def test_predictions_list_all_classes_where_there_are_fewer_than_five():
    table = predictions_of(torch.tensor([[0.0, math.log(3.0)]]), torch.tensor([1]), np.array([7]))

    assert table["top5"].to_pylist() == [[1, 0]]
    assert table["top5_probability"].to_pylist() == [pytest.approx([0.75, 0.25])]
