"""The printed table: what a user sees of it."""

import io
import re

import pytest
from summary_cells import cell, cells

from fgir.report.tables.show import show
from fgir.utils.errors import FgirError

LONG_TAG = "vit_base_patch16_224.augreg_in21k_ft_in1k"


def printed(rows, encoding="utf-8", **options) -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    show(rows, file=stream, **({"width": 100} | options))
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)


def line_of(text: str, *words: str) -> str:
    (line,) = [line for line in text.splitlines() if all(word in line.split() for word in words)]
    return line


def test_cells_are_ranked_by_accuracy_and_show_their_figures():
    text = printed(cells({"lite0": 0.4}))

    ranks = re.findall(r"^ *(\d+) [★ ] lite0 +(\w+)", text, re.MULTILINE)
    assert ranks == [
        ("1", "calmix"),
        ("2", "calmix_nc"),
        ("3", "cal"),
        ("4", "cal_nc"),
        ("5", "finetuned"),
        ("6", "frozen"),
    ]
    # top-1 and its deviation, class mean, GMACs, images/s, ms, minutes of training, GB
    assert " ".join(line_of(text, "calmix").split()[2:]) == "lite0 calmix 71.9 ±0.6 66.9 3.20 125 11.6 6.00 0.512"


def test_the_pareto_front_is_marked():
    rows = cells({"lite0": 0.4})
    text = printed(rows)

    marked = {row["setting"] for row in rows if "★" in line_of(text, row["setting"])}
    assert marked == {row["setting"] for row in rows if row["pareto"]} == {"calmix", "calmix_nc"}


def test_columns_and_signs_without_any_figure_are_left_out():
    unmeasured = {"class_mean": None, "macs_image": None, "throughput": None, "latency": None, "inference_memory": None}
    text = printed([cell("cal", train_hours=None, **unmeasured), cell("frozen", train_hours=None, **unmeasured)])

    assert line_of(text, "backbone").split() == ["backbone", "setting", "top-1", "%"]
    assert "Pareto" not in text


def test_a_random_backbone_stands_out():
    text = printed([cell(), cell(backbone="resnet18", weights="none (random)")])

    assert "resnet18 random!" in text
    assert "lite0 random!" not in text
    assert "random!: the backbone is not pretrained" in text


def test_a_failed_cell_comes_last_without_a_rank_and_says_why():
    failed = cell("calmix", top1=None, top1_std=None, top1_fold_std=None, throughput=None, seeds_ok=0)
    failed |= {"status": "diverged", "error": "seed 1: the loss was not finite."}
    text = printed([failed, cell("frozen")])

    assert line_of(text, "frozen").split()[0] == "1"
    assert re.match(r"^ +lite0 +calmix +diverged +0/3 ", line_of(text, "lite0", "diverged", "0/3"))
    assert text.index("frozen") < text.index("calmix")
    assert "diverged: lite0 calmix 96: seed 1: the loss was not finite." in text
    assert "–" in line_of(text, "lite0", "diverged", "0/3")


def test_many_troubles_are_counted_not_listed():
    failed = {"top1": None, "status": "diverged"}
    text = printed([cell(backbone=f"net{number}", error=f"seed {number}.", **failed) for number in range(9)])

    assert text.count("96: seed ") == 5
    assert "and 4 more cells: see the column error of the summary" in text


def test_cells_with_the_same_trouble_are_gathered_in_one_line():
    cause = "manifest: b.png is empty; replace it"
    failed = {"top1": None, "status": "missing"}
    waiting = [cell(backbone=f"net{number}", error=f"{cause}; no MACs, timing.", **failed) for number in range(7)]
    costed = [cell(backbone=f"net{number}", error=f"{cause}; no timing.", **failed) for number in range(7, 12)]
    text = printed([*waiting, *costed, cell("cal", error="no timing.", **failed)])

    assert f"12 cells missing: {cause}." in text.splitlines()
    assert "missing: lite0 cal 96: no timing." in text.splitlines()
    assert text.count("missing:") == 2


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_longer_than_the_terminal_but_for_a_path(width):
    path = f"/home/{'someone/' * 20}b.png"
    failed = {"top1": None, "status": "missing", "error": f"manifest: {path} is empty; replace it; no timing."}
    edge = {"learning_rate_edge": "high", "timing_status": "unsteady", "timing_error": "the load was 9. " * 9}
    rows = [cell(backbone=LONG_TAG, **edge, unsteady=["throughput"]), cell("cal", LONG_TAG), cell("calmix", **failed)]

    lines = printed(rows, width=width).splitlines()

    assert path in lines
    assert max(len(line) for line in lines if line != path) <= width


def test_deviations_over_seeds_and_over_folds_are_told_apart():
    text = printed([cell("cal"), cell("frozen", top1_std=None)])

    assert "±0.6s" in line_of(text, "cal")
    assert "±0.3f" in line_of(text, "frozen")
    assert "±s sample deviation over seeds" in text
    assert "±f deviation over 10 folds" in text


def test_one_kind_of_deviation_needs_no_letter():
    text = printed([cell("frozen", top1_std=None)])

    assert "±0.3 " in line_of(text, "frozen")
    assert "± deviation over 10 folds" in text


def test_sizes_are_shown_where_they_vary_only():
    assert "size" not in printed([cell("cal"), cell("frozen")])
    assert "96→128" in printed([cell("cal"), cell("cal", test_size=128)])


def test_the_conditions_of_the_timing_are_named():
    assert "measured on a GPU, fp16, batch 8; ms at batch 1" in printed([cell()])


def with_edges(rows):
    edges = {"cal": "highest", "cal_nc": "highest", "frozen": "lowest"}
    return [row | {"learning_rate_edge": edges.get(row["setting"])} for row in rows]


