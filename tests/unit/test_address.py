"""Paths name identities, and identities paths."""

import pytest

from fgir.study import Cell, Run, address

RUN = Run("letters", "convnext_base.fb_in22k", "calmix", 224, 100)
CELL = Cell("letters", "net", "cal_nc", 224, 448)


@pytest.mark.parametrize("pattern", [address.RUN, address.MODEL, address.HISTORY, address.TRAIN])
def test_the_paths_of_a_run_name_it(pattern: str) -> None:
    assert address.identity(pattern, address.fill(pattern, RUN)) == RUN._asdict()


@pytest.mark.parametrize("pattern", [address.EVALUATION, address.METRICS, address.PREDICTIONS])
def test_the_paths_of_an_evaluation_name_it(pattern: str) -> None:
    names = address.identity(pattern, address.fill(pattern, CELL, seed=7))

    assert names is not None
    assert (names.pop("seed"), Cell(**names)) == (7, CELL)


@pytest.mark.parametrize("pattern", [address.CELL, address.EVALUATION, address.METRICS, address.PREDICTIONS])
def test_two_adaptations_of_a_cell_have_paths_of_their_own_and_one_without_has_none_in_it(pattern: str) -> None:
    cells = [CELL._replace(adaptation=name) for name in ("none", "classifier", "classifier_bn")]

    paths = [address.fill(pattern, cell, seed=7) for cell in cells]

    assert len(set(paths)) == 3
    assert "none" not in paths[0]
    assert [address.identity(pattern, path)["adaptation"] for path in paths] == [cell.adaptation for cell in cells]


@pytest.mark.parametrize("pattern", [address.RUN, address.MODEL, address.BEST, address.CELL, address.METRICS])
def test_two_kinds_of_crops_have_paths_of_their_own_and_the_published_one_has_none_in_it(pattern: str) -> None:
    cells = [CELL._replace(crops=name, adaptation="classifier") for name in ("square", "fixres", "fixed_scale")]

    paths = [address.fill(pattern, cell, seed=7, regime="cal") for cell in cells]

    assert len(set(paths)) == 3
    assert "square" not in paths[0]
    assert [address.identity(pattern, path)["crops"] for path in paths] == [cell.crops for cell in cells]


def test_a_pattern_keeps_the_parts_of_the_axes_that_a_study_varies() -> None:
    pattern = "{crops}{train_size}-{test_size}{adaptation}"

    assert address.fixed(pattern, []) == "{train_size}-{test_size}"
    assert address.fixed(pattern, ["crops"]) == "{crops}{train_size}-{test_size}"


@pytest.mark.parametrize(
    "path",
    [
        "cells/letters/net/cal_nc/224.parquet",
        "cells/letters/net/cal_nc/224-448.parquet/",
        "cells/letters/net/cal_nc/224-448xparquet",
        "cells/letters/net/deep/cal_nc/224-448.parquet",
        "cells/letters/net/cal_nc/-224-448.parquet",
        "runs/letters/net/cal/224/seed1",
    ],
)
def test_a_path_of_another_shape_names_no_cell(path: str) -> None:
    assert address.identity(address.CELL, path) is None
