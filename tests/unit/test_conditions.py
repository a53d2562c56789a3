"""Cells that differ only in their adaptation, and settings of any name: no table merges them, no figure hides them."""

import io
from typing import Any

import pytest
from rich.console import Console
from summary_cells import cell, cells

from fgir.report.figures.accuracy import _figure
from fgir.report.figures.box_points import boxes
from fgir.report.figures.boxes import draw_boxes
from fgir.report.figures.style import looks_of
from fgir.report.tables.compare import compare
from fgir.report.tables.compare_show import show_comparison
from fgir.report.tables.matrix import matrices
from fgir.report.tables.matrix_show import show_matrix
from fgir.report.tables.show import show
from fgir.results.pareto import mark_front
from fgir.study import PUBLISHED_SETTINGS, SETTINGS

TEN = "finetuned+ten_crop"
BACKBONES = {"lite0": 0.4, "ResNet-101": 7.83, "ViT-B16": 17.56, "Swin-B": 15.47}
PUBLISHED = {"published_top1": 60.0, "published_seeds": 3, "published_source": "a paper"}


@pytest.fixture
def adapted() -> list[dict[str, Any]]:
    """Every setting of some backbones, and CAL once more with its head adapted: as much better as nothing else."""
    rows = cells(BACKBONES)
    rows += [row | {"adaptation": "head", "top1": row["top1"] + 7} for row in rows if row["setting"] == "cal"]
    mark_front(rows)
    return rows


@pytest.fixture
def ten_crops() -> list[dict[str, Any]]:
    """Every published setting of some backbones, and fine-tuning evaluated by a protocol that is not among them."""
    rows = cells(BACKBONES)
    return rows + [row | {"setting": TEN, "top1": row["top1"] + 2} for row in rows if row["setting"] == "finetuned"]


def shown(rows: list[dict[str, Any]], width: int = 100) -> str:
    stream = io.StringIO()
    show(rows, file=stream, width=width)
    return stream.getvalue()


def compared(rows: list[dict[str, Any]], width: int = 100) -> str:
    stream = io.StringIO()
    show_comparison(compare([row | PUBLISHED for row in rows]), Console(file=stream, width=width), everything=True)
    return stream.getvalue()


def box_figure(monkeypatch: pytest.MonkeyPatch, rows: list[dict[str, Any]]) -> Any:
    figures: list[Any] = []
    monkeypatch.setattr("fgir.report.figures.boxes.save", lambda figure_of, paths: figures.append(figure_of()))
    draw_boxes(rows, [])
    return figures[0]


def words_of(text: str, *wanted: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if set(wanted) <= set(line.split())]


def test_the_table_has_a_column_of_adaptations_where_there_is_one(adapted: list[dict[str, Any]]) -> None:
    with_it, without = shown(adapted), shown(adapted[:-4])

    lines = words_of(with_it, "lite0", "cal")
    assert [line[line.index("cal") + 1] for line in lines] == ["head", "none"]
    assert ["★" in line for line in lines] == [True, False]
    assert "adaptation" not in without


def test_what_an_adaptation_costs_stands_beside_the_training() -> None:
    text = shown([cell(), cell(adaptation="head", adapt_hours=0.5)])

    assert "adapt" in text
    assert " 30.0 " in text
    assert "adapt" not in shown([cell()])


def test_the_trouble_of_an_adapted_cell_names_the_adaptation() -> None:
    text = shown([cell(), cell(adaptation="head", top1=None, status="failed", error="no memory.")])

    assert "failed: lite0 finetuned 96, adaptation head: no memory." in text


def test_each_adaptation_is_a_table_of_its_own_none_first(adapted: list[dict[str, Any]]) -> None:
    titles = [matrix.title for matrix in matrices(adapted)]

    assert titles == ["elpv, 96 px: top-1, %", "elpv, 96 px, adaptation head: top-1, %"]
    assert len(matrices(adapted)[0].columns) == 6
    assert matrices(adapted)[1].columns == ["cal"]


def test_adaptations_are_columns_where_nothing_else_varies() -> None:
    [matrix] = matrices([cell(top1=60.0), cell(adaptation="head", top1=70.0)])

    assert matrix.columns == ["96 px", "96 px, adaptation head"]
    assert matrix.texts == [["60.00", "70.00"]]