def test_learning_rates_at_the_edge_of_their_candidates_are_named_once_a_training():
    text, many = (printed(with_edges(cells(nets))) for nets in ({"lite0": 0.4}, {"lite0": 0.4, "vit": 17, "van": 3}))

    assert "learning rate at the edge of its candidates, a better one may lie beyond: " in " ".join(text.split())
    assert "lite0 cal (highest), lite0 frozen (lowest); see fgir tuning" in " ".join(text.split())
    assert "and 3 more; see fgir tuning" in " ".join(many.split())
    assert "edge" not in printed(cells({"lite0": 0.4}))


SHAKEN = {
    "timing_status": "unsteady",
    "unsteady": ["throughput"],
    "timing_error": "336 images/s (quartiles 110 to 460 of 5 rounds); load at the start 1.6 a core.",
}


def test_an_unsteady_figure_is_marked_and_the_note_says_how_far_it_is_to_be_trusted():
    text = printed([cell("cal", throughput=336.0, **SHAKEN), cell("frozen", throughput=700.0)])

    table = text[: text.index("± sample")]
    assert "336~" in line_of(table, "cal").split()
    # the latency of the same timing was steady
    assert table.count("~") == 1
    assert "700" in line_of(table, "frozen").split()
    folded = " ".join(text.split())
    assert "~ measured on a disturbed machine. To measure again: delete timing.parquet" in folded
    assert "unsteady: lite0 cal 96: 336 images/s (quartiles 110 to 460 of 5 rounds)" in folded


def test_without_unsteady_figures_there_is_no_word_of_them():
    text = printed([cell("cal", timing_status="ok", unsteady=[])])

    assert "~" not in text
    assert "disturbed" not in text


@pytest.mark.parametrize(
    ("sort", "ranks"), [("throughput", ["1", None]), ("top1", ["2", "1"]), ("latency", ["1", "2"])]
)
def test_an_unsteady_figure_is_not_ranked_among_steady_ones(sort, ranks):
    fast = cell("cal", throughput=9000.0, latency=50.0, **SHAKEN)
    text = printed([fast, cell("frozen", throughput=100.0, latency=10.0)], sort=sort)

    table = text[: text.index("± sample")]
    starts = [re.match(r"^ *(\d+)?", line_of(table, setting))[1] for setting in ("frozen", "cal")]
    assert starts == ranks
    note = "not ranked, and after the others" in " ".join(text.split())
    assert note == (sort == "throughput")


def test_many_unsteady_timings_are_counted_and_a_shared_one_is_told_once():
    rows = [cell("frozen", backbone=f"net{n}", **SHAKEN | {"timing_error": f"{n} ms."}) for n in range(9)]
    rows += [cell("finetuned", backbone="net0", **SHAKEN | {"timing_error": "0 ms."})]
    text = printed(rows)

    assert text.count("unsteady: ") == 5
    assert text.count("0 ms.") == 1
    assert "and 4 more timings: see the column timing_error of the summary" in text


def test_throughput_end_to_end_is_shown_where_it_was_measured():
    rows = [cell("cal", throughput_end_to_end=55.5), cell("frozen")]

    assert "55.5" in line_of(printed(rows), "cal").split()
    assert "end to" not in printed([cell("cal")])
    assert "not shown for want of width: end to end /s" in printed(rows, width=60).replace("\n", " ")


def test_chance_and_dataset_head_the_table():
    assert "Solar cells (elpv): 8 classes, chance 12.5 %" in printed([cell()])


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_line_is_wider_than_the_terminal_and_no_figure_is_cut(width, encoding):
    rows = cells({LONG_TAG: 17.56, "tf_efficientnet_lite0": 0.074}, seeds_ok=2)
    rows.append(cell("frozen", LONG_TAG, 17.56, test_size=128, weights="none (random)", top1_std=None))
    text = printed(rows, encoding, width=width)

    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    plus_minus = "±" if encoding == "utf-8" else "+-"
    assert (
        sum(bool(re.search(rf"\d\d\.\d {re.escape(plus_minus)}\d\.\d[sf] +2/3 ", line)) for line in text.splitlines())
        == 12
    )
    unfolded = "".join(re.findall(r"[\w.]+", text))
    assert "tf_efficientnet_lite0" in unfolded


def test_columns_left_out_of_a_narrow_table_are_named():
    rows = cells({"tf_efficientnet_lite0": 0.074}, seeds_ok=2)

    assert "not shown for want of width: class mean" in printed(rows, width=80)
    assert "not shown" not in printed(rows, width=120)


def test_without_a_terminal_the_output_is_plain_and_100_wide(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    show(cells({LONG_TAG: 17.56}))

    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert 80 < max(map(len, text.splitlines())) <= 100


def test_columns_of_the_environment_set_the_width(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    show(cells({LONG_TAG: 17.56}))

    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("sort", "first"),
    [("macs", "frozen"), ("top1", "calmix"), ("class_mean", "calmix"), ("latency", "frozen"), ("throughput", "frozen")],
)
def test_the_table_can_be_sorted(sort, first):
    rows = [cell("calmix"), cell("frozen")]

    assert line_of(printed(rows, sort=sort), first).split()[0] == "1"


def test_a_dataset_can_be_chosen():
    rows = [cell(), cell(dataset="cub", dataset_title="Birds")]
    text = printed(rows, dataset="cub")

    assert "Birds (cub)" in text
    assert "Solar cells" not in text


def test_wrong_names_are_answered_with_the_nearest():
    with pytest.raises(FgirError, match='no dataset "elpw"; did you mean "elpv"'):
        printed([cell()], dataset="elpw")
    with pytest.raises(FgirError, match='sorted by "latncy"; did you mean "latency"'):
        printed([cell()], sort="latncy")
