"""Resolution in a summary: the grids of train and test sizes, the budgets, and their figure."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from summary_cells import cell

from fgir.cli.main import main
from fgir.report.figures.resolution import draw_resolution
from fgir.report.tables.resolution import blocks, budgets, chosen, grids, standard_error
from fgir.report.tables.resolution_show import show_resolution
from fgir.results.parquet import write_rows
from fgir.utils.errors import FgirError

# (train size, test size): top-1, as trained and after an adaptation.
PLAIN = {(96, 96): 60.0, (96, 128): 62.0, (96, 192): 50.0, (128, 96): 55.0, (128, 128): 63.0, (128, 192): 64.0}
ADAPTED = {(96, 128): 63.5, (96, 192): 61.0, (128, 128): 63.2, (128, 192): 66.0}


def row(train: int, test: int, top1: float | None, **changes: Any) -> dict[str, Any]:
    return cell(gmacs=(test / 100) ** 2, train_size=train, test_size=test, top1=top1, test_images=2500, **changes)


def rows(**changes: Any) -> list[dict[str, Any]]:
    plain = [row(*sizes, top1, **changes) for sizes, top1 in PLAIN.items()]
    return plain + [row(*sizes, top1, adaptation="classifier_bn", **changes) for sizes, top1 in ADAPTED.items()]


def printed(capsys: pytest.CaptureFixture, some: list[dict[str, Any]], width: int = 80) -> str:
    show_resolution(chosen(some), Console(width=width))
    text: str = capsys.readouterr().out
    return text


def test_the_best_test_size_of_each_train_size_is_marked_before_and_after_adaptation() -> None:
    [grid] = grids(chosen(rows()))

    plain, adapted = blocks(grid)

    assert (plain.columns, plain.rows) == (["96", "128"], ["96", "128", "192"])
    assert plain.texts == [["60.0 ±0.6", "55.0 ±0.6"], ["62.0 ±0.6", "63.0 ±0.6"], ["50.0 ±0.6", "64.0 ±0.6"]]
    assert plain.best == [[False, False], [True, False], [False, True]]
    assert "gain over testing at the train size: 96 px +2.0, 128 px +1.0" in plain.notes
    assert adapted.title.startswith("adaptation classifier_bn")
    assert adapted.best == [[True, False], [False, True]]


def test_a_cell_without_accuracy_is_a_gap_and_never_the_best() -> None:
    some = [row(96, 96, 60.0), row(96, 128, None), row(96, 192, 61.0)]

    [table] = blocks(grids(chosen(some))[0])

    assert [texts for [texts] in table.texts] == ["60.0 ±0.6", "–", "61.0 ±0.6"]
    assert [marked for [marked] in table.best] == [False, False, True]


def test_no_gain_is_said_where_the_train_size_itself_is_among_the_best() -> None:
    [table] = blocks(grids(chosen([row(96, 96, 60.0), row(96, 128, 60.0), row(96, 192, 50.0)]))[0])

    assert [marked for [marked] in table.best] == [True, True, False]
    assert not any("gain" in note for note in table.notes)


def test_every_backbone_setting_and_kind_of_crops_is_a_grid_with_its_title(capsys: pytest.CaptureFixture) -> None:
    some = [*rows(), *rows(backbone="big", backbone_title="Big"), *rows(setting="cal_nc")]
    named = chosen(some) + [line | {"crops": "fixres"} for line in chosen(rows())]

    assert [grid.title for grid in grids(named)] == [
        "Lite0 on elpv, finetuned",
        "Big on elpv, finetuned",
        "Lite0 on elpv, cal_nc",
        "Lite0 on elpv, finetuned, fixres crops",
    ]


def test_of_random_resized_crops_the_size_is_said_at_which_objects_appear_as_in_training() -> None:
    square, fixres = ([line | {"crops": crops} for line in rows()] for crops in ("square", "fixres"))

    notes = [blocks(grids(chosen(some))[0])[0].notes for some in (square, fixres)]

    assert "objects appear as large as in training at: 96 px 119, 128 px 158" in notes[1]
    assert not any("appear" in note for note in notes[0])


def test_with_one_test_size_a_sentence_says_what_to_add_to_the_study() -> None:
    with pytest.raises(FgirError, match=r"at one size alone \(96 px\); name more as test_sizes .* \[96, 128\]"):
        grids(chosen([row(96, 96, 60.0)]))


def test_where_nothing_is_measured_yet_the_grid_and_the_figure_are_empty_and_no_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    some = [row(96, size, None) for size in (96, 128)]

    assert "No cell has an accuracy yet; see fgir show." in printed(capsys, some)
    draw_resolution(chosen(some), [tmp_path / "empty.svg"])
    assert (tmp_path / "empty.svg").stat().st_size > 1000


def test_a_budget_names_the_most_accurate_choice_that_it_can_pay() -> None:
    macs, latency = budgets(chosen(rows()))

    best = [(line["train_size"], line["test_size"], line["adaptation"]) for line in macs.rows]
    assert best == [(96, 96, "none"), (96, 128, "classifier_bn"), (128, 192, "classifier_bn")]
    assert [line["macs_image"] / 1e9 for line in macs.rows] == pytest.approx([0.9216, 1.6384, 3.6864])
    assert [line["top1"] for line in latency.rows] == [60.0, 63.5, 66.0]


def test_what_a_disturbed_machine_gave_does_not_compete_and_is_counted(capsys: pytest.CaptureFixture) -> None:
    some = [line | {"unsteady": ["latency"] * (line["test_size"] == 192)} for line in rows()]

    _, latency = budgets(chosen(some))

    assert max(line["test_size"] for line in latency.rows) == 128
    assert "left out, as measured on a disturbed machine: 4" in " ".join(printed(capsys, some).split())


def test_latencies_of_several_devices_are_said_not_to_compare() -> None:
    _, latency = budgets(chosen([*rows(), row(96, 64, 70.0, device="a CPU")]))

    assert latency.notes == ["not measured alike, and not comparable: a CPU, fp16, 8 / a GPU, fp16, 8"]


def test_the_standard_error_is_that_of_a_share_of_the_test_images() -> None:
    assert standard_error(row(96, 96, 50.0)) == pytest.approx(100 * (0.25 / 2500) ** 0.5)
    assert standard_error(row(96, 96, 50.0) | {"test_images": None}) is None


def test_what_is_printed_fits_80_columns_whatever_names_there_are(capsys: pytest.CaptureFixture) -> None:
    names = ("resnext101_32x32d_wsl", "swin_base_patch4_window7_224_in22k")
    some = [
        row(train, test, 50.0 + test / 10, backbone=name, backbone_title=name, setting=setting, adaptation=adaptation)
        for name in names
        for setting in ("finetuned", "calmix_nc")
        for adaptation in ("none", "classifier_bn_statistics")
        for train in range(96, 416, 32)
        for test in (64, 224)
    ]

    text = printed(capsys, some)

    assert max(map(len, text.splitlines())) <= 80
    assert all(f"{size}" in text for size in range(96, 416, 32))


def test_the_verb_takes_filters_draws_and_names_what_there_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    summary, picture = tmp_path / "summary.parquet", tmp_path / "resolution.svg"
    write_rows("summary", rows(), summary)

    main(["resolution", str(summary), "--adaptation", "none", "--out", str(picture), str(picture.with_suffix(".png"))])

    text = capsys.readouterr().out
    assert "not adapted" in text
    assert "classifier_bn" not in text
    assert f"Drawn: {picture}" in text.replace("\n", " ")
    assert picture.read_text().startswith("<?xml")
    with pytest.raises(SystemExit, match='no adaptation "classifier" in the summary; did you mean "classifier_bn"'):
        main(["resolution", str(summary), "--adaptation", "classifier"])
    with pytest.raises(SystemExit, match=r"x\.jpg cannot be drawn"):
        main(["resolution", str(summary), "--out", "x.jpg"])


def test_the_stage_draws_the_summary_file_whatever_runs_meanwhile(tmp_path: Path) -> None:
    summary, picture = tmp_path / "summary.parquet", tmp_path / "elpv.svg"
    write_rows("summary", rows(), summary)
    # A run that has just begun: people then see what is done so far.
    (tmp_path / ".running.json").write_text("{}")

    main(["resolution_figure", "--summary", str(summary), "--dataset", "elpv", "--out", str(picture)])

    assert picture.stat().st_size > 10_000
    with pytest.raises(SystemExit, match='no dataset "cub" in the summary'):
        main(["resolution_figure", "--summary", str(summary), "--dataset", "cub", "--out", str(picture)])


def test_the_figure_is_the_same_bytes_each_time_and_has_a_line_for_each_size_and_state(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.svg", "b.svg")]
    for file in files:
        assert draw_resolution(chosen(rows()), [file]) is None

    assert files[0].read_bytes() == files[1].read_bytes()
    drawn = files[0].read_text()
    # Dashes are of the adapted state alone, once for each train size and panel, and once in the legend.
    assert drawn.count("stroke-dasharray: ") >= 2 * 3 + 1


def test_a_figure_of_very_many_grids_draws_the_first_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fgir.report.figures.resolution._ROWS", 1)
    many = [line for dataset in ("one", "two") for line in rows(dataset=dataset)]

    note = draw_resolution(chosen(many), [tmp_path / "many.svg"])

    assert note == "Drawn are 1 of 2 tables; name some with --dataset, --backbone or --setting."
