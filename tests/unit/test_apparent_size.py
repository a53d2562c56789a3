"""How large objects appear: the equations of FixRes with the paper's numbers, and against windows that are drawn."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from summary_cells import cell

from fgir.analysis.apparent_size import (
    best_test_size,
    expected_ratio,
    mean_sigma,
    predicted,
    scale,
    size_at_test,
    size_in_training,
    size_ratio,
)
from fgir.analysis.drawn_size import apparent
from fgir.cli.main import main
from fgir.results.parquet import write_rows
from fgir.study.geometry import CROPS
from fgir.utils.errors import FgirError


def test_the_papers_numbers() -> None:
    assert mean_sigma() == pytest.approx(0.7075, abs=5e-5)
    assert expected_ratio(256, 224) == pytest.approx(0.809, abs=5e-4)


def test_the_equations_follow_from_each_other() -> None:
    train_size, sigma, height, width, size = 224, 0.5, 300, 400, 0.2
    # The object in pixels of the image; at the distance where it fills the side of a square image of the same area.
    pixels = size * math.sqrt(height * width)

    assert scale(sigma, train_size, height, width) * pixels == pytest.approx(size_in_training(train_size, size, sigma))
    assert size_ratio(sigma, 256, train_size) == pytest.approx(
        size_at_test(256, size) / size_in_training(train_size, size, sigma)
    )


def test_at_the_predicted_test_size_objects_appear_as_large_as_in_training() -> None:
    size = best_test_size(224)

    assert size == pytest.approx(277.0, abs=0.1)
    assert expected_ratio(size * 256 / 224, 224) == pytest.approx(1)


@pytest.mark.parametrize("crops", CROPS)
def test_every_kind_of_crops_has_a_prediction(crops: str) -> None:
    size = predicted(224, crops)

    assert size == pytest.approx(277.0, abs=0.1) if crops.startswith("fixres") else size == 224


def test_a_kind_of_crops_of_which_nothing_is_known_has_none() -> None:
    assert predicted(224, "my_own") is None


@pytest.fixture
def images() -> list[dict[str, Any]]:
    return [{"height": 128, "width": 128, "object_size": size} for size in (30.0, 50.0, None)]


def test_sizes_as_drawn_are_those_of_the_windows_and_of_the_images_at_test(images: list[dict[str, Any]]) -> None:
    found = apparent(images, 96, "fixres")

    # Of the two objects whose size is known; at test images of 128 become 109, int(256/224 96).
    assert found.at_test == pytest.approx(40 * 109 / 128)
    assert found.in_training is not None
    assert 1.4 < found.in_training / (40 * 96 / 128) < 1.8
    assert found.expected == pytest.approx(expected_ratio(109, 96))


def test_windows_that_do_not_fit_are_drawn_again_and_objects_appear_larger_than_equation_5_says(
    images: list[dict[str, Any]],
) -> None:
    found = apparent(images, 224, "fixres")

    # Equation 5 holds where every window is kept, whatever its ratio.
    shares = np.random.default_rng(0).uniform(0.08, 1, 20_000)
    assert np.sqrt(shares).mean() * 256 / 224 == pytest.approx(found.expected, abs=0.005)
    # 20,000 windows give the mean to 0.0015.
    assert found.drawn == pytest.approx(0.764, abs=0.005)
    assert found.drawn_best > found.expected_best > 224


@pytest.mark.parametrize("crops", ["square", "fixed_scale"])
def test_crops_of_a_fixed_scale_show_objects_as_large_as_at_test(images: list[dict[str, Any]], crops: str) -> None:
    found = apparent([row | {"height": 200} for row in images], 224, crops)

    assert (found.expected, found.drawn) == (1.0, pytest.approx(1.0))
    assert found.in_training == pytest.approx(found.at_test)


def test_the_verb_sets_predicted_drawn_and_found_sizes_side_by_side(
    images: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, summary = tmp_path / "elpv/manifest.parquet", tmp_path / "summary.parquet"
    manifest.parent.mkdir()
    write_rows("manifest", images, manifest)
    rows = [cell(test_size=size, top1=top1, crops="fixres") for size, top1 in ((96, 50.0), (128, 60.0), (160, 55.0))]
    write_rows("summary", [*rows, cell(test_size=160, top1=70.0, crops="fixres", adaptation="classifier")], summary)
    monkeypatch.setenv("COLUMNS", "80")

    main(["apparent", str(manifest), "--train-size", "96", "--summary", str(summary)])

    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert ["120", "126", "128"] in [line.split()[-3:] for line in text.splitlines()]
    with pytest.raises(SystemExit, match='no crops "fixers"; did you mean "fixres"'):
        main(["apparent", str(manifest), "--crops", "fixers"])
    with pytest.raises(FgirError, match="no image"):
        apparent([], 96, "fixres")
