"""The user's own images: folders of classes."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from small_datasets import class_tree, folder_spec, train_and_test, write_image

from fgir.catalogue import load_datasets
from fgir.data.sources import folder
from fgir.data.sources.image import SourceImage
from fgir.errors import FgirError
from fgir.jobs import class_count


def rows_of(root: Path, **keys: Any) -> list[SourceImage]:
    spec = folder_spec(root, **keys)
    return list(folder.rows(spec, folder.acquire(spec)))


def test_train_and_test_folders_are_the_official_parts(tmp_path: Path) -> None:
    rows = rows_of(train_and_test(tmp_path))

    assert len(rows) == 16
    assert rows[0] == SourceImage("train/cat/0.png", "cat", "train_val")
    assert rows[-1] == SourceImage("test/dog/2.png", "dog", "test")


def test_one_tree_has_no_official_part(tmp_path: Path) -> None:
    rows = rows_of(class_tree(tmp_path, {"dog": 2, "cat": 3}), test_fraction=0.25)

    assert [row.path for row in rows] == ["cat/0.png", "cat/1.png", "cat/2.png", "dog/0.png", "dog/1.png"]
    assert {row.part for row in rows} == {None}


def test_images_are_found_in_subfolders_and_in_any_case_and_other_files_are_not(tmp_path: Path) -> None:
    class_tree(tmp_path, {"cat": 1, "dog": 1, ".hidden": 1})
    write_image(tmp_path / "cat" / "abroad" / "1.JPG", 7)
    for name in ("cat/notes.txt", "cat/.thumb.png", "readme.md"):
        (tmp_path / name).write_text("no image")

    rows = rows_of(tmp_path, test_fraction=0.5)

    assert [row.path for row in rows] == ["cat/0.png", "cat/abroad/1.JPG", "dog/0.png"]


def test_a_home_folder_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    train_and_test(tmp_path / "birds")

    assert folder.acquire(folder_spec(Path("~/birds"))) == tmp_path / "birds"


def test_three_lines_of_yaml_suffice(tmp_path: Path) -> None:
    train_and_test(tmp_path / "pets")
    (tmp_path / "datasets.yaml").write_text(f"pets:\n  source: folder\n  path: {tmp_path / 'pets'}\n")

    entry = load_datasets(tmp_path / "datasets.yaml")["pets"]

    assert class_count("pets", entry) == 2


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match='nowhere does not exist; correct "path" of dataset "mine"'):
        rows_of(tmp_path / "nowhere")


def test_an_empty_folder_is_not_asked_for_a_fraction(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match="holds 0 class folders"):
        rows_of(tmp_path)


def test_a_tree_without_a_fraction_asks_for_one(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match=r"add test_fraction: 0\.25"):
        rows_of(class_tree(tmp_path, {"cat": 2, "dog": 2}))


def test_a_fraction_beside_official_parts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match="remove test_fraction"):
        rows_of(train_and_test(tmp_path), test_fraction=0.25)


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_class_in_one_part_alone_is_named(tmp_path: Path, part: str) -> None:
    class_tree(train_and_test(tmp_path) / part, {"emu": 2}, first_seed=500)

    with pytest.raises(FgirError, match=f"Class emu is in .*{part} but not in"):
        rows_of(tmp_path)


@pytest.mark.parametrize(("present", "missing"), [("train", "test"), ("test", "train")])
def test_a_missing_part_is_named(tmp_path: Path, present: str, missing: str) -> None:
    class_tree(tmp_path / present, {"cat": 2, "dog": 2})

    with pytest.raises(FgirError, match=f"has {present}/ but no {missing}/"):
        rows_of(tmp_path)


def test_a_class_without_images_is_named(tmp_path: Path) -> None:
    (class_tree(tmp_path, {"cat": 2, "dog": 2}) / "emu").mkdir()

    with pytest.raises(FgirError, match="emu holds no images"):
        rows_of(tmp_path, test_fraction=0.25)


def test_a_folder_without_classes_is_told(tmp_path: Path) -> None:
    write_image(tmp_path / "0.png", 0)

    with pytest.raises(FgirError, match="holds 0 class folders; at least two are needed"):
        rows_of(tmp_path, test_fraction=0.25)


def test_finding_classes_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'timm', 'pandas', 'pyarrow', 'PIL', 'numpy', 'matplotlib'}"
    code = f"import sys, fgir.specs, fgir.data.sources.folder; print(sorted({heavy} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
