"""The accuracy-vs-cost figure."""

import itertools
import subprocess
import sys
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image
from summary_cells import cell, cells

from fgir.report.figures.accuracy import _figure, draw, write_figure
from fgir.results.parquet import write_rows
from fgir.utils.errors import FgirError

BACKBONES = {"lite0": 0.4, "ResNet-101": 7.83, "ViT-B16": 17.56}


@pytest.fixture
def rows():
    return cells(BACKBONES)


def test_png_and_svg_are_drawn_from_the_summary(tmp_path, rows):
    write_rows("summary", rows, tmp_path / "summary.parquet")
    paths = [tmp_path / "elpv.png", tmp_path / "elpv.svg"]

    write_figure(tmp_path / "summary.parquet", "elpv", paths)

    with Image.open(paths[0]) as image:
        assert image.format == "PNG"
        assert 1200 < image.width < 2000
        assert 1.5 < image.width / image.height < 3
        assert len(image.convert("RGB").getcolors(1 << 24)) > 50
    assert ElementTree.parse(paths[1]).getroot().tag.endswith("svg")


def test_the_same_rows_give_the_same_bytes_in_another_process(tmp_path):
    write_rows("summary", cells({"lite0": 0.4}), tmp_path / "summary.parquet")
    here, there = ([tmp_path / f"{place}.{suffix}" for suffix in ("png", "svg")] for place in ("here", "there"))
    place = "from fgir.report.figures.accuracy import write_figure"
    code = f"import sys; {place}; write_figure(sys.argv[1], 'elpv', sys.argv[2:])"

    write_figure(tmp_path / "summary.parquet", "elpv", here)
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "summary.parquet"), *map(str, there)], check=True)

    assert [path.read_bytes() for path in here] == [path.read_bytes() for path in there]


def test_another_accuracy_gives_another_picture(tmp_path):
    rows = [cell("cal", pareto=True), cell("frozen", pareto=False)]
    draw(rows, [tmp_path / "before.png"])
    rows[0]["top1"] += 5
    draw(rows, [tmp_path / "after.png"])

    before, after = (np.asarray(Image.open(tmp_path / f"{name}.png")) for name in ("before", "after"))
    assert before.shape == after.shape
    assert (before != after).any()


def test_every_cell_is_a_point_in_both_panels(rows):
    figure = _figure(rows)

    for axes, key, scale in zip(figure.axes, ("macs_image", "throughput"), (1e9, 1.0), strict=True):
        points = {(float(bar[0].get_xdata()[0]), float(bar[0].get_ydata()[0])) for bar in axes.containers}
        assert points == {(row[key] / scale, row["top1"]) for row in rows}
        assert axes.get_xscale() == "log"


def test_labels_name_the_front_and_hide_neither_each_other_nor_lie_outside(rows):
    figure = _figure(rows)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    notes = [note for note in axes.texts if note.get_text() != "chance"]

    named = {note.get_text().replace("\n", " ") for note in notes}
    assert named == {f"{row['backbone_title']} {row['setting']}" for row in rows if row["pareto"]}
    # Of the text alone, without the line that leads to its point.
    boxes = [mpl.text.Text.get_window_extent(note) for note in notes]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    assert all(axes.bbox.x0 <= box.x0 and box.x1 <= axes.bbox.x1 and box.y1 <= axes.bbox.y1 for box in boxes)


def test_settings_and_backbones_are_told_apart_in_the_legend(rows):
    (legend,) = _figure(rows).legends

    texts = [text.get_text() for text in legend.get_texts()]
    assert texts[:6] == ["frozen", "finetuned", "cal", "cal_nc", "calmix", "calmix_nc"]
    assert texts[6:] == ["Lite0", "Resnet-101", "Vit-B16", "Pareto front"]
    looks = {(line.get_color(), line.get_marker(), line.get_fillstyle()) for line in legend.get_lines()}
    assert len(looks) == len(texts)


def test_sixteen_backbones_have_looks_of_their_own():
    (legend,) = _figure(cells({f"net{number}": 1.0 + number for number in range(16)})).legends

    looks = {(line.get_color(), line.get_marker(), line.get_fillstyle()) for line in legend.get_lines()}
    assert len(looks) == 6 + 16 + 1


