"""The box plot by setting."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from summary_cells import cell, cells

from fgir.cli.main import main
from fgir.report.figures.box_points import boxes
from fgir.report.figures.boxes import draw_boxes
from fgir.results.parquet import write_rows
from fgir.results.published import as_summary, of_source, read_published
from fgir.utils.errors import FgirError

ROOT = Path(__file__).parents[2]
FOUR = ["aircraft", "cub", "soygene", "soylocal"]
BACKBONES = {"lite0": 0.4, "ResNet-101": 7.83, "ViT-B16": 17.56, "Swin-B": 15.47}


@pytest.fixture
def rows():
    easy, hard = cells(BACKBONES), cells(BACKBONES, dataset="cub")
    return easy + [row | {"top1": row["top1"] / 2} for row in hard]


def values(rows, metric=0, **options):
    """The normalised figures of a metric: by setting, where the rows are of one pair of sizes."""
    panel = boxes(rows, **options).panels[metric]
    return {setting: figures for (_, setting), figures in panel.values.items()}


def drawn(monkeypatch, rows, **options):
    """The figure that is saved."""
    figures = []
    monkeypatch.setattr("fgir.report.figures.boxes.save", lambda figure_of, paths: figures.append(figure_of()))
    draw_boxes(rows, [], **options)
    return figures[0]


def note(figure):
    return " ".join(figure._supxlabel.get_text().split())


def test_of_the_published_values_a_point_is_a_backbone_s_mean_over_four_datasets_on_one_scale(monkeypatch):
    published = of_source(read_published(ROOT / "config/published/arxiv-2605.18700.csv"), "November 2023")
    monkeypatch.chdir(ROOT)
    rows = as_summary(published)

    found = boxes(rows, over=FOUR)

    by_setting = {setting: figures for (_, setting), figures in found.panels[0].values.items()}
    assert found.datasets == ["aircraft", "cub", "soygene", "soylocal"]
    assert {setting: len(figures) for setting, figures in by_setting.items()} == dict.fromkeys(
        ("frozen", "finetuned", "cal", "cal_nc"), 9
    )
    # The study's own means over the four: the lowest is frozen ResNet-101's, the highest is Swin-B's with CAL.
    low, high = 33.54, 74.14
    assert by_setting["frozen"]["ResNet-101"] == 0
    assert by_setting["cal"]["Swin-B"] == 1
    # Published means have two decimals.
    assert by_setting["finetuned"]["BiT-M ResNet-101x3"] == pytest.approx((65.55 - low) / (high - low), abs=5e-4)
    assert by_setting["cal_nc"]["VGG-19-BN"] == pytest.approx((58.92 - low) / (high - low), abs=5e-4)


def test_of_cells_each_dataset_is_normalised_on_its_own(rows):
    found = values(rows, of="cells")

    # Both datasets have the same order of cells at another level: together they are each value twice.
    assert all(np.allclose(list(figures.values())[:4], list(figures.values())[4:]) for figures in found.values())
    assert min(min(figures.values()) for figures in found.values()) == 0
    assert max(max(figures.values()) for figures in found.values()) == 1
    top1 = {(row["backbone"], row["setting"]): row["top1"] for row in rows if row["dataset"] == "elpv"}
    low, high = min(top1.values()), max(top1.values())
    assert found["cal"]["lite0", "elpv"] == pytest.approx((top1["lite0", "cal"] - low) / (high - low))


def test_a_backbone_without_one_of_the_datasets_is_left_out_and_named_never_averaged_over_fewer(monkeypatch, rows):
    for row in rows:
        if (row["backbone"], row["dataset"]) == ("ViT-B16", "cub") and row["setting"] in ("cal", "cal_nc"):
            row["top1"] = None

    found = values(rows)
    text = note(drawn(monkeypatch, rows))

    assert set(found["frozen"]) == {"Lite0", "Resnet-101", "Vit-B16", "Swin-B"}
    assert set(found["cal"]) == {"Lite0", "Resnet-101", "Swin-B"}
    assert set(values(rows, metric=2)["cal"]) == set(found["frozen"])
    assert "Left out of top-1 accuracy, lacking a dataset: Vit-B16 cal cal_nc (cub)." in text
    assert "do not compare like with like" in text


def test_the_figure_says_which_datasets_its_means_are_over(monkeypatch, rows):
    four = [row | {"dataset": name} for row in rows[:24] for name in FOUR]

    assert "A point is a backbone's mean over elpv, cub. 0: the lowest" in note(drawn(monkeypatch, rows))
    assert "mean over aircraft, cub, soygene, soylocal. 0:" in note(drawn(monkeypatch, four + rows[:24], over=FOUR))
    assert "A point is a backbone on cub. 0:" in note(drawn(monkeypatch, rows[24:]))
    untested = [row | ({"top1": None} if row["dataset"] == "soygene" else {}) for row in four]
    text = note(drawn(monkeypatch, untested, over=FOUR))
    assert "mean over aircraft, cub, soylocal. 0:" in text
    assert "Not in the means, for want of figures: soygene." in text


def test_each_pair_of_sizes_is_a_row_of_panels_on_a_common_scale(monkeypatch, rows):
    large = [row | {"test_size": 128, "top1": row["top1"] + 5} for row in rows]

    figure = drawn(monkeypatch, rows + large)

    assert [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")] == ["96 px", "96→128 px"]
    assert len(figure.axes) == 2 * 3
    assert [len(points.get_offsets()) for axes in figure.axes for points in axes.collections] == [4] * 6 * 2 * 3
    accuracies = [
        [x for points in axes.collections for x in points.get_offsets()[:, 0]]
        for axes in (figure.axes[0], figure.axes[3])
    ]
    assert (min(accuracies[0]), max(accuracies[1])) == (0, 1)
    assert max(accuracies[0]) < 1
    assert "0: the lowest point of all settings and sizes, 1:" in note(figure)
    assert figure._suptitle.get_text() == "4 backbones on 2 datasets, 96 px, 96→128 px"


def test_training_time_is_that_of_the_whole_job_and_throughput_end_to_end_where_it_was_measured(monkeypatch, rows):
    rows = [row | {"train_hours": 1.0} for row in rows]

    network = drawn(monkeypatch, rows)
    both = drawn(monkeypatch, [row | {"throughput_end_to_end": row["throughput"] / 2} for row in rows])

    labels = [axes.get_xlabel().split(",")[0] for axes in network.axes]
    assert labels == ["top-1 accuracy", "training time of the whole job", "throughput of the network"]
    assert both.axes[2].get_xlabel().startswith("throughput end to end, ")


def test_six_settings_are_drawn_the_first_on_top(monkeypatch, rows):
    figure = drawn(monkeypatch, rows)

    for axes in figure.axes:
        assert len(axes.patches) == 6
        assert "normalised" in axes.get_xlabel()
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["frozen", "finetuned", "cal", "cal_nc", "calmix", "calmix_nc"]
    assert figure.axes[0].yaxis_inverted()


@pytest.mark.parametrize("of", ["backbones", "cells"])
def test_the_line_in_a_box_is_the_median_and_every_figure_is_a_point(monkeypatch, rows, of):
    figure = drawn(monkeypatch, rows, of=of)

    found = [list(figures.values()) for figures in values(rows, metric=2, of=of).values()]
    medians = [line for line in figure.axes[2].lines if line.get_color() == "black"]
    assert [line.get_xdata()[0] for line in medians] == pytest.approx([np.median(v) for v in found])
    assert [len(points.get_offsets()) for points in figure.axes[2].collections] == [len(v) for v in found]


def test_a_metric_that_no_row_has_is_left_out_and_said_so(monkeypatch, rows):
    published = [row | {"train_job_hours": None, "throughput": None} for row in rows]

    figure = drawn(monkeypatch, published)

    assert len(figure.axes) == 1
    assert "Not drawn, because in none of these rows: training time and throughput." in note(figure)
    assert "Not drawn" not in note(drawn(monkeypatch, rows))


def test_few_points_have_no_box_and_equal_figures_are_not_drawn(monkeypatch):
    figure = drawn(monkeypatch, [row | {"top1": 33.3} for row in cells({"lite0": 0.4})])

    assert "Not drawn, because the same at every point: top-1 accuracy and training time." in note(figure)
    assert "A box is" not in note(figure)
    assert [len(axes.patches) for axes in figure.axes] == [0] * len(figure.axes)
    assert [len(axes.collections) for axes in figure.axes] == [6] * len(figure.axes)


def test_a_setting_without_figures_says_none(monkeypatch, rows):
    untimed = [row | ({"throughput": None} if row["setting"] == "cal" else {}) for row in rows]

    figure = drawn(monkeypatch, untimed)

    assert [text.get_text() for text in figure.axes[2].texts] == ["none"]
    assert len(figure.axes[2].patches) == 5


def test_settings_of_other_backbones_are_said_not_to_compare(monkeypatch, rows):
    more = [cell(backbone="VGG-19", setting="cal_nc", dataset=name) for name in ("elpv", "cub")]

    for of in ("backbones", "cells"):
        uneven, even = drawn(monkeypatch, [*rows, *more], of=of), drawn(monkeypatch, rows, of=of)
        assert "do not compare like with like" in note(uneven)
        assert "do not compare like with like" not in note(even)


def test_costs_of_several_devices_are_said_not_to_compare(monkeypatch, rows):
    mixed = [row | ({"device": "a CPU"} if row["dataset"] == "cub" else {}) for row in rows]

    text = note(drawn(monkeypatch, mixed))

    assert "Not measured alike, and not comparable: throughput (a CPU, fp16, 8; a GPU, fp16, 8)." in text
    assert "Not measured alike" not in note(drawn(monkeypatch, rows))


@pytest.mark.parametrize(("of", "hollow"), [("backbones", 1), ("cells", 1)])
def test_figures_of_a_disturbed_machine_are_hollow_points(monkeypatch, rows, of, hollow):
    for row in rows:
        if (row["backbone"], row["setting"], row["dataset"]) == ("lite0", "cal", "cub"):
            row["unsteady"] = ["throughput"]

    figure = drawn(monkeypatch, rows, of=of)

    alphas = [points.get_facecolors()[:, 3] for points in figure.axes[2].collections]
    assert [int((some == 0).sum()) for some in alphas] == [0, 0, hollow, 0, 0, 0]
    assert all((points.get_facecolors()[:, 3] > 0).all() for points in figure.axes[0].collections)
    assert "Hollow points: throughput measured on a disturbed machine." in note(figure)
    assert "Hollow" not in note(drawn(monkeypatch, [row | {"unsteady": []} for row in rows]))


def test_nothing_to_compare_is_one_sentence(tmp_path, rows):
    out = [tmp_path / "boxes.png"]
    with pytest.raises(FgirError, match="nothing to draw: no two cells differ"):
        draw_boxes([cell()], out)
    with pytest.raises(FgirError, match="no cell has an accuracy, a training time or a throughput yet"):
        draw_boxes([cell(top1=None, train_job_hours=None, throughput=None)], out)
    with pytest.raises(FgirError, match=r"too few backbones have a figure of each of elpv, cub\. .*--of cells"):
        draw_boxes([cell(), cell("cal", "vit", dataset="cub")], out)
    halves = [row | {"top1" if row["dataset"] == "cub" else "throughput": None} for row in rows]
    with pytest.raises(FgirError, match="no dataset has an accuracy, a training time and a throughput yet"):
        draw_boxes(halves, out)
    with pytest.raises(FgirError, match='Boxes cannot be of "backbone"; did you mean "backbones"'):
        draw_boxes(rows, out, of="backbone")
    many = [row | {"train_size": train, "test_size": test} for row in rows for train in (64, 96) for test in range(4)]
    with pytest.raises(FgirError, match="room for 6 pairs of train and test size; name some with --size: 64-0, 64-1"):
        draw_boxes(many, out)

    assert list(tmp_path.iterdir()) == []


def test_the_verb_draws_chosen_sizes_and_datasets(tmp_path, rows, monkeypatch):
    summary, out = tmp_path / "summary.parquet", str(tmp_path / "boxes.svg")
    write_rows("summary", [*rows, *(row | {"test_size": 128} for row in rows)], summary)
    given = []
    monkeypatch.setattr("fgir.report.figures.boxes.draw_boxes", lambda rows, *options: given.append((rows, *options)))

    main(["boxes", str(summary), "--size", "96-128", "--dataset", "cub", "--of", "cells", "--out", out])

    [(chosen, paths, of, over)] = given
    assert {(row["test_size"], row["dataset"]) for row in chosen} == {(128, "cub")}
    assert ([str(path) for path in paths], of, over) == ([out], "cells", ["cub"])
    with pytest.raises(SystemExit, match=r'There is no size "128" in the summary; it has 96, 96-128\.'):
        main(["boxes", str(summary), "--size", "128", "--out", out])


def test_the_verb_draws_the_same_bytes_each_time(tmp_path, rows):
    summary = tmp_path / "summary.parquet"
    write_rows("summary", rows, summary)

    for name in ("one", "two"):
        main(["boxes", str(summary), "--out", *(str(tmp_path / f"{name}.{kind}") for kind in ("png", "svg", "pdf"))])

    for suffix in ("png", "svg", "pdf"):
        assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()
    with Image.open(tmp_path / "one.png") as image:
        assert image.width > 1400
        assert len(image.convert("RGB").getcolors(1 << 24)) > 100
    assert (tmp_path / "one.pdf").read_bytes().startswith(b"%PDF")


def test_every_verb_that_draws_takes_and_refuses_the_same_files(tmp_path, rows):
    summary = tmp_path / "summary.parquet"
    write_rows("summary", rows, summary)
    verbs = (["boxes", str(summary)], ["figure", "--summary", str(summary), "--dataset", "cub"])

    for verb in verbs:
        with pytest.raises(SystemExit, match=r"x\.txt cannot be drawn; name a file that ends in \.png, \.svg or \.pdf"):
            main([*verb, "--out", str(tmp_path / "x.png"), str(tmp_path / "x.txt")])
        assert list(tmp_path.iterdir()) == [summary]
        main([*verb, "--out", str(tmp_path / "x.PDF")])
        assert (tmp_path / "x.PDF").read_bytes().startswith(b"%PDF")
        (tmp_path / "x.PDF").unlink()
