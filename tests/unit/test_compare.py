"""Ours against published: what is computed, and what a user sees of it."""

import io
import re
import statistics

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from summary_cells import cell

from fgir.cli.main import main
from fgir.report.tables.compare import compare, mean_differences
from fgir.report.tables.compare_show import show_comparison
from fgir.results.columns import TABLES
from fgir.results.parquet import write_rows
from fgir.utils.errors import FgirError

PUBLISHED = {"published_top1": 60.0, "published_seeds": 3, "published_source": "a paper"}


def ours(setting="cal", backbone="resnet101", **changes):
    return cell(setting, backbone, **(PUBLISHED | {"top1": 60.0, "top1_std": 0.5} | changes))


def printed(rows, encoding="utf-8", width=100, **options):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace")
    show_comparison(compare(rows), Console(file=stream, width=width), **options)
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)


def test_a_difference_beyond_two_deviations_of_the_two_means_is_outside():
    # 2 x 0.5 x sqrt(1/3 + 1/3) = 0.8165, and half a unit of the last digit
    within, beyond = compare([ours(top1=60.82), ours(top1=59.17)])

    assert within["explained"] == beyond["explained"] == pytest.approx(0.8165 + 0.005, abs=1e-4)
    assert (within["outside"], beyond["outside"]) == (False, True)
    assert (within["difference"], beyond["difference"]) == (pytest.approx(0.82), pytest.approx(-0.83))


def test_a_value_published_from_one_seed_leaves_more_unexplained():
    mean, single, unstated = compare([ours(), ours(published_seeds=1), ours(published_seeds=None)])

    assert single["explained"] - 0.005 == pytest.approx((mean["explained"] - 0.005) * np.sqrt(2))
    assert unstated["explained"] == single["explained"]


def test_seeds_that_lie_close_by_chance_take_the_deviation_pooled_over_dataset_and_setting():
    rows = [ours(top1_std=0.0), ours(backbone="vit", top1_std=0.6, seeds_ok=5), ours("frozen", top1_std=9.0)]
    rows.append(ours(dataset="cub", top1_std=9.0))

    close, wide = compare(rows)[:2]

    pooled = np.sqrt((2 * 0.0**2 + 4 * 0.6**2) / 6)
    assert close["seed_deviation"] == pytest.approx(pooled)
    assert wide["seed_deviation"] == 0.6


def test_one_seed_borrows_from_cells_with_several_and_without_any_there_is_no_verdict():
    alone = {"top1": 70.0, "top1_std": None, "seeds_ok": 1}
    borrowing, _, lone = compare([ours(**alone), ours(backbone="vit"), ours("frozen", **alone)])

    assert (borrowing["seed_deviation"], borrowing["outside"]) == (0.5, True)
    assert (lone["seed_deviation"], lone["explained"], lone["outside"]) == (None, None, None)


def test_seeds_that_agree_to_the_image_say_nothing_of_their_spread():
    [row] = compare([ours(top1=70.0, top1_std=0.0)])

    assert (row["seed_deviation"], row["outside"]) == (None, None)


def test_faithful_reproductions_are_seldom_outside_and_shifted_ones_are():
    generator = np.random.default_rng(7)
    rows = []
    for number in range(1000):
        seeds, published = 60 + generator.normal(0, 0.8, 3), 60 + generator.normal(0, 0.8, 3).mean()
        shift = 3.0 if number % 10 == 0 else 0.0
        mine = {"top1": seeds.mean() + shift, "top1_std": statistics.stdev(seeds)}
        rows.append(ours(backbone=f"net{number}", dataset=f"set{number // 9}", **mine, published_top1=published))

    outside = np.array([row["outside"] for row in compare(rows)]).reshape(-1, 10)

    assert outside[:, 1:].mean() < 0.05
    assert outside[:, 0].mean() > 0.9


def test_mean_differences_are_of_every_setting_and_backbone():
    rows = [ours("cal", "a", top1=61), ours("cal", "b", top1=63), ours("frozen", "a", top1=58)]

    assert mean_differences(compare(rows), "setting") == {("cal",): (2.0, 2), ("frozen",): (-2.0, 1)}
    assert mean_differences(compare(rows), "backbone") == {("a",): (-0.5, 2), ("b",): (3.0, 1)}
    assert mean_differences(compare(rows), "backbone", "setting")["a", "frozen"] == (-2.0, 1)
    text = printed(rows)
    assert re.search(r"^a +−2.00 +\+1.00 +−0.50 +2$", text, re.MULTILINE)
    assert re.search(r"^all +−2.00 +\+2.00 +\+0.67 +3 *$", text, re.MULTILINE)
    assert text.startswith("3 cells compared, mean difference +0.67 points\n3 of 3 outside what seeds explain")


