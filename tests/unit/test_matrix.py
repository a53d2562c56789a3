"""Backbone x dataset tables: of the published accuracies, and of a summary."""

import contextlib
import re
from pathlib import Path

import pytest
from rich.console import Console
from summary_cells import cell

from fgir.cli.main import main
from fgir.report.tables.matrix import matrices
from fgir.report.tables.matrix_show import markdown, show_matrix
from fgir.results.parquet import write_rows
from fgir.results.published import as_summary, of_source, read_published
from fgir.utils.errors import FgirError

ROOT = Path(__file__).parents[2]
FOUR = [("aircraft", "cub", "soygene", "soylocal")]
# The study's own means over its 17 datasets and over aircraft, cub, soygene, soylocal: nine backbones, then all.
MEANS = {
    "frozen": (
        "62.73 50.32 56.19 69.35 64.00 47.30 47.12 66.56 61.62 58.35",
        "46.11 38.83 43.27 57.61 49.08 35.95 33.54 54.73 46.09 45.02",
    ),
    "finetuned": (
        "71.75 68.37 71.73 74.10 76.41 66.48 65.56 69.97 64.31 69.85",
        "56.94 59.87 54.94 58.68 65.55 51.05 50.05 57.65 47.66 55.82",
    ),
    "cal": (
        "73.52 70.67 78.58 80.50 78.57 70.76 71.86 81.45 78.39 76.03",
        "63.21 59.98 67.67 74.14 73.17 55.19 58.28 72.17 71.16 66.11",
    ),
    "cal_nc": (
        "73.18 69.67 78.22 80.19 77.49 69.50 70.89 81.47 77.02 75.29",
        "62.91 58.92 67.40 73.88 71.83 53.81 54.89 72.14 69.72 65.06",
    ),
}


@pytest.fixture(scope="module")
def published():
    rows = of_source(read_published(ROOT / "config/published/arxiv-2605.18700.csv"), "November 2023")
    with contextlib.chdir(ROOT):
        return as_summary(rows)


def printed(capsys, matrix, width=100):
    show_matrix(matrix, Console(width=width))
    return capsys.readouterr().out


@pytest.mark.parametrize("setting", MEANS)
def test_means_of_the_published_accuracies_are_those_of_the_study(published, setting):
    [matrix] = matrices(published, setting, subsets=FOUR)

    lines = dict(zip(matrix.rows, matrix.texts, strict=True))
    assert len(lines) == 17 + 2
    for name, expected in zip(("mean 17", "mean 4"), MEANS[setting], strict=True):
        assert " ".join(lines[name]) == expected


def test_the_published_table_fits_100_columns_and_marks_the_best(published, capsys):
    [matrix] = matrices(published, "cal", subsets=FOUR)

    text = printed(capsys, matrix)

    assert max(map(len, text.splitlines())) <= 100
    [cub] = [line for line in text.splitlines() if line.startswith("cub ")]
    assert " ".join(cub.split()) == "cub 88.58 79.92 88.02 90.90 89.70 85.82 86.23 91.52* 90.07 87.86"
    assert "* best of the dataset; mean 4: aircraft, cub, soygene, soylocal" in text


def test_all_settings_are_shown_unless_one_is_named(published):
    assert [matrix.title for matrix in matrices(published)] == [f"{name}, 224 px: top-1, %" for name in MEANS]


def test_more_backbones_than_datasets_stand_in_rows(monkeypatch):
    monkeypatch.chdir(ROOT)
    rows = of_source(read_published(ROOT / "config/published/arxiv-2605.18700.csv"), "Table 3")
    [matrix] = matrices(as_summary(rows))

    assert matrix.columns == ["aircraft", "cub", "soygene", "soylocal", "mean 4"]
    assert len(matrix.rows) == len(set(matrix.rows)) == 16 + 1
    best = {column: [line[place] for line in matrix.best].index(True) for place, column in enumerate(matrix.columns)}
    assert {column: matrix.texts[row][matrix.columns.index(column)] for column, row in best.items()} == {
        "aircraft": "92.80",
        "cub": "91.54",
        "soygene": "76.18",
        "soylocal": "38.17",
        "mean 4": "74.53",
    }
    assert "every figure is of a single seed" in matrix.notes


