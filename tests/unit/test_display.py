"""How figures are written in tables."""

import pytest

from fgir.report.tables.display import short


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0"),
        (0.0, "0"),
        (0.0000012, "1.20e-06"),
        (0.00108, "0.00108"),
        (0.0705, "0.0705"),
        (0.25, "0.250"),
        (7.83, "7.83"),
        (15.5, "15.5"),
        (336.4, "336"),
        (1204.3, "1,204"),
        (-3.125, "-3.12"),
    ],
)
def test_figures_have_three_digits_and_small_ones_are_not_zero(value: float | None, text: str) -> None:
    assert short(value) == text
