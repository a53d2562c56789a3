"""The tables of FixRes: its published values, and measured rows set beside them."""

from pathlib import Path
from typing import Any

import pytest
from summary_cells import cell

from fgir.cli.main import main
from fgir.report.tables.printed import lacking, page, printed, tables
from fgir.results.papers import Paper, read_paper
from fgir.results.parquet import write_rows
from fgir.results.published import Published, by_cell, read_published
from fgir.study import Cell
from fgir.study.catalogue import load_backbones, load_datasets
from fgir.utils.errors import FgirError

ROOT = Path(__file__).parents[2]
ACCURACIES = ROOT / "config/published/arxiv-1906.06423.csv"


@pytest.fixture(scope="module")
def published() -> list[Published]:
    return read_published(ACCURACIES)


@pytest.fixture(scope="module")
def paper() -> Paper:
    return read_paper(ACCURACIES)


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def measured(train: int, test: int, top1: float, adaptation: str = "none", **changes: Any) -> dict[str, Any]:
    names = {"dataset": "imagenet", "backbone": "tv_resnet50", "crops": "fixres", "adaptation": adaptation}
    return cell(train_size=train, test_size=test, top1=top1, **names | changes)


def value(rows: list[Published], source: str, **names: Any) -> list[Published]:
    own = [row for row in rows if row.source.endswith(f" {source}")]
    return [row for row in own if all(getattr(row, key) == wanted for key, wanted in names.items())]


@pytest.mark.parametrize(
    ("source", "names", "top1"),
    [
        ("Section 3.3", {"test_size": 288, "adaptation": "none"}, 78.4),
        ("Section 3.3", {"test_size": 448, "adaptation": "frechet"}, 76.5),
        ("Table 1", {"backbone": "pnasnet5large", "test_size": 480, "adaptation": "last_block"}, 83.7),
        ("Table 1", {"backbone": "resnext101_32x48d_wsl", "test_size": 320}, 86.4),
        ("Table 2", {"backbone": "tv_resnet50", "test_size": 384}, 79.1),
        ("Table 2", {"backbone": "efficientnet_b7"}, 84.4),
        ("Table 3", {"dataset": "nabirds", "adaptation": "classifier_bn"}, 89.2),
        ("Table 4", {"test_size": 64, "adaptation": "gaussian"}, 29.8),
        ("Table 5", {"train_size": 224, "test_size": 384, "adaptation": "classifier_bn"}, 79.0),
        ("Table 5", {"train_size": 160, "test_size": 224, "adaptation": "none"}, 77.3),
        ("Table 6", {"train_size": 224, "test_size": 64, "adaptation": "classifier_bn_train"}, 40.4),
        ("Table 7", {"train_size": 160, "test_size": 160}, 75.1),
        ("Table 8", {"backbone": "tv_resnet50", "adaptation": "classifier_bn_shift"}, 79.1),
        ("Table 9", {"train_size": 384, "test_size": 440, "crops": "fixed_scale"}, 77.0),
        ("Table 10", {"dataset": "inat19"}, 86.577),
        ("FixEfficientNet", {"backbone": "efficientnet_b4_ns", "test_size": 472}, 85.9),
    ],
)
def test_the_committed_values_are_those_that_were_printed(
    published: list[Published], source: str, names: dict[str, Any], top1: float
) -> None:
    assert [row.top1 for row in value(published, source, **names)] == [top1]


def test_every_value_of_every_table_is_there(published: list[Published], paper: Paper) -> None:
    counts = {source: len(value(published, source)) for source in paper.tables}

    # Printed values: 8 + 6; 3 x 6 + 3; 6 + 11 models; 7 datasets; 5 lines of 5; 7 x (5 + 4); 2 x 5 x 6; 9 rows; 8 x 4.
    assert counts == {
        "Section 3.3": 14,
        "Table 1": 21,
        "Table 2": 17,
        "Table 3": 14,
        "Table 4": 25,
        "Table 5": 63,
        "Table 6": 60,
        "Table 7": 9,
        "Table 8": 8,
        "Table 9": 32,
        "Table 10": 2,
        "FixEfficientNet": 18,
    }
    assert sum(counts.values()) == len(published)


