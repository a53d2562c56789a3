"""The real photographs of solar cells, an archive from a package of the Python package index."""

from collections import Counter
from pathlib import Path

import pytest
from small_datasets import files_in, split_spec

from fgir.data.manifest import write_manifest
from fgir.data.presence import gigabytes, how, present
from fgir.data.readers import elpv
from fgir.data.sources.archive import acquire
from fgir.data.split import write_split
from fgir.results.parquet import read_rows
from fgir.specs import SourceSpec, canonical, parse
from fgir.study import study_of
from fgir.study.catalogue import Archived, load_datasets
from fgir.utils.errors import FgirError
from fgir.workflow.downloads import files_of_datasets
from fgir.workflow.specs import Specs

ROOT = Path(__file__).parents[2]

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
def test_a_bad_label_is_refused_naming_file_and_line(tmp_path: Path, line: str, message: str) -> None:
    labels = tmp_path / "elpv_dataset" / "data" / "labels.csv"
    labels.parent.mkdir(parents=True)
    labels.write_text(f"images/cell0001.png  1.0  mono\n{line}\n")

    with pytest.raises(FgirError) as error:
        elpv.read(tmp_path)

    assert str(error.value).startswith(f"{labels} line 2: ")
    assert message in str(error.value)


def test_labels_that_are_not_there_are_named(tmp_path: Path) -> None:
    (tmp_path / "elpv_dataset").mkdir()

    with pytest.raises(FgirError, match=r"holds no elpv_dataset/data/labels\.csv"):
        elpv.read(tmp_path)


FORMER = """
elpv:
  source: elpv
  title: My cells
  licence: CC-BY-NC-SA-4.0
  classes: 8
  train_val: 1970
  test: 654
  test_fraction: 0.25
  package:
    name: elpv-dataset
    version: 1.0.0.post1
    sha256: 85e31c1126ee9b48e62d3a0232c58f58b2d189b0814a45c13642fa0415af4a4c
"""


def specs_of(datasets_file: Path, archives: str = "data") -> Specs:
    content = {"name": "cells", "datasets": ["elpv"], "backbones": ["vit_b16"], "train_sizes": [224], "seeds": [1]}
    files = {"datasets_file": str(datasets_file), "backbones_file": str(ROOT / "config/backbones.yaml")}
    return Specs(study_of(content | files | {"archives": archives}, "a test"))


def test_an_entry_as_it_was_written_before_is_still_read_and_reruns_nothing(tmp_path: Path) -> None:
    (tmp_path / "datasets.yaml").write_text(FORMER)

    former, today = specs_of(tmp_path / "datasets.yaml"), specs_of(ROOT / "config/datasets.yaml")

    assert isinstance(former.study.dataset_entries["elpv"], Archived)
    assert canonical(former.source("elpv")) == canonical(today.source("elpv"))
    assert canonical(former.split("elpv")) == canonical(today.split("elpv"))
    assert '"source":"elpv"' in canonical(today.source("elpv"))


def test_a_job_reads_from_its_text_the_archive_that_was_meant() -> None:
    wanted = specs_of(ROOT / "config/datasets.yaml").source("elpv")

    read = parse(SourceSpec, canonical(wanted))

    assert read == wanted
    assert isinstance(read.entry, Archived)
    assert (read.entry.reader, read.entry.leaks) == ("elpv", "refuse")


@pytest.mark.parametrize("key", ["  leaks: report\n", "  path: ~/cells\n", "  test_seed: 3\n"])
def test_what_changes_the_images_changes_the_text(tmp_path: Path, key: str) -> None:
    entry = FORMER.replace("source: elpv", "source: archive\n  reader: elpv\n  leaks: refuse")
    entry = entry.replace("  leaks: refuse\n", key) if "leaks" in key else entry + key
    (tmp_path / "datasets.yaml").write_text(entry)

    changed = specs_of(tmp_path / "datasets.yaml").source("elpv")

    assert canonical(changed) != canonical(specs_of(ROOT / "config/datasets.yaml").source("elpv"))
    assert parse(SourceSpec, canonical(changed)) == changed


def test_files_beside_a_package_are_refused(tmp_path: Path) -> None:
    (tmp_path / "datasets.yaml").write_text(
        FORMER.replace("source: elpv", "source: archive\n  reader: elpv") + "  files: [{file: a.zip}]\n"
    )

    with pytest.raises(FgirError, match="package holds all of the dataset") as error:
        load_datasets(tmp_path / "datasets.yaml")

    assert "\n" not in str(error.value)


def test_the_plan_and_the_list_say_what_of_the_package_is_here(tmp_path: Path, elpv_root: Path) -> None:
    study = specs_of(ROOT / "config/datasets.yaml", str(tmp_path)).study
    entry = study.dataset_entries["elpv"]

    (absent,) = files_of_datasets(study)
    missing = present("elpv", entry, tmp_path)
    (tmp_path / "elpv").mkdir()
    (tmp_path / "elpv" / elpv_root.name).symlink_to(elpv_root)
    (there,) = files_of_datasets(study)

    assert (absent.path, absent.gb, absent.automatic, absent.there) == ("elpv-dataset", 0.091, True, False)
    assert (missing, present("elpv", entry, tmp_path), there.there) == ("no", "yes", True)
    assert (how(entry), gigabytes(entry)) == ("package", 0.09)


def test_a_package_that_was_placed_by_hand_is_unpacked_and_read(
    elpv_spec: SourceSpec, elpv_root: Path, tmp_path: Path
) -> None:
    wheel = next(elpv_root.parents[1].glob("elpv_dataset-*.whl"))
    (tmp_path / wheel.name).symlink_to(wheel)
    spec = elpv_spec.model_copy(update={"archives": str(tmp_path)})

    root = acquire(spec)

    assert root == tmp_path / "elpv" / elpv_root.name
    assert len(elpv.read(root).images) == 2624
    assert [name for name in files_in(root) if name.endswith("labels.csv")] == [elpv.LABELS]


def test_another_file_of_the_name_is_refused(elpv_spec: SourceSpec, tmp_path: Path) -> None:
    (tmp_path / "elpv_dataset-1.0.0.post1-py3-none-any.whl").write_bytes(b"another")

    with pytest.raises(FgirError, match=r"has the sha256 .* delete it and rerun"):
        acquire(elpv_spec.model_copy(update={"archives": str(tmp_path)}))

    assert not (tmp_path / "elpv").exists()
