from pathlib import Path
from typing import Any

import pytest

from fgir.errors import FgirError
from fgir.schema import read_rows, write_rows
from fgir.specs import ChoiceSpec
from fgir.training.choice import choose, chosen_rate

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

    assert chosen_rate(tmp_path / "best.parquet") == 0.01


def test_where_none_learnt_train_the_most_accurate_on_train_wins(tmp_path: Path) -> None:
    paths = candidates(
        tmp_path,
        {"learning_rate": 0.1, "train_top1": 20.0, "val_loss": 0.1},
        {"learning_rate": 0.03, "train_top1": 30.0, "val_loss": 0.9},
    )

    choose(SPEC, paths, tmp_path / "best.parquet")

    assert chosen_rate(tmp_path / "best.parquet") == 0.03


def test_a_diverged_candidate_is_never_chosen_over_one_that_ran(tmp_path: Path) -> None:
    paths = candidates(
        tmp_path,
        {"learning_rate": 0.1, "status": "diverged", "error": "The loss became non-finite."},
        {"learning_rate": 0.03, "train_top1": 1.0, "val_loss": 9.0},
    )

    choose(SPEC, paths, tmp_path / "best.parquet")

    assert chosen_rate(tmp_path / "best.parquet") == 0.03


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