def test_a_cell_shows_both_values_its_verdict_and_a_single_seed():
    text = printed([ours(top1=57.1, published_seeds=1), ours(backbone="vit", top1_std=None, setting="frozen")])

    assert re.search(r"^elpv +resnet101 +cal +57\.10 ±0\.50 +60\.00† +−2\.90 +±1\.16 outside", text, re.MULTILINE)
    assert re.search(r"^elpv +vit +frozen +60\.00 +60\.00 +\+0\.00 +\? *$", text, re.MULTILINE)
    assert "† published from a single seed" in text
    assert "?: no verdict, as no cell" in text
    assert "1 of 1 outside what seeds explain; 1 without a verdict" in text
    assert "published: a paper" in text


def test_a_learning_rate_at_the_edge_of_its_candidates_is_marked():
    text = printed([ours(top1=50, learning_rate_edge="highest"), ours("frozen", top1=50), ours("cal_nc")])

    assert re.search(r"^elpv +resnet101 +cal .* outside ‡$", text, re.MULTILINE)
    assert re.search(r"^elpv +resnet101 +frozen .* outside *$", text, re.MULTILINE)
    assert "‡ our learning rate is at the edge of its candidates: a better one may lie beyond" in text
    assert "‡" not in printed([ours()])


def test_of_many_cells_the_farthest_out_are_printed_and_all_on_demand():
    rows = [ours(backbone=f"net{number:02}", top1=60 + number, dataset=f"set{number}") for number in range(40)]

    text = printed(rows)

    cells = text[text.index("The 15 cells farthest out, of 40") :]
    assert re.findall(r"net(\d\d)", cells) == [f"{number}" for number in range(39, 24, -1)]
    assert "every cell: --all" in text
    assert len(re.findall(r"^set\d+ +net", printed(rows, everything=True), re.MULTILINE)) == 40
    assert re.findall(r"^set(\d+)", printed(rows, sort="study"), re.MULTILINE)[:3] == ["0", "1", "2"]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_line_is_wider_than_100_columns(encoding):
    names = ("swin_large_patch4_window7_224_in22k", "vit_base_patch16_224.augreg_in21k_ft_in1k")
    settings = ("frozen", "finetuned", "cal", "cal_nc", "calmix", "calmix_nc")
    rows = [ours(setting, name, dataset="soyageing") for name in names for setting in settings]
    rows += [row | {"test_size": 384} for row in rows]

    text = printed(rows, encoding)

    assert max(map(len, text.splitlines())) <= 100
    assert "…" not in text
    assert "224_in22k" in text


def test_long_names_fold_and_leave_every_figure_whole_at_80_columns():
    row = ours("calmix_nc", "b" * 60, dataset="d" * 60, top1=71.81, published_seeds=1, learning_rate_edge="highest")

    text = printed([row, row | {"test_size": 128}], width=80)

    assert max(map(len, text.splitlines())) <= 80
    cells = text[text.index("Every cell") :]
    figures = r"71\.81 ±0\.50 60\.00† +\+11\.81 outside ‡$"
    for size in ("96", "96→128"):
        assert re.search(rf"^d+ +b+ +calmix_nc +{size} {figures}", cells, re.MULTILINE)
    assert "not shown for want of width: how much seeds explain" in text
    assert cells.count("d") >= 2 * 60
    assert "percentage points, over the sizes 96, 96→128" in " ".join(text.split())


def test_what_seeds_explain_is_a_column_where_there_is_room():
    row = ours("calmix_nc", "b" * 60, dataset="d" * 60, top1=71.81, published_seeds=1, learning_rate_edge="highest")

    text = printed([row, row | {"test_size": 128}], width=100)

    assert "±1.16" in text
    assert "not shown" not in text
    assert "over the sizes" not in printed([row, row])


def test_without_published_values_one_sentence_says_what_to_do():
    with pytest.raises(FgirError, match="name a file of them as published_file in the study"):
        compare([cell()])
    with pytest.raises(FgirError, match="no cell with a published accuracy has one of its own yet"):
        compare([ours(top1=None)])
    with pytest.raises(FgirError, match='sorted by "exces"; did you mean "excess"'):
        printed([ours()], sort="exces")


def test_the_verb_prints_and_writes_a_typed_table(tmp_path, capsys):
    summary, out = tmp_path / "summary.parquet", tmp_path / "comparison.parquet"
    write_rows("summary", [ours(), ours(dataset="cub", top1=70), cell()], summary)

    main(["compare", str(summary), "--dataset", "cub", "--out", str(out)])

    assert "1 cell compared, mean difference +10.00 points" in capsys.readouterr().out
    frame = pd.read_parquet(out)
    assert list(frame.columns) == [column.name for column in TABLES["comparison"]]
    assert frame.dataset.tolist() == ["elpv", "cub"]
    assert frame.outside.tolist() == [False, True]


def test_a_dataset_that_is_not_there_is_answered_with_the_nearest(tmp_path):
    write_rows("summary", [ours()], tmp_path / "summary.parquet")

    with pytest.raises(SystemExit, match=r"x\.csv cannot be written; name a file that ends in \.parquet"):
        main(["compare", str(tmp_path / "summary.parquet"), "--out", str(tmp_path / "x.csv")])
    with pytest.raises(SystemExit, match='no dataset "elpw"; did you mean "elpv"'):
        main(["compare", str(tmp_path / "summary.parquet"), "--dataset", "elpw"])