def test_top_5_and_times_are_there_where_they_were_printed(published: list[Published]) -> None:
    [row] = value(published, "Table 7", train_size=224, test_size=384)

    assert (row.backward_ms, row.forward_ms, row.hours) == (8.2, 18.0, 151.5)
    assert [row.top5 for row in value(published, "Table 2", backbone="pnasnet5large")] == [96.8]


def test_values_of_one_cell_in_several_tables_are_equal_up_to_the_printed_digit(published: list[Published]) -> None:
    found: dict[Cell, set[float]] = {}
    for row in published:
        if row.cell:
            found.setdefault(row.cell, set()).add(row.top1)

    assert len(found) > 100
    # Two fine-tunings of one cell: Table 4 has 78.5 at 288 px where Table 5 has 78.6.
    assert max(max(values) - min(values) for values in found.values()) == pytest.approx(0.1)


def test_what_a_study_can_have_is_in_the_catalogues(published: list[Published]) -> None:
    datasets, backbones = load_datasets("config/datasets.yaml"), load_backbones("config/backbones.yaml")
    cells = by_cell(published)

    assert {cell.dataset for cell in cells} <= datasets.keys()
    assert {cell.backbone for cell in cells} <= backbones.keys()
    assert {row.dataset for row in published} <= datasets.keys()


def test_a_measured_row_stands_beside_its_published_value_and_no_other(
    published: list[Published], paper: Paper
) -> None:
    rows = [
        measured(224, 288, 78.12),
        measured(224, 384, 78.87, "classifier_bn"),
        measured(224, 224, 11.0, crops="square"),
        measured(224, 224, 12.0, dataset="cub"),
        measured(224, 224, 13.0, "classifier"),
    ]

    plain, adapted = tables(printed(paper, published, "table5", rows))

    assert plain.columns == ["64", "128", "160", "224", "384"]
    assert plain.texts[plain.rows.index("288")][3] == "78.4 (78.1)"
    assert adapted.texts[adapted.rows.index("384")][2] == "79.0 (78.9)"
    assert sum("(" in text for table in (plain, adapted) for line in table.texts for text in line) == 2
    assert adapted.notes == ["published (measured), 2 of 63"]


def test_the_weights_own_classifier_stands_in_where_the_setting_itself_is_not_measured(
    published: list[Published], paper: Paper
) -> None:
    own = [measured(224, size, 70.0) | {"setting": "pretrained"} for size in (224, 288)]
    rows = [*own, measured(224, 224, 60.0), measured(224, 384, 50.0, setting="frozen")]

    plain, adapted = tables(printed(paper, published, "table5", rows))

    column = dict(zip(plain.rows, (line[3] for line in plain.texts), strict=True))
    assert (column["224"], column["288"], column["384"]) == ("77.0 (60.0)", "78.4 (70.0)", "77.7")
    assert "some measured with the weights' own classifier, not trained here" in adapted.notes


def test_what_is_not_measured_yet_is_said_as_jobs(published: list[Published], paper: Paper) -> None:
    rows = [measured(384, size, 70.0) for size in (64, 128, 224, 288, 384, 448, 480)]

    table = printed(paper, published, "table5", rows)

    assert lacking(table) == "Not measured: 56 cells. A seed takes 5 trainings, 28 adaptations, 56 evaluations."
    assert Cell("imagenet", "tv_resnet50", "finetuned", 384, 64, "classifier_bn", "fixres") in table.missing
    assert Cell("imagenet", "tv_resnet50", "finetuned", 384, 64, "none", "fixres") not in table.missing


def test_weights_as_they_are_take_no_training(published: list[Published], paper: Paper) -> None:
    table = printed(paper, published, "table1")

    assert lacking(table) == "Not measured: 18 cells. A seed takes 12 adaptations, 18 evaluations."


def test_hours_of_training_and_adaptation_are_added(published: list[Published], paper: Paper) -> None:
    row = measured(128, 224, 77.0, "classifier_bn", train_hours=100.0) | {"adapt_hours": 5.0}

    tables_of = tables(printed(paper, published, "table7", [row]))

    line = tables_of[1].texts[0]
    assert (tables_of[1].columns[-1], line[-1]) == ("hours", "124.1 (105.0)")


