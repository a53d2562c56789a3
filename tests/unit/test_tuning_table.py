"""What the command shows of a study's learning-rate searches."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from fgir.cli.main import main
from fgir.report.tables.tuning import searches, show_searches
from fgir.results.parquet import write_rows
from fgir.specs import ChoiceSpec
from fgir.study import Run
from fgir.study.address import BEST, fill
from fgir.training.search import choose
from fgir.utils.errors import FgirError

RATES = (0.3, 0.1, 0.03, 0.01)


def search(results: Path, dataset: str, regime: str, chosen: float, diverged: tuple[float, ...] = ()) -> None:
    """A search as the workflow leaves it."""
    run = Run(dataset, "vit_base_patch16_224.augreg_in21k_ft_in1k", regime, 224, 1)
    best = results / fill(BEST, run)
    files = []
    for rate in RATES:
        row = run._asdict() | {"learning_rate": rate, "status": "ok", "train_top1": 70.0, "val_top1": 61.5}
        row |= {"val_loss": 0.1 if rate == chosen else 0.5}
        if rate in diverged:
            row |= {"status": "diverged", "train_top1": None, "val_top1": None, "val_loss": None}
        files.append(best.parent / f"lr{rate:g}.parquet")
        write_rows("candidate", [row], files[-1])
    choose(ChoiceSpec(**{key: row[key] for key in Run._fields[:4]}, min_train_top1=50), files, best)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    search(tmp_path, "cub", "frozen", 0.3)
    search(tmp_path, "cub", "cal", 0.03, diverged=(0.3, 0.1))
    search(tmp_path, "pets", "calmix", 0.01)
    return tmp_path


def printed(results: Path, width: int = 80, encoding: str = "utf-8", **options: bool) -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace")
    show_searches(searches(results), Console(width=width, file=stream), **options)
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)


def test_the_table_marks_what_was_chosen_at_the_edge(results: Path) -> None:
    lines = [" ".join(line.split()) for line in printed(results, width=120).splitlines()]

    vit = "vit_base_patch16_224.augreg_in21k_ft_in1k"
    assert lines[3:6] == [
        f"cub {vit} frozen 0.3 ↑ 4: 0.3 to 0.01 61.5",
        f"cub {vit} cal 0.03 4: 0.3 to 0.01 !2 61.5",
        f"pets {vit} calmix 0.01 ↓ 4: 0.3 to 0.01 61.5",
    ]
    assert "↑ the highest of its candidates: a higher one may be better" in lines
    assert "↓ the lowest of its candidates: a lower one may be better" in lines
    assert "2 of 3 searches chose a rate at the edge of their candidates." in lines


def test_only_those_at_the_edge_are_shown_on_demand(results: Path) -> None:
    text = printed(results, width=120, edges=True)

    assert " cal " not in text
    assert "2 of 3 searches" in text


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_line_is_wider_than_80_columns(results: Path, encoding: str) -> None:
    text = printed(results, encoding=encoding)

    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text


def test_the_verb_reads_a_results_folder_and_answers_wrong_names(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["tuning", str(results), "--dataset", "pets"])

    assert "1 of 1 search chose a rate at the edge of its candidates." in capsys.readouterr().out
    with pytest.raises(SystemExit, match='No search is of dataset "pet"; did you mean "pets"'):
        main(["tuning", str(results), "--dataset", "pet"])
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(FgirError, match="has no finished search of a learning rate"):
        searches(tmp_path / "elsewhere")


def test_a_folder_that_is_none_is_not_taken_for_one_without_searches(tmp_path: Path) -> None:
    (tmp_path / "summary.parquet").touch()

    with pytest.raises(FgirError, match=r"summary\.parquet is no folder; name the results folder"):
        searches(tmp_path / "summary.parquet")
    with pytest.raises(FgirError, match="nowhere does not exist"):
        searches(tmp_path / "nowhere")
