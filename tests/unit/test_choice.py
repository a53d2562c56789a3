from pathlib import Path
from typing import Any

import pytest

from fgir.results.parquet import read_rows, write_rows
from fgir.specs import ChoiceSpec
from fgir.training.search import choose, chosen_rate, edge_of
from fgir.utils.errors import FgirError

SPEC = ChoiceSpec(dataset="cub", backbone="net", regime="cal", train_size=224, min_train_top1=50)


def candidates(folder: Path, *rows: dict[str, Any]) -> list[Path]:
    paths = [folder / f"{number}.parquet" for number in range(len(rows))]
    for row, path in zip(rows, paths, strict=True):
        write_rows("candidate", [{"status": "ok"} | row], path)
    return paths


def test_the_lowest_val_loss_wins_among_those_that_learnt_train(tmp_path: Path) -> None:
    paths = candidates(
        tmp_path,
        {"learning_rate": 0.1, "train_top1": 49.0, "val_loss": 0.1},
        {"learning_rate": 0.03, "train_top1": 60.0, "val_loss": 0.9},
        {"learning_rate": 0.01, "train_top1": 50.0, "val_loss": 0.8},
    )

    choose(SPEC, paths, tmp_path / "best.parquet")

    assert chosen_rate(tmp_path / "best.parquet").learning_rate == 0.01


def test_where_none_learnt_train_the_most_accurate_on_train_wins(tmp_path: Path) -> None:
    paths = candidates(
        tmp_path,
        {"learning_rate": 0.1, "train_top1": 20.0, "val_loss": 0.1},
        {"learning_rate": 0.03, "train_top1": 30.0, "val_loss": 0.9},
    )

    choose(SPEC, paths, tmp_path / "best.parquet")

    assert chosen_rate(tmp_path / "best.parquet").learning_rate == 0.03


def test_a_diverged_candidate_is_never_chosen_over_one_that_ran(tmp_path: Path) -> None:
    paths = candidates(
        tmp_path,
        {"learning_rate": 0.1, "status": "diverged", "error": "The loss became non-finite."},
        {"learning_rate": 0.03, "train_top1": 1.0, "val_loss": 9.0},
    )

    choose(SPEC, paths, tmp_path / "best.parquet")

    assert chosen_rate(tmp_path / "best.parquet").learning_rate == 0.03


def test_every_candidate_is_kept_with_the_reason_of_the_choice(tmp_path: Path) -> None:
    paths = candidates(
        tmp_path,
        {"learning_rate": 0.01, "train_top1": 70.0, "val_loss": 0.1},
        {"learning_rate": 0.1, "train_top1": 70.0, "val_loss": 0.2},
    )

    choose(SPEC, paths, tmp_path / "best.parquet")
    rows = read_rows("candidate", tmp_path / "best.parquet")

    assert [(row["learning_rate"], row["chosen"]) for row in rows] == [(0.1, False), (0.01, True)]
    assert rows[0]["reason"] is None
    assert "lowest val loss" in rows[1]["reason"]


def test_a_file_without_a_choice_is_refused(tmp_path: Path) -> None:
    [path] = candidates(tmp_path, {"learning_rate": 0.1})

    with pytest.raises(FgirError, match="marks 0 learning rates"):
        chosen_rate(path)


@pytest.mark.parametrize(
    ("chosen", "tried", "edge"),
    [
        (0.1, [0.1, 0.03, 0.01], "highest"),
        (0.01, [0.1, 0.03, 0.01], "lowest"),
        (0.03, [0.1, 0.03, 0.01], None),
        (0.01, [0.1, 0.01], "lowest"),
        (0.01, [0.01], None),
    ],
)
def test_a_rate_is_at_the_edge_of_several_alone(chosen: float, tried: list[float], edge: str | None) -> None:
    assert edge_of(chosen, tried) == edge


def test_a_choice_at_the_edge_says_so_in_its_file_and_prints_it(tmp_path: Path, capsys) -> None:
    paths = candidates(
        tmp_path,
        {"learning_rate": 0.1, "train_top1": 70.0, "val_loss": 0.1},
        {"learning_rate": 0.03, "train_top1": 70.0, "val_loss": 0.2},
        {"learning_rate": 0.01, "train_top1": 70.0, "val_loss": 0.3},
    )

    choose(SPEC, paths, tmp_path / "best.parquet")

    rows = read_rows("candidate", tmp_path / "best.parquet")
    assert [row["edge"] for row in rows] == ["highest", None, None]
    assert rows[0]["reason"].endswith("; the highest of 3 candidates: a higher one may be better")
    assert chosen_rate(tmp_path / "best.parquet").edge == "highest"
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("cub net cal 224: learning rate 0.1, lowest val loss")
    assert line.endswith("the highest of 3 candidates: a higher one may be better")


@pytest.mark.parametrize(
    "passed_over",
    [
        {"status": "diverged", "error": "The loss became non-finite."},
        {"train_top1": 20.0, "val_loss": 0.05},
    ],
)
def test_a_rate_that_was_tried_in_vain_is_still_the_edge(tmp_path: Path, passed_over: dict[str, Any]) -> None:
    paths = candidates(
        tmp_path,
        {"learning_rate": 0.1} | passed_over,
        {"learning_rate": 0.03, "train_top1": 70.0, "val_loss": 0.1},
        {"learning_rate": 0.01, "train_top1": 70.0, "val_loss": 0.2},
    )

    choose(SPEC, paths, tmp_path / "best.parquet")

    chosen = chosen_rate(tmp_path / "best.parquet")
    assert (chosen.learning_rate, chosen.edge) == (0.03, None)


def test_where_every_candidate_diverged_a_lower_one_may_be_better(tmp_path: Path) -> None:
    diverged = {"status": "diverged", "error": "The loss became non-finite."}
    paths = candidates(tmp_path, {"learning_rate": 0.1} | diverged, {"learning_rate": 0.01} | diverged)

    choose(SPEC, paths, tmp_path / "best.parquet")

    assert chosen_rate(tmp_path / "best.parquet") == (0.01, "lowest")