def test_a_value_without_stated_sizes_stands_beside_the_best_of_all_sizes(
    published: list[Published], paper: Paper
) -> None:
    rows = [measured(224, size, top1, dataset="cub", backbone="senet154") for size, top1 in ((224, 88.0), (320, 89.0))]

    [matrix] = tables(printed(paper, published, "table3", rows))

    assert matrix.texts[matrix.rows.index("CUB-200-2011, SENet-154")] == ["88.4 (89.0)", "88.7"]


def test_the_page_has_every_part_and_marks_the_best_published_value(published: list[Published], paper: Paper) -> None:
    text = page(printed(paper, published, "table9"))

    assert text.startswith("## Table 9. Train size against test size, with random crops of a fixed scale\n")
    assert "| 440 | 2.3 | 33.6 | 67.1 | **77.0** |" in text
    assert text.endswith("Not measured: 32 cells. A seed takes 4 trainings, 32 evaluations.\n")


def test_the_verb_lists_prints_writes_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    summary, text, picture = (tmp_path / name for name in ("summary.parquet", "table5.md", "figure5.svg"))
    write_rows("summary", [measured(224, 384, 78.87, "classifier_bn")], summary)

    main(["fixres"])
    assert "table10" in (listed := capsys.readouterr().out)
    assert "figure8" in listed
    main(["fixres", "table5", str(summary)])
    assert "79.0 (78.9)" in capsys.readouterr().out
    main(["fixres", "table5", "--cells", str(summary), "--out", str(text)])
    main(["fixres", "figure5", str(summary), "--out", str(picture)])

    assert "**79.0 (78.9)**" in text.read_text()
    assert picture.read_text().startswith("<?xml")


@pytest.mark.parametrize("width", [80])
def test_every_table_fits_80_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))

    for name in ("section3.3", "fixefficientnet", *(f"table{number}" for number in range(1, 11))):
        main(["fixres", name, "--published"])

    assert max(map(len, capsys.readouterr().out.splitlines())) <= width


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["tabel5"], 'no table or figure "tabel5"; did you mean "table5"'),
        (["figure5", "--published"], "figure5 is drawn to a file; name it with --out figure5.png"),
        (["figure5", "--published", "--out", "x.md"], r"x\.md cannot be drawn"),
        (["table5", "--published", "--out", "x.png"], r"x\.png cannot be written; a table goes to a file .*\.md"),
        (["table5", "nowhere.parquet"], "The published values alone: fgir fixres table5 --published"),
    ],
)
def test_what_cannot_be_shown_is_one_sentence(arguments: list[str], sentence: str) -> None:
    with pytest.raises(SystemExit, match=sentence):
        main(["fixres", *arguments])


def test_a_table_that_the_values_lack_is_a_fault_of_the_paper(published: list[Published]) -> None:
    with pytest.raises(FgirError, match=r"ends in Table 11; correct tables of the paper"):
        printed(Paper(tables={"Table 11": "none"}), published, "table11")


def test_published_values_make_a_summary_that_the_table_of_resolutions_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    summary = tmp_path / "published.parquet"

    main(["published", "--paper", "1906", "--source", "Table 5", "--summary", str(summary)])
    main(["resolution", str(summary)])

    text = capsys.readouterr().out
    assert "63 accuracies, 1 dataset x 1 backbone x 1 setting" in text
    assert "gain over testing at the train size: 64 px +5.0, 128 px +2.4, 224 px +1.4, 384 px +0.6" in " ".join(
        text.split()
    )


def test_a_study_compares_a_cell_with_the_value_of_its_own_adaptation_and_crops(published: list[Published]) -> None:
    values = by_cell(published)
    adapted = Cell("imagenet", "tv_resnet50", "finetuned", 224, 384, "classifier_bn", "fixres")

    assert values[adapted].top1 == 79.0
    assert values[adapted._replace(adaptation="none")].top1 == 77.7
    assert adapted._replace(crops="square") not in values
