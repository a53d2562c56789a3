"""The user's own images: folders of classes."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from small_datasets import class_tree, folder_spec, train_and_test, write_image

from fgir.data.sources import folder
from fgir.data.sources.image import SourceImage
from fgir.study.catalogue import load_datasets
from fgir.utils.errors import FgirError
from fgir.workflow.data_specs import class_count

PARTS = ("train", "val", "test")


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


@pytest.mark.parametrize(
    "names", [("Train", "Val", "Test"), ("training", "validation", "testing"), ("TRAIN", "valid", "TEST")]
)
def test_parts_are_known_by_the_names_that_people_give_them(tmp_path: Path, names: tuple[str, ...]) -> None:
    for seed, name in enumerate(names):
        class_tree(tmp_path / name, {"cat": 2, "dog": 2}, first_seed=10 * seed)

    rows = rows_of(tmp_path)

    assert [(row.path.partition("/")[0], row.part) for row in rows[::4]] == list(zip(names, PARTS, strict=True))
    assert len(rows) == 12


def test_parts_of_any_case_beside_a_fraction_are_named(tmp_path: Path) -> None:
    for seed, name in enumerate(("Train", "Test")):
        class_tree(tmp_path / name, {"ash": 4, "oak": 4}, first_seed=10 * seed)

    with pytest.raises(FgirError, match="has the parts Train/ and Test/, and test_fraction; remove test_fraction"):
        rows_of(tmp_path, test_fraction=0.25)


def test_folders_of_the_same_folders_look_like_parts(tmp_path: Path) -> None:
    for seed, name in enumerate(("training_set", "test_set")):
        class_tree(tmp_path / name, {"ash": 4, "oak": 4}, first_seed=10 * seed)

    with pytest.raises(FgirError, match="holds test_set, training_set, each with the folders ash, oak…: these look"):
        rows_of(tmp_path, test_fraction=0.25)


def test_two_folders_of_one_part_are_refused(tmp_path: Path) -> None:
    class_tree(train_and_test(tmp_path) / "Training", {"cat": 2, "dog": 2}, first_seed=50)

    with pytest.raises(FgirError, match="has both Training/ and train/, which are both its train part; join them"):
        rows_of(tmp_path)


def test_train_and_val_without_test_say_what_to_do(tmp_path: Path) -> None:
    for seed, name in enumerate(("train", "val")):
        class_tree(tmp_path / name, {"ash": 4, "oak": 4}, first_seed=10 * seed)

    with pytest.raises(FgirError, match=r"has train/ and val/ but no test/; rename val/ to test/"):
        rows_of(tmp_path)


def test_a_val_part_may_lack_a_class_but_have_no_other(tmp_path: Path) -> None:
    class_tree(train_and_test(tmp_path) / "val", {"cat": 2}, first_seed=50)

    assert {row.part for row in rows_of(tmp_path)} == set(PARTS)
    class_tree(tmp_path / "val", {"emu": 2}, first_seed=70)
    with pytest.raises(FgirError, match=r"Class emu is in .*val but not in .*train"):
        rows_of(tmp_path)


def test_all_classes_that_are_in_one_part_alone_are_counted(tmp_path: Path) -> None:
    class_tree(train_and_test(tmp_path) / "train", {"emu": 2, "fox": 2, "gnu": 2}, first_seed=500)

    with pytest.raises(FgirError, match=r"Classes emu and 2 more are in .*train but not in .*test"):
        rows_of(tmp_path)


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    rows = rows_of(class_tree(tmp_path, {"bus": 3, "train": 3}), test_fraction=0.3)

    assert [row.class_name for row in rows] == ["bus"] * 3 + ["train"] * 3


def test_a_folder_around_the_dataset_is_seen(tmp_path: Path) -> None:
    class_tree(tmp_path / "birds", {"auk": 2, "bee": 2})

    with pytest.raises(FgirError, match="holds 1 class folder, birds; if the class folders are in that, let path end"):
        rows_of(tmp_path, test_fraction=0.25)


def test_images_of_less_usual_suffixes_are_read(tmp_path: Path) -> None:
    class_tree(tmp_path, {"cat": 1, "dog": 1})
    for suffix in ("jfif", "jpe", "avif", "JP2", "ppm"):
        (tmp_path / "cat" / f"x.{suffix}").write_text("")

    assert len(rows_of(tmp_path, test_fraction=0.5)) == 7


@pytest.mark.parametrize("litter", [".ipynb_checkpoints", ".thumbnails", "@eaDir", "__MACOSX"])
def test_what_lies_in_a_hidden_folder_is_no_image(tmp_path: Path, litter: str) -> None:
    class_tree(tmp_path, {"cat": 2, "dog": 2})
    write_image(tmp_path / "cat" / litter / "0-checkpoint.png", 7)
    write_image(tmp_path / litter / "1.png", 8)

    assert len(rows_of(tmp_path, test_fraction=0.5)) == 4


def test_linked_folders_and_images_are_read(tmp_path: Path) -> None:
    elsewhere = class_tree(tmp_path / "elsewhere", {"cat": 2, "abroad": 3})
    class_tree(tmp_path / "mine", {"dog": 2})
    (tmp_path / "mine" / "cat").symlink_to(elsewhere / "cat")
    (tmp_path / "mine" / "dog" / "abroad").symlink_to(elsewhere / "abroad")
    (tmp_path / "mine" / "dog" / "cat.png").symlink_to(elsewhere / "cat" / "0.png")

    rows = rows_of(tmp_path / "mine", test_fraction=0.5)

    assert [row.path for row in rows][:3] == ["cat/0.png", "cat/1.png", "dog/0.png"]
    assert len(rows) == 8


def test_a_link_back_into_itself_ends(tmp_path: Path) -> None:
    class_tree(tmp_path, {"cat": 2, "dog": 2})
    (tmp_path / "cat" / "again").symlink_to(tmp_path)

    spec = folder_spec(tmp_path, test_fraction=0.5)
    listing = folder.listing(spec, tmp_path)

    # Through the link the other class is seen once, but the class that the link is in is not entered again.
    assert len(listing.images) == 6
    assert "1 link back to a folder that it is in, e.g. cat/again/cat" in listing.notes[0]


def test_what_is_passed_over_is_counted_with_its_reason(tmp_path: Path) -> None:
    train_and_test(tmp_path)
    class_tree(tmp_path, {"unlabelled": 2}, first_seed=300)
    for number in range(2):
        write_image(tmp_path / "train" / f"{number}.png", 400 + number)
    for name in ("test/cat/notes.txt", "test/cat/0.xml", "test/dog/Thumbs.db", "test/dog/.DS_Store", "readme.md"):
        (tmp_path / name).write_text("no image")
    (tmp_path / "test" / "dog" / "gone.png").symlink_to(tmp_path / "nowhere.png")

    listing = folder.listing(folder_spec(tmp_path), tmp_path)

    assert len(listing.images) == 16
    assert listing.notes == [
        "Passed over: 3 files that are no images by their names (1 .md, 1 .xml, 1 .txt), e.g. readme.md; 1 folder "
        "beside the parts, e.g. unlabelled; 2 images beside the class folders, e.g. train/0.png; 2 hidden files or "
        "folders, e.g. test/dog/.DS_Store; 1 broken link, e.g. test/dog/gone.png."
    ]


def test_a_folder_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    class_tree(tmp_path, {"cat": 2, "dog": 2})
    monkeypatch.setattr("os.scandir", refuse)

    with pytest.raises(FgirError, match=r"cannot be read .Permission denied.; correct its permissions"):
        rows_of(tmp_path, test_fraction=0.5)


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