def test_markdown_has_the_best_in_bold(published):
    text = markdown(matrices(published, "frozen", subsets=FOUR)[0])

    lines = text.splitlines()
    assert lines[0].startswith("| dataset | ViT-B/16 | ")
    assert lines[1] == "|---" + "|--:" * 10 + "|"
    assert re.search(r"^\| aircraft \| 58\.23 \|.*\| \*\*68\.33\*\* \|.*\| 54\.54 \|$", text, re.MULTILINE)
    assert text.count("**") == 2 * 19


def test_a_mean_that_lacks_a_figure_is_absent(capsys):
    rows = [cell(backbone=name, dataset=dataset) for name in ("a", "b") for dataset in ("elpv", "cub", "pets")]
    rows[0]["top1"] = None

    [matrix] = matrices(rows)

    lines = dict(zip(matrix.rows, matrix.texts, strict=True))
    assert lines["elpv"][0] == lines["elpv"][2] == lines["mean 3"][0] == "–"
    assert "–" not in (lines["elpv"][1], lines["cub"][0], lines["mean 3"][1])
    assert "– no figure, or a mean that lacks one" in printed(capsys, matrix)


def test_cells_of_several_sizes_are_tables_of_their_own_where_backbones_and_datasets_are_the_axes():
    names = [(b, d, size, test) for size in (96, 128) for test in (128, 96) for b in "ab" for d in ("elpv", "cub")]
    rows = [cell(backbone=b, dataset=d, train_size=size, test_size=test) for b, d, size, test in names]

    assert [matrix.title.split(":")[0] for matrix in matrices(rows)] == [
        f"finetuned, {text} px" for text in ("96", "96→128", "128→96", "128")
    ]


def many(backbones=("lite0",), datasets=("elpv",), settings=("frozen", "cal"), sizes=((96, 96),)):
    return [
        cell(setting, backbone, 0.4 * (number + 1), dataset=dataset, train_size=train, test_size=test, top1=None)
        | {"top1": 50.0 + len(setting) + number + 3 * (test > train) + len(dataset)}
        for number, backbone in enumerate(backbones)
        for dataset in datasets
        for setting in settings
        for train, test in sizes
    ]


SIX = ("frozen", "finetuned", "cal", "cal_nc", "calmix", "calmix_nc")


@pytest.mark.parametrize(
    ("axes", "title", "corner", "rows", "columns", "best_of"),
    [
        ({}, "Lite0, 96 px", "dataset", ["elpv"], ["frozen", "cal"], "dataset"),
        ({"settings": SIX}, "Lite0, 96 px", "dataset", ["elpv"], [*SIX], "dataset"),
        (
            {"datasets": ("elpv", "cub")},
            "Lite0, 96 px",
            "dataset",
            ["elpv", "cub", "mean 2"],
            ["frozen", "cal"],
            "dataset",
        ),
        ({"backbones": "ab"}, "elpv, 96 px", "backbone", ["A", "B", "mean"], ["frozen", "cal"], "setting"),
        (
            {"sizes": ((128, 128), (96, 128), (96, 96))},
            "Lite0 on elpv",
            "size",
            ["96 px", "96→128 px", "128 px"],
            ["frozen", "cal"],
            "size",
        ),
        (
            {"settings": ("cal",), "datasets": ("elpv", "cub"), "sizes": ((96, 96), (128, 128))},
            "Lite0, cal",
            "dataset",
            ["elpv", "cub", "mean 2"],
            ["96 px", "128 px"],
            "dataset",
        ),
        ({"settings": ("cal",)}, "cal, 96 px", "dataset", ["elpv"], ["Lite0"], "dataset"),
    ],
)
def test_of_one_backbone_or_dataset_settings_or_sizes_are_the_columns_of_one_table(
    axes, title, corner, rows, columns, best_of
):
    [matrix] = matrices(many(**axes))

    assert (matrix.title, matrix.corner) == (f"{title}: top-1, %", corner)
    assert (matrix.rows, matrix.columns) == (rows, columns)
    assert matrix.best_of == best_of


