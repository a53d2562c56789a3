"""The box plot by setting."""

import numpy as np
import pytest
from PIL import Image
from summary_cells import cell, cells

from fgir.cli import main
from fgir.errors import FgirError
from fgir.schema import write_rows
from fgir.tables.box_figure import draw_boxes, normalised

BACKBONES = {"lite0": 0.4, "ResNet-101": 7.83, "ViT-B16": 17.56}


@pytest.fixture
def rows():
    easy, hard = cells(BACKBONES), cells(BACKBONES, dataset="cub")
    return easy + [row | {"top1": row["top1"] / 2} for row in hard]


def drawn(monkeypatch, rows):
    """The figure that is saved."""
    figures = []
    monkeypatch.setattr("fgir.tables.box_figure.save", lambda figure_of, paths: figures.append(figure_of()))
    draw_boxes(rows, [])
    return figures[0]


def test_each_dataset_is_normalised_on_its_own(rows):
    values = normalised(rows, "top1")

    # Both datasets have the same order of cells at another level: together they are each value twice.
    assert all(np.allclose(figures[:3], figures[3:]) for figures in values.values())
    assert min(map(min, values.values())) == 0
    assert max(map(max, values.values())) == 1
    top1 = [row["top1"] for row in rows if row["dataset"] == "elpv"]
    [lite0] = [
        row["top1"] for row in rows if (row["dataset"], row["backbone"], row["setting"]) == ("elpv", "lite0", "cal")
    ]
    assert values["cal"][0] == pytest.approx((lite0 - min(top1)) / (max(top1) - min(top1)))


def test_three_panels_of_six_settings_are_drawn(monkeypatch, rows):
    figure = drawn(monkeypatch, rows)

    assert [axes.get_xlabel().split(",")[0] for axes in figure.axes] == [
        "top-1 accuracy",
        "training time",
        "throughput",
    ]
    for axes in figure.axes:
        assert len(axes.patches) == 6
        assert all("normalised" in axes.get_xlabel() for axes in figure.axes)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["frozen", "finetuned", "cal", "cal_nc", "calmix", "calmix_nc"]
    assert figure.axes[0].yaxis_inverted()


def test_the_line_in_a_box_is_the_median_and_every_cell_is_a_point(monkeypatch, rows):
    figure = drawn(monkeypatch, rows)

    values = normalised(rows, "throughput")
    medians = [line for line in figure.axes[2].lines if line.get_color() == "black"]
    assert [line.get_xdata()[0] for line in medians] == pytest.approx([np.median(v) for v in values.values()])
    assert [len(points.get_offsets()) for points in figure.axes[2].collections] == [len(v) for v in values.values()]


def test_a_metric_that_no_row_has_is_left_out_and_said_so(monkeypatch, rows):
    published = [row | {"train_hours": None, "throughput": None} for row in rows]

    figure = drawn(monkeypatch, published)

    assert len(figure.axes) == 1
    note = "Not drawn, because in none of these rows: training time and throughput."
    assert note in figure._supxlabel.get_text()
    assert "Not drawn" not in drawn(monkeypatch, rows)._supxlabel.get_text()


def test_few_cells_are_points_without_a_box_and_equal_figures_are_not_drawn(monkeypatch):
    figure = drawn(monkeypatch, [row | {"top1": 33.3} for row in cells({"lite0": 0.4})])

    assert "does not differ within any dataset: top-1 accuracy and training time." in figure._supxlabel.get_text()
    assert [len(axes.patches) for axes in figure.axes] == [0] * len(figure.axes)
    assert [len(axes.collections) for axes in figure.axes] == [6] * len(figure.axes)


def test_a_setting_without_figures_says_none(monkeypatch, rows):
    untimed = [row | ({"throughput": None} if row["setting"] == "cal" else {}) for row in rows]

    figure = drawn(monkeypatch, untimed)

    assert [text.get_text() for text in figure.axes[2].texts] == ["none"]
    assert len(figure.axes[2].patches) == 5


def test_settings_of_other_backbones_are_said_not_to_compare(monkeypatch, rows):
    more = cell(backbone="VGG-19", setting="cal_nc")

    uneven, even = drawn(monkeypatch, [*rows, more]), drawn(monkeypatch, rows)

    assert "do not compare like with like" in uneven._supxlabel.get_text()
    assert "do not compare like with like" not in even._supxlabel.get_text()


def test_nothing_to_compare_is_one_sentence(tmp_path):
    with pytest.raises(FgirError, match="nothing to draw"):
        draw_boxes([cell(), cell(dataset="cub")], [tmp_path / "boxes.png"])

    assert list(tmp_path.iterdir()) == []


def test_the_verb_draws_the_same_bytes_each_time(tmp_path, rows):
    summary = tmp_path / "summary.parquet"
    write_rows("summary", rows, summary)

    for name in ("one", "two"):
        main(["boxes", str(summary), "--out", str(tmp_path / f"{name}.png"), str(tmp_path / f"{name}.svg")])

    for suffix in ("png", "svg"):
        assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()
    with Image.open(tmp_path / "one.png") as image:
        assert image.width > 1400
        assert len(image.convert("RGB").getcolors(1 << 24)) > 100
    with pytest.raises(SystemExit, match=r"boxes\.txt cannot be drawn; name a file that ends in \.png or \.svg"):
        main(["boxes", str(summary), "--out", str(tmp_path / "boxes.txt")])
