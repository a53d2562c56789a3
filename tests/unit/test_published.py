"""Published accuracies: the committed file, files of one's own, and the page that is made of them."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fgir.cli.main import main
from fgir.report.published_page import page
from fgir.results.columns import TABLES
from fgir.results.published import as_summary, by_cell, of_source, read_published
from fgir.study import Cell, load_study
from fgir.utils.errors import FgirError

ROOT = Path(__file__).parents[2]
ACCURACIES = Path("config/published/arxiv-2605.18700.csv")
HEADER = "dataset,backbone,setting,train_size,test_size,top1,seeds,source\n"
LINE = "cub,resnet101,cal,224,224,86.23,3,a paper\n"


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture
def write(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "published.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_the_committed_file_has_a_value_for_every_cell_of_the_published_study():
    study = load_study("config/config.yaml")
    published = by_cell(read_published(study.published_file))

    matrix = [cell for cell in study.cells() if not cell.setting.startswith("calmix")]
    assert len(matrix) == 17 * 9 * 4
    assert set(matrix) <= published.keys()
    assert all(published[cell].seeds == 1 for cell in matrix if cell.setting == "cal_nc")
    assert all(published[cell].seeds > 1 for cell in matrix if cell.setting != "cal_nc")


def test_accuracies_said_to_be_of_one_seed_are_whole_numbers_of_test_images_and_means_are_not():
    images = {"cotton": 240, "soylocal": 600, "moe": 2943, "aircraft": 3333, "pets": 3669}

    whole = Counter()
    for row in read_published(ACCURACIES):
        if row.dataset in images:
            count = row.top1 / 100 * images[row.dataset]
            # Accuracies are rounded to two decimals.
            whole[row.seeds, abs(count - round(count)) <= 0.00501 / 100 * images[row.dataset]] += 1

    assert whole[1, False] == 0
    assert whole[1, True] == 5 * 9 + 3 * 16 - 16  # cotton, moe and pets are not in Table 3, cub and soygene not here
    assert whole[3, False] > 2 * whole[3, True]


def test_of_two_sources_of_a_cell_the_later_stands():
    rows = read_published(ACCURACIES)
    cell = Cell("cub", "vgg19_bn", "cal_nc", 224, 224)

    assert [row.top1 for row in rows if row.cell == cell] == [78.10, 83.03]
    assert by_cell(rows)[cell].top1 == 83.03
    assert by_cell(of_source(rows, "november 2023"))[cell].top1 == 78.10


def test_a_source_that_does_not_exist_is_answered_with_those_that_do(write):
    with pytest.raises(FgirError, match="the sources are: a paper"):
        of_source(read_published(write(HEADER + LINE)), "Table 9")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (HEADER + LINE.replace(",cal,", ",call,"), 'line 2: there is no setting "call"; did you mean "cal"'),
        (HEADER + LINE + LINE.replace("86.23", "8623"), "line 3, top1: .* less than or equal to 100 .*8623"),
        (HEADER + LINE.replace("86.23", "nan"), "line 2, top1: .* finite number"),
        (HEADER + LINE.replace("86.23", ""), "line 2, top1: .* nothing"),
        (HEADER + LINE.replace("224,224", "224"), "line 2: 8 values are wanted"),
        (HEADER + LINE.replace(",3,", ",0,"), "line 2, seeds: .* greater than or equal to 1"),
        (HEADER.replace("seeds,", "") + LINE, "must have the columns dataset, backbone, .* and no others"),
        (HEADER + LINE + LINE.replace("86.23", "86.24"), "cub resnet101 cal 224 224 of a paper 2 times"),
        ("", "must have the columns"),
    ],
)
def test_a_wrong_file_is_one_sentence_with_its_line(write, text, sentence):
    with pytest.raises(FgirError, match=sentence) as error:
        read_published(write(text))

    assert "published.csv" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_text_or_is_not_there_is_one_sentence(write, tmp_path):
    with pytest.raises(FgirError, match=r"published\.csv line 2: byte 0xf6 is not in UTF-8; save"):
        read_published(write(HEADER + LINE.replace("a paper", "Größe"), encoding="latin-1"))
    with pytest.raises(FgirError, match=r"none\.csv \(published accuracies\) does not exist"):
        read_published(tmp_path / "none.csv")


def test_spreadsheets_files_are_read_with_their_byte_order_mark_and_line_ends(write):
    [row] = read_published(write((HEADER + LINE.replace(",3,", ",,")).replace("\n", "\r\n"), encoding="utf-8-sig"))

    assert (row.dataset, row.top1, row.seeds, row.source) == ("cub", 86.23, None, "a paper")


def test_the_verb_writes_a_typed_table_and_a_summary_that_every_reader_of_summaries_takes(tmp_path, capsys):
    table, summary, box = (tmp_path / name for name in ("table.parquet", "summary.parquet", "box.svg"))

    main(["published", "--out", str(table), "--summary", str(summary)])
    main(["show", str(summary), "--dataset", "cub"])
    main(["matrix", str(summary), "--setting", "cal"])
    main(["boxes", str(summary), "--out", str(box)])

    frame = pd.read_parquet(table)
    assert list(frame.columns) == [column.name for column in TABLES["published"]]
    assert len(frame) == 612 + 64
    assert frame.seeds.dtype == "int32"
    rows = pd.read_parquet(summary)
    assert len(rows) == 612 + 28  # the two sources share 36 cells
    assert not rows.duplicated(["dataset", "backbone", "setting", "train_size", "test_size"]).any()
    assert rows.throughput.isna().all()
    text = capsys.readouterr().out
    assert "612 accuracies, 17 datasets x 9 backbones x 4 settings" in text
    assert ": 200 classes, chance 0.5 %" in text
    assert "cal, 224 px: top-1, %" in text
    assert box.stat().st_size > 10_000


def test_files_of_another_kind_than_is_written_are_refused_before_anything_is(tmp_path):
    for option, name in (("--out", "x.csv"), ("--summary", "x.csv"), ("--document", "x.png")):
        with pytest.raises(SystemExit, match=rf"{name} cannot be written; name a file that ends in \.(parquet|md)"):
            main(["published", option, str(tmp_path / name)])

    assert list(tmp_path.iterdir()) == []


def test_a_dataset_that_the_catalogue_lacks_is_no_row_of_a_summary(write, tmp_path):
    rows = read_published(write(HEADER + LINE.replace("cub", "cubb")))

    with pytest.raises(FgirError, match='no dataset "cubb"; did you mean "cub"'):
        as_summary(rows)


def test_the_committed_page_is_what_the_code_makes(tmp_path):
    committed = (ROOT / "docs/published.md").read_text(encoding="utf-8")

    text = page(read_published(ACCURACIES), ACCURACIES, "published.png")

    assert text == committed, "run: fgir published --document docs/published.md"


def test_the_committed_box_plot_is_what_the_code_draws(tmp_path):
    main(["published", "--document", str(tmp_path / "published.md")])

    assert (tmp_path / "published.md").read_text() == (ROOT / "docs/published.md").read_text()
    drawn, committed = (
        np.asarray(Image.open(folder / "published.png").convert("L"), dtype=float)
        for folder in (tmp_path, ROOT / "docs")
    )
    # Other versions of matplotlib and its fonts move a pixel here and there.
    assert drawn.shape == committed.shape
    assert abs(drawn - committed).mean() < 3
    assert (tmp_path / "published.svg").read_text().startswith("<?xml")