def test_of_one_backbone_each_pair_of_sizes_is_a_table_that_names_it():
    tables = matrices(many(datasets=("elpv", "cub"), sizes=((96, 96), (96, 128))))

    assert [table.title for table in tables] == ["Lite0, 96 px: top-1, %", "Lite0, 96→128 px: top-1, %"]
    # 50 + the letters of setting and dataset, and 3 at the larger size; of the six letters the best.
    assert tables[0].texts == [["60.00", "57.00"], ["59.00", "56.00"], ["59.50", "56.50"]]
    assert tables[1].texts[0] == ["63.00", "60.00"]
    assert tables[0].best == [[True, False]] * 3


def test_of_one_dataset_the_best_backbone_of_each_setting_is_marked():
    [matrix] = matrices(many(backbones="ab"))

    assert matrix.texts == [["60.00", "57.00"], ["61.00", "58.00"], ["60.50", "57.50"]]
    assert matrix.best == [[False, False], [True, True], [False, False]]


@pytest.mark.parametrize("sizes", [((224, 224),), ((224, 224), (224, 384))])
@pytest.mark.parametrize("datasets", [("soyageing",), ("soyageing", "cub")])
def test_a_table_of_one_backbone_fits_80_columns_in_markdown_too(capsys, datasets, sizes):
    rows = many(("vit_base_patch16_224.augreg_in21k_ft_in1k",), datasets, SIX, sizes)

    for matrix in matrices(rows):
        assert max(map(len, printed(capsys, matrix, width=80).splitlines())) <= 80
        assert max(map(len, markdown(matrix).splitlines())) <= 80


def test_what_has_no_figure_at_all_is_named_and_the_order_is_the_summary_s(capsys):
    rows = many(backbones="abc", datasets=("elpv", "cub", "pets"), settings=("cal",))
    for row in rows:
        if row["backbone"] == "b" or row["dataset"] == "pets" or (row["backbone"], row["dataset"]) == ("a", "elpv"):
            row["top1"] = None

    [matrix] = matrices(rows)

    assert (matrix.rows, matrix.columns) == (["elpv", "cub", "mean 2"], ["A", "C", "mean"])
    assert "without any figure: pets, B" in printed(capsys, matrix)


def test_costs_that_were_not_measured_alike_are_said_not_to_compare(capsys):
    rows = many(backbones="ab")
    rows[0]["device"] = "a CPU"

    text, accuracy = (printed(capsys, matrices(rows, value=value)[0]) for value in ("throughput", "top1"))

    assert "not measured alike, and not comparable: a CPU, fp16, 8 / a GPU, fp16, 8" in " ".join(text.split())
    assert "not measured alike" not in accuracy


def test_a_figure_of_a_disturbed_machine_is_marked_never_the_best_and_so_is_a_mean_of_it(capsys):
    rows = many(backbones="abc", datasets=("elpv", "cub"), settings=("cal",))
    # The first backbone is the fastest; its throughput on cub is doubtful, its latency is not.
    rows[1]["unsteady"] = ["throughput"]

    [throughput], [latency] = (matrices(rows, value=value) for value in ("throughput", "latency"))

    assert throughput.rows == ["A", "B", "C", "mean"]
    assert throughput.doubtful == [[False, True, True]] + [[False] * 3] * 2 + [[False, True, True]]
    assert throughput.best == [[True, False, False], [False, True, True], [False] * 3, [False] * 3]
    text = printed(capsys, throughput)
    assert " ".join(next(line for line in text.splitlines() if line.startswith("A ")).split()) == "A 125* 125~ 125~"
    assert "~ measured on a disturbed machine, and not compared" in text
    assert "| 125~ |" in markdown(throughput)
    assert not any(map(any, latency.doubtful))


def test_throughput_end_to_end_is_a_table_of_its_own():
    [matrix] = matrices([cell(throughput_end_to_end=12.34)], value="end_to_end")

    assert (matrix.title, matrix.texts) == ("finetuned, 96 px: images/s end to end", [["12.3"]])