def test_a_random_backbone_is_named_as_such():
    alone = _figure(cells({"resnet18": 1.8}, weights="none (random)"))
    beside = _figure(cells({"lite0": 0.4}) + cells({"resnet18": 1.8}, weights="none (random)"))

    assert "Resnet18 (random!)" in alone.get_suptitle()
    assert [text.get_text() for text in beside.legends[0].get_texts()].count("Resnet18 (random!)") == 1


@pytest.mark.parametrize(("seed_deviation", "expected"), [(2.0, 2.0), (None, 0.3)])
def test_error_bars_are_over_seeds_where_there_are_several_else_over_folds(seed_deviation, expected):
    (container,) = _figure([cell(top1=50.0, top1_std=seed_deviation, pareto=True)]).axes[0].containers

    (bar,) = container[2]
    assert bar.get_segments()[0][:, 1].tolist() == [50.0 - expected, 50.0 + expected]


def test_cells_without_figures_are_counted_and_a_figure_of_nothing_says_so(tmp_path):
    lost = cell("cal", top1=None, top1_std=None, top1_fold_std=None, status="diverged", pareto=False)
    figure = _figure([lost, cell(pareto=True)])
    empty = _figure([lost])

    assert "1 of 2 cells without accuracy" in figure.get_suptitle()
    assert [text.get_text() for axes in empty.axes for text in axes.texts] == ["nothing measured yet"] * 2
    draw([lost], [tmp_path / "empty.png"])
    assert (tmp_path / "empty.png").stat().st_size > 0


def test_uncounted_cells_stand_in_the_panel_of_throughput_alone():
    uncounted = cell(macs_view=None, macs_image=None, status="uncounted", pareto=False)

    left, right = _figure([uncounted]).axes

    assert (len(left.containers), len(right.containers)) == (0, 1)


def test_the_style_of_the_user_s_matplotlib_neither_enters_nor_changes(tmp_path):
    rows = [cell("cal", pareto=True), cell("frozen", pareto=False)]
    draw(rows, [tmp_path / "default.png"])
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9}):
        draw(rows, [tmp_path / "styled.png"])
        assert mpl.rcParams["font.size"] == 30

    assert (tmp_path / "default.png").read_bytes() == (tmp_path / "styled.png").read_bytes()


def test_an_unknown_dataset_is_answered_with_the_nearest_and_leaves_no_file(tmp_path, rows):
    write_rows("summary", rows, tmp_path / "summary.parquet")

    with pytest.raises(FgirError, match=r'summary\.parquet has no dataset "elvp"; did you mean "elpv"'):
        write_figure(tmp_path / "summary.parquet", "elvp", [tmp_path / "elvp.png"])

    assert [path.name for path in tmp_path.iterdir()] == ["summary.parquet"]


def test_quartiles_of_throughput_are_bars_and_an_unsteady_one_is_pale():
    quartiles = {"throughput_q1": 110.0, "throughput": 336.0, "throughput_q3": 460.0}
    rows = [cell("cal", **quartiles, timing_status="unsteady", unsteady=["throughput"]), cell("frozen", pareto=True)]

    figure = _figure(rows)

    left, right = figure.axes
    (unsteady, steady) = right.containers
    assert bars_of(unsteady, axis=0) == pytest.approx((110.0, 460.0))
    assert not steady.has_xerr
    assert unsteady.lines[0].get_alpha() < steady.lines[0].get_alpha() == 1
    # its accuracy and MACs are as good as any
    assert {container.lines[0].get_alpha() for container in left.containers} == {1}
    assert "pale: timing unsteady" in [text.get_text() for text in figure.legends[0].get_texts()]
    assert "bars: quartiles" in right.get_xlabel()
    assert right.get_xlim()[0] < 110


def test_without_unsteady_timings_no_point_is_pale():
    figure = _figure([cell("frozen", pareto=True)])

    assert "pale: timing unsteady" not in [text.get_text() for text in figure.legends[0].get_texts()]
    assert "quartiles" not in figure.axes[1].get_xlabel()


def bars_of(container, axis):
    (segment,) = container.lines[2][axis].get_segments()
    return tuple(segment[:, axis])
