"""Merging one-row files."""

import pytest

from fgir.results.merge import merge
from fgir.results.parquet import arrow_schema, write_rows
from fgir.utils.errors import FgirError


def write_seed(folder, seed, **more):
    path = folder / f"{seed}.parquet"
    write_rows("metrics", [{"dataset": "birds", "seed": seed, "status": "ok"} | more], path)
    return path


def test_rows_come_in_the_order_asked_for(tmp_path):
    # More files than one task of a thread takes, so that the order across tasks is at stake.
    seeds = list(range(150, 0, -1))
    paths = [write_seed(tmp_path, seed) for seed in seeds]

    merged = merge("metrics", paths)

    assert merged.content["seed"].to_pylist() == seeds
    assert merged.content.schema.equals(arrow_schema("metrics"), check_metadata=False)
    assert merged.rows()[paths[3]]["seed"] == 147


def test_a_missing_file_is_an_absent_row_and_is_named(tmp_path):
    paths = [write_seed(tmp_path, 1), tmp_path / "2.parquet", write_seed(tmp_path, 3)]

    merged = merge("metrics", paths)

    assert merged.content["seed"].to_pylist() == [1, 3]
    assert merged.missing == [paths[1]]
    assert list(merged.rows()) == [paths[0], paths[2]]


def test_no_file_at_all_gives_an_empty_typed_table(tmp_path):
    merged = merge("metrics", [tmp_path / "absent.parquet"])

    assert merged.content.num_rows == 0
    assert merged.content.schema.equals(arrow_schema("metrics"), check_metadata=False)


def test_a_column_that_is_null_in_one_file_and_not_in_the_next_keeps_its_type(tmp_path):
    paths = [write_seed(tmp_path, 1, top5=None), write_seed(tmp_path, 2, top5=93.5)]

    merged = merge("metrics", paths)

    assert merged.content["top5"].to_pylist() == [None, 93.5]


def test_a_damaged_file_is_named(tmp_path):
    paths = [write_seed(tmp_path, 1), write_seed(tmp_path, 2)]
    paths[1].write_bytes(paths[1].read_bytes()[:-20])

    with pytest.raises(FgirError, match=r"2\.parquet is not a whole Parquet file .*delete it and rerun"):
        merge("metrics", paths)


def test_a_file_of_another_table_is_refused(tmp_path):
    write_rows("macs", [{"backbone": "b"}], tmp_path / "macs.parquet")

    with pytest.raises(FgirError, match=r"macs\.parquet does not have the columns of table metrics"):
        merge("metrics", [tmp_path / "macs.parquet"])


def test_a_file_of_two_rows_is_refused(tmp_path):
    write_rows("metrics", [{"seed": 1}, {"seed": 2}], tmp_path / "two.parquet")

    with pytest.raises(FgirError, match=r"two\.parquet has 2 rows and should have one"):
        merge("metrics", [tmp_path / "two.parquet"])


def test_progress_counts_every_file(tmp_path):
    paths = [write_seed(tmp_path, seed) for seed in range(70)]
    steps = []

    merge("metrics", paths, steps.append)

    assert sum(steps) == 70