def test_training_is_of_the_epochs_or_of_the_whole_job():
    [epochs], [job] = (matrices([cell(gmacs=4)], value=value) for value in ("training", "training_job"))

    assert (epochs.title, epochs.texts) == ("finetuned, 96 px: hours of training, the epochs alone", [["1.00"]])
    assert (job.title, job.texts) == ("finetuned, 96 px: hours of training, the whole job", [["1.20"]])


def test_long_and_odd_names_stay_within_80_columns(capsys):
    names = ("vit_base_patch16_siglip_gap_512.webli_and_then_some", "n" * 70, "a|b")
    [matrix] = matrices(many(backbones=names))

    text = printed(capsys, matrix, width=80)

    assert max(map(len, text.splitlines())) <= 80
    assert "".join(text.lower().split()).count("n" * 30) == 2
    assert "| A\\|B |" in markdown(matrix)


def test_of_costs_the_lowest_is_the_best():
    rows = [cell(backbone=name, gmacs=gmacs, pretraining="") for name, gmacs in (("small", 0.4), ("large", 15.47))]

    [macs] = matrices(rows, value="macs")
    [throughput] = matrices(rows, value="throughput")

    for matrix in (macs, throughput):
        assert (matrix.rows, matrix.columns) == (["Small", "Large", "mean"], ["elpv"])
        assert matrix.best == [[True], [False], [False]]
    assert macs.texts[:2] == [["0.400"], ["15.5"]]


def test_two_backbones_of_one_title_are_told_apart_by_their_pretraining():
    same = {"backbone_title": "Swin-B"}
    rows = [cell(backbone="swin_22k", pretraining="ImageNet-22k", **same)]
    rows += [cell(backbone="swin_1k", pretraining="ImageNet-1k", **same)]

    assert matrices(rows)[0].rows[:2] == ["Swin-B (ImageNet-22k)", "Swin-B (ImageNet-1k)"]
    rows += [cell(backbone="swin_mine", pretraining="ImageNet-1k", **same)]
    assert matrices(rows)[0].rows[:3] == ["Swin-B (ImageNet-22k)", "Swin-B (swin_1k)", "Swin-B (swin_mine)"]


def test_a_table_wider_than_the_terminal_comes_in_parts(capsys):
    rows = [cell(backbone=f"net{b}", dataset=f"set{d}") for b in range(20) for d in range(20)]

    text = printed(capsys, matrices(rows)[0], width=80)

    assert max(map(len, text.splitlines())) <= 80
    assert len(re.findall(r"^set7 ", text, re.MULTILINE)) > 1
    assert all(len(re.findall(rf"\bNet{b}\b", text)) == 1 for b in range(20))


def test_wrong_names_are_answered_with_the_nearest(published):
    with pytest.raises(FgirError, match='no setting "call"; did you mean "cal"'):
        matrices(published, "call")
    with pytest.raises(FgirError, match='cannot show "throughputs"; did you mean "throughput"'):
        matrices(published, value="throughputs")
    with pytest.raises(FgirError, match="throughput is null in every cell"):
        matrices(published, value="throughput")


def test_the_verb_prints_markdown(tmp_path, capsys):
    write_rows("summary", [cell(), cell("cal")], tmp_path / "summary.parquet")

    main(["matrix", str(tmp_path / "summary.parquet"), "--setting", "cal", "--markdown"])

    assert capsys.readouterr().out.startswith("## cal, 96 px: top-1, %\n\n| dataset | Lite0 |\n|---|--:|\n| elpv |")


def test_the_verb_shows_chosen_datasets_and_sizes(tmp_path, capsys):
    summary = tmp_path / "summary.parquet"
    write_rows("summary", many(datasets=("elpv", "cub"), sizes=((96, 96), (96, 128))), summary)

    main(["matrix", str(summary), "--dataset", "cub", "--size", "96-128"])

    assert capsys.readouterr().out.split("\n")[1] == "Lite0, 96→128 px: top-1, %"
    with pytest.raises(SystemExit, match=r'There is no size "96→128" in the summary; it has 96, 96-128\.'):
        main(["matrix", str(summary), "--size", "96→128"])