def test_each_adaptation_is_a_row_of_panels_that_the_title_and_the_note_name(
    monkeypatch: pytest.MonkeyPatch, adapted: list[dict[str, Any]]
) -> None:
    figure = box_figure(monkeypatch, adapted)

    heads = [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")]
    assert heads == ["96 px", "96 px, adaptation head"]
    assert figure.get_suptitle() == "4 backbones on 1 dataset, 96 px; 96 px, adaptation head"
    assert "the lowest point of all settings and adaptations" in figure._supxlabel.get_text().replace("\n", " ")


def test_no_point_of_the_box_plot_is_a_mean_over_adaptations(adapted: list[dict[str, Any]]) -> None:
    panel = boxes(adapted).panels[0]

    top1 = [row["top1"] for row in adapted]
    plain, head = (panel.values[where, "cal"]["Lite0"] for where in ("96 px", "96 px, adaptation head"))
    assert head - plain == pytest.approx(7 / (max(top1) - min(top1)))


def test_in_the_accuracy_figure_a_letter_marks_each_adapted_point_and_the_legend_explains_it(
    adapted: list[dict[str, Any]],
) -> None:
    figure = _figure(adapted)

    for axes in figure.axes:
        assert [note.get_text() for note in axes.texts].count("a") == len(BACKBONES)
    assert "adaptation head" in [text.get_text() for text in figure.legends[0].get_texts()]
    assert "Lite0\ncal\nadaptation head" in [note.get_text() for note in figure.axes[0].texts]


def test_the_title_names_the_one_adaptation_of_all_points() -> None:
    figure = _figure(cells({"lite0": 0.4}, adaptation="head"))

    assert "96 px, adaptation head" in figure.get_suptitle()
    assert "a" not in [note.get_text() for axes in figure.axes for note in axes.texts]


def test_the_comparison_has_a_row_for_each_adaptation_and_says_over_which_its_means_are(
    adapted: list[dict[str, Any]],
) -> None:
    text = compared(adapted)

    assert {line[3] for line in words_of(text, "elpv", "lite0", "cal")} == {"none", "head"}
    assert "percentage points, over 96 px; 96 px, adaptation head" in " ".join(text.split())
    assert "pooled over its dataset, setting and adaptation" in " ".join(text.split())
    assert "adaptation" not in compared(adapted[:-4])


def test_deviations_of_seeds_are_not_pooled_over_adaptations() -> None:
    rows = [cell(top1_std=0.1) | PUBLISHED, cell(top1_std=5.0, adaptation="head") | PUBLISHED]

    plain, head = compare(rows)

    assert (plain["seed_deviation"], head["seed_deviation"]) == (0.1, 5.0)
    assert (plain["adaptation"], head["adaptation"]) == ("none", "head")


def test_a_setting_of_any_name_follows_the_published_ones_in_every_table_and_figure(
    monkeypatch: pytest.MonkeyPatch, ten_crops: list[dict[str, Any]]
) -> None:
    [matrix] = matrices(ten_crops)
    figure = box_figure(monkeypatch, ten_crops)
    accuracy = _figure(ten_crops)

    assert matrix.columns == ["frozen", "finetuned", "cal", "cal_nc", "calmix", "calmix_nc", TEN]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()][-1] == "finetuned\n+ten_crop"
    assert all(len(axes.patches) == 7 for axes in figure.axes)
    assert [text.get_text() for text in accuracy.legends[0].get_texts()][5:7] == ["calmix_nc", TEN]
    assert all(len(axes.containers) == len(ten_crops) for axes in accuracy.axes)
    assert TEN in shown(ten_crops)
    assert TEN in compared(ten_crops)


@pytest.mark.parametrize("width", [80, 100])
def test_tables_with_a_long_setting_and_an_adaptation_fit_the_terminal(
    width: int, capsys: pytest.CaptureFixture
) -> None:
    rows = [
        cell(setting, backbone, adaptation=adaptation) | ({"setting": TEN} if setting == "finetuned" else {})
        for setting in ("finetuned", "cal", "cal_nc")
        for backbone in BACKBONES
        for adaptation in ("none", "classifier")
    ]
    for matrix in matrices(rows):
        show_matrix(matrix, Console(width=width))

    for text in (shown(rows, width), compared(rows, width), capsys.readouterr().out):
        assert max(map(len, text.splitlines())) <= width
        assert "…" not in text


def test_a_learning_rate_at_the_edge_names_the_method_of_a_setting_of_any_name() -> None:
    text = shown([cell(learning_rate_edge="highest") | {"setting": TEN}])

    assert "a better one may lie beyond: lite0 finetuned (highest)" in " ".join(text.split())


def test_published_settings_keep_their_looks_and_no_two_settings_share_a_marker() -> None:
    before, after = looks_of(PUBLISHED_SETTINGS), looks_of([*(f"method{n}+protocol" for n in range(30)), *SETTINGS])

    assert {name: after[name] for name in before} == before
    assert len({look.marker for look in after.values()}) == len(after) == 30 + len(SETTINGS)
