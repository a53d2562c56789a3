"""Tables: their documentation, and how they are written and read."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fgir.results.aggregate import cell_row
from fgir.results.columns import SCHEMA, TABLES, Column, columns_markdown
from fgir.results.parquet import (
    arrow_schema,
    read_row,
    read_rows,
    read_table,
    table_of,
    write_rows,
    write_table,
)
from fgir.specs import SummarySpec, parse
from fgir.utils.errors import FgirError

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parents[1] / "golden"
ROW = {"backbone": "lite0", "setting": "cal", "test_size": 96, "macs_image": 2**40, "uncounted_ops": ["aten::fft"]}


def test_the_page_of_columns_is_up_to_date():
    assert (ROOT / "docs/columns.md").read_text() == columns_markdown(), "run: fgir columns > docs/columns.md"


@pytest.mark.parametrize("table", TABLES)
def test_every_column_has_a_name_of_its_own_a_type_and_a_meaning(table):
    names = arrow_schema(table).names

    assert len(set(names)) == len(names)
    assert all(column.doc for column in TABLES[table])
    assert all(f"| `{column.name}` | {column.type} | {column.doc} |" in columns_markdown() for column in TABLES[table])


@pytest.mark.parametrize("copies", [1, 3])
def test_rows_come_back_as_written_with_nulls_for_what_was_absent(tmp_path, copies):
    write_rows("macs", [ROW] * copies, tmp_path / "macs.parquet")

    rows = read_rows("macs", tmp_path / "macs.parquet")

    empty = dict.fromkeys(arrow_schema("macs").names)
    assert rows == [empty | ROW] * copies


def test_the_file_itself_says_what_its_columns_mean(tmp_path):
    write_rows("macs", [ROW], tmp_path / "macs.parquet")

    field = pq.read_schema(tmp_path / "macs.parquet").field("macs_image")

    assert field.type == pa.int64()
    assert field.metadata[b"doc"] == b"multiply-adds an image: macs_view x views"


def test_a_key_that_is_no_column_is_refused():
    with pytest.raises(ValueError, match=r"table macs has no columns \['flops'\]"):
        table_of("macs", [{"backbone": "lite0", "flops": 1}])


def test_a_value_of_the_wrong_type_is_refused_and_leaves_no_file(tmp_path):
    with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError)):
        write_rows("macs", [{"macs_image": "many"}], tmp_path / "macs.parquet")

    assert list(tmp_path.iterdir()) == []


def test_a_failure_while_writing_keeps_the_file_that_was_there(tmp_path, monkeypatch):
    path = tmp_path / "macs.parquet"
    write_rows("macs", [ROW], path)
    before = path.read_bytes()

    def half_a_file(content, where, **options):
        Path(where).write_bytes(before[:50])
        raise OSError("the machine went away")

    monkeypatch.setattr(pq, "write_table", half_a_file)
    with pytest.raises(OSError, match="the machine went away"):
        write_table(table_of("macs", [ROW, ROW]), path)

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_reading_a_missing_file_says_how_to_build_it(tmp_path):
    with pytest.raises(FgirError, match=r"summary\.parquet does not exist; build it with: snakemake"):
        read_table("summary", tmp_path / "summary.parquet")


@pytest.mark.parametrize("keep", [0, 3, 200, -1])
def test_reading_a_damaged_file_names_it(tmp_path, keep):
    path = tmp_path / "macs.parquet"
    write_rows("macs", [ROW], path)
    path.write_bytes(path.read_bytes()[:keep])

    with pytest.raises(FgirError, match=r"macs\.parquet is not a whole Parquet file .*delete it and rerun"):
        read_table("macs", path)


def test_damage_inside_a_whole_file_is_not_a_crash(tmp_path):
    path = tmp_path / "macs.parquet"
    write_rows("macs", [ROW] * 500, path)
    content = bytearray(path.read_bytes())
    content[4:400] = bytes(396)
    path.write_bytes(content)

    with pytest.raises(FgirError, match=r"macs\.parquet is not a whole Parquet file"):
        read_table("macs", path)


def test_reading_a_table_of_another_shape_is_refused(tmp_path):
    write_table(
        arrow_schema("macs").empty_table().drop_columns(["views"]).replace_schema_metadata(), tmp_path / "macs.parquet"
    )

    with pytest.raises(FgirError, match=r"does not have the columns of table macs"):
        read_table("macs", tmp_path / "macs.parquet")


def grow(monkeypatch, table, *columns):
    monkeypatch.setitem(TABLES, table, (*columns[:1], *TABLES[table], *columns[1:]))
    arrow_schema.cache_clear()


@pytest.fixture(autouse=True)
def _todays_schemas():
    yield
    arrow_schema.cache_clear()


@pytest.mark.parametrize("table", TABLES)
def test_columns_that_are_newer_than_a_file_read_as_null(tmp_path, monkeypatch, table):
    write_table(table_of(table, [{}]), tmp_path / "old.parquet")
    before = read_row(table, tmp_path / "old.parquet")

    grow(monkeypatch, table, Column("new_first", "float64", "new"), Column("new_last", "string[]", "new"))

    assert read_row(table, tmp_path / "old.parquet") == {"new_first": None, **before, "new_last": None}


def test_a_results_folder_of_an_earlier_version_is_still_a_table(monkeypatch):
    spec = parse(SummarySpec, (GOLDEN / "summary.json").read_text().replace("RESULTS", str(GOLDEN / "results")))
    kept = {cell.setting: cell_row(cell, Path(spec.results)) for cell in spec.cells()}
    tables = ("metrics", "train", "macs", "timing", "summary")

    for table in tables:
        grow(monkeypatch, table, Column("new_first", "int64", "new"), Column("new_last", "string", "new"))
    found = {cell.setting: cell_row(cell, Path(spec.results)) for cell in spec.cells()}

    assert {setting: row["status"] for setting, row in found.items()} == {"cal": "ok", "cal_nc": "ok"}
    assert found == kept


def test_a_column_that_is_gone_or_of_another_type_is_refused_by_name(tmp_path, monkeypatch):
    grow(monkeypatch, "macs", Column("flops", "int64", "old"), Column("bytes", "int64", "old"))
    write_rows("macs", [ROW], tmp_path / "macs.parquet")
    monkeypatch.undo()
    grow(monkeypatch, "macs", Column("bytes", "string", "new"))

    with pytest.raises(FgirError, match=r"table macs there is no longer such a column bytes, flops; delete"):
        read_table("macs", tmp_path / "macs.parquet")


def test_a_file_of_a_newer_version_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("fgir.results.parquet.SCHEMA", SCHEMA + 1)
    grow(monkeypatch, "macs", Column("flops", "int64", "new"))
    write_rows("macs", [ROW], tmp_path / "macs.parquet")
    monkeypatch.undo()
    arrow_schema.cache_clear()

    with pytest.raises(FgirError, match=r"macs\.parquet was written by a newer fgir; update this one, or delete"):
        read_table("macs", tmp_path / "macs.parquet")


def test_reading_one_row_refuses_two(tmp_path):
    write_rows("macs", [ROW, ROW], tmp_path / "macs.parquet")

    with pytest.raises(FgirError, match=r"has 2 rows and should have one"):
        read_row("macs", tmp_path / "macs.parquet")
