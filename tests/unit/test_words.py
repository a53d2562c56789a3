"""Numbers with their nouns."""

import pytest

from fgir.utils.words import counted


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "image", "0 images"),
        (1, "image", "1 image"),
        (1024, "image", "1,024 images"),
        (2, "class", "2 classes"),
        (1, "class", "1 class"),
        (3, "train_val image", "3 train_val images"),
    ],
)
def test_a_number_of_one_has_a_single_noun(number: int, noun: str, text: str) -> None:
    assert counted(number, noun) == text


def test_another_plural_can_be_given() -> None:
    assert [counted(number, "image is", "images are") for number in (1, 2)] == ["1 image is", "2 images are"]
