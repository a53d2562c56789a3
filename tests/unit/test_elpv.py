"""The real photographs of solar cells."""

from collections import Counter
from pathlib import Path

import pytest
from small_datasets import split_spec

from fgir.data.manifest import write_manifest
from fgir.data.sources import elpv
from fgir.data.split import write_split
from fgir.results.parquet import read_rows
from fgir.specs import SourceSpec
from fgir.utils.errors import FgirError

COUNTS = {"mono_0": 588, "mono_33": 117, "mono_67": 56, "mono_100": 313}
COUNTS |= {"poly_0": 920, "poly_33": 178, "poly_67": 50, "poly_100": 402}


@pytest.fixture(scope="module")
def manifest(elpv_spec: SourceSpec, elpv_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("elpv") / "manifest.parquet"
    write_manifest(elpv_spec, elpv_root, out)
    return out


def test_the_manifest_has_the_published_classes_and_counts(manifest: Path) -> None:
    rows = read_rows("manifest", manifest)

    assert Counter(row["class_name"] for row in rows) == COUNTS
    assert {row["label"]: row["class_name"] for row in rows} == dict(enumerate(COUNTS))
    assert {(row["width"], row["height"], row["part"], row["object_size"]) for row in rows} == {(300, 300, None, None)}
    assert [row["image"] for row in rows] == list(range(2624))


def test_a_quarter_of_each_class_is_test_and_the_counts_are_the_catalogues(
    manifest: Path, elpv_spec: SourceSpec, tmp_path: Path
) -> None:
    entry = elpv_spec.entry
    spec = split_spec(classes=8, test_fraction=0.25, train_val=entry.train_val, test=entry.test)

    write_split(spec, manifest, tmp_path / "split.parquet")

    rows = read_rows("split", tmp_path / "split.parquet")
    test = Counter(row["label"] for row in rows if row["part"] == "test")
    assert [test[label] for label in range(8)] == [147, 29, 14, 78, 230, 44, 12, 100]
    assert len(rows) == 2624


BAD = [
    ("images/a.png 0.5 mono", "unknown defect probability '0.5'"),
    ("images/a.png much mono", "unknown defect probability 'much'"),
    ("images/a.png nan mono", "unknown defect probability 'nan'"),
    ("images/a.png 1.0 thin", "unknown cell type 'thin'"),
    ("images/a.png 1.0", "got 2 fields"),
]


@pytest.mark.parametrize(("line", "message"), BAD)
def test_a_bad_label_is_refused_naming_file_and_line(
    elpv_spec: SourceSpec, tmp_path: Path, line: str, message: str
) -> None:
    labels = tmp_path / "elpv_dataset" / "data" / "labels.csv"
    labels.parent.mkdir(parents=True)
    labels.write_text(f"images/cell0001.png  1.0  mono\n{line}\n")

    with pytest.raises(FgirError) as error:
        list(elpv.rows(elpv_spec, tmp_path))

    assert str(error.value).startswith(f"{labels} line 2: ")
    assert message in str(error.value)
