"""Folders as people really have them: what is said of odd names, links, nested classes and folders of other layouts."""

import os
from pathlib import Path

import pytest
from small_datasets import class_tree, folder_spec, train_and_test, write_image

from fgir.data.sources import folder
from fgir.data.sources.image import Listing
from fgir.utils.errors import FgirError


def listing_of(root: Path, test_fraction: float | None = 0.25) -> Listing:
    return folder.listing(folder_spec(root, test_fraction=test_fraction), root)


def test_names_that_are_not_in_utf8_are_refused(tmp_path: Path) -> None:
    class_tree(tmp_path, {"ash": 3, "oak": 3})
    for name in (b"f\xe9vrier.png", b"ao\xfbt.png"):
        write_image(tmp_path / "ash" / "x.png", 7)
        os.rename(tmp_path / "ash" / "x.png", os.fsencode(tmp_path / "ash") + b"/" + name)

    with pytest.raises(FgirError, match=r"ash holds 2 names that are not in UTF-8, e\.g\. ao.xfbt\.png; rename it"):
        listing_of(tmp_path)


def test_a_class_folder_that_is_not_in_utf8_is_refused_before_any_job(tmp_path: Path) -> None:
    class_tree(tmp_path, {"ash": 3, "oak": 3})
    os.rename(tmp_path / "ash", os.fsencode(tmp_path) + b"/fr\xeane")

    with pytest.raises(FgirError, match=r"holds 1 name that is not in UTF-8, e\.g\. fr.xeane"):
        folder.class_names("mine", folder_spec(tmp_path, test_fraction=0.25).entry)  # type: ignore[arg-type]


def test_a_link_to_itself_is_a_broken_link(tmp_path: Path) -> None:
    class_tree(tmp_path, {"ash": 3, "oak": 3})
    (tmp_path / "ash" / "self").symlink_to("self")
    (tmp_path / "self").symlink_to("self")

    listing = listing_of(tmp_path)

    assert len(listing.images) == 6
    assert listing.notes == ["Passed over: 2 broken links, e.g. self."]


def test_a_pipe_is_no_image_whatever_its_name(tmp_path: Path) -> None:
    class_tree(tmp_path, {"ash": 3, "oak": 3})
    os.mkfifo(tmp_path / "ash" / "pipe.png")

    assert listing_of(tmp_path).notes == ["Passed over: 1 pipe, socket or device, e.g. ash/pipe.png."]


def test_an_unprintable_name_is_told_on_one_line(tmp_path: Path) -> None:
    class_tree(tmp_path, {"ash": 3, "oak": 3})
    (tmp_path / "ash" / "Icon\r").write_text("")

    assert listing_of(tmp_path).notes == ["Passed over: 1 file that is no image by its name, e.g. ash/Icon\\r."]


@pytest.mark.parametrize("twin", ["Ba\u0308r", "bär", "Bär "])
def test_a_class_spelled_otherwise_in_the_test_part_is_named(tmp_path: Path, twin: str) -> None:
    class_tree(tmp_path / "train", {"Bär": 3, "oak": 3})
    class_tree(tmp_path / "test", {twin: 3, "oak": 3}, first_seed=20)

    with pytest.raises(FgirError, match=f'"{twin}", which is there, differs in capitals or signs: rename one'):
        listing_of(tmp_path, test_fraction=None)


def test_classes_that_differ_in_capitals_alone_are_told(tmp_path: Path) -> None:
    listing = listing_of(class_tree(tmp_path, {"Ash": 3, "ash": 3, "oak": 3}))

    assert listing.classes == ["Ash", "ash", "oak"]
    assert listing.notes == ["1 pair of classes has names that differ in capitals or signs alone, e.g. Ash and ash."]


def test_folders_of_classes_within_classes_are_told(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for family in ("birds", "trees"):
            class_tree(tmp_path / part / family, {"one": 3, "two": 3})

    listing = listing_of(tmp_path, test_fraction=None)

    assert listing.classes == ["birds", "trees"]
    assert listing.notes == [
        "2 classes have images in folders of the class folder alone, e.g. train/birds/one/0.png, read as of class "
        "birds. If those folders are the classes, move them up."
    ]


def test_a_test_part_of_loose_images_has_no_class_folders(tmp_path: Path) -> None:
    class_tree(tmp_path / "train", {"ash": 3, "oak": 3})
    write_image(tmp_path / "test" / "0.png", 50)

    with pytest.raises(FgirError, match=r"test holds no class folders; give it those of .*train"):
        listing_of(tmp_path, test_fraction=None)


def test_every_class_without_images_is_named_with_what_it_holds(tmp_path: Path) -> None:
    class_tree(tmp_path, {"ash": 3, "oak": 3})
    (tmp_path / "elm").mkdir()
    (tmp_path / "fir").mkdir()
    for name in ("IMG_1.nef", "IMG_2.nef", "download"):
        (tmp_path / "fir" / name).write_text("")

    with pytest.raises(FgirError) as error:
        listing_of(tmp_path)

    assert str(error.value) == (
        f"{tmp_path}/elm holds no images; {tmp_path}/fir holds no images, only 3 files that are no images by their "
        "names (2 .nef, 1 without suffix), e.g. fir/IMG_1.nef; add some or remove the folder."
    )


def test_heic_without_its_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fgir.data.sources.walk.IMAGE_SUFFIXES", (".png",))
    class_tree(tmp_path, {"ash": 3, "oak": 3})
    (tmp_path / "ash" / "IMG_1.HEIC").write_text("")

    assert listing_of(tmp_path).notes == [
        "Passed over: 1 HEIC image, which needs the package pillow-heif, e.g. ash/IMG_1.HEIC."
    ]


@pytest.mark.parametrize(("parts", "missing"), [(("train", "test_set"), "test"), (("trainval", "test"), "train")])
def test_a_part_of_another_name_is_asked_to_be_renamed(tmp_path: Path, parts: tuple[str, str], missing: str) -> None:
    for seed, part in enumerate(parts):
        class_tree(tmp_path / part, {"ash": 3, "oak": 3}, first_seed=20 * seed)
    (other,) = set(parts) - {"train", "test"}

    with pytest.raises(FgirError, match=f"but no {missing}/; if {other}/ is it, rename it to {missing}; else add it"):
        listing_of(tmp_path, test_fraction=None)


def test_parts_a_folder_deeper_are_found_beside_others(tmp_path: Path) -> None:
    train_and_test(tmp_path / "images")
    (tmp_path / "labels" / "train").mkdir(parents=True)

    with pytest.raises(FgirError, match="images holds the parts test and train; let path end in images"):
        listing_of(tmp_path, test_fraction=None)


def test_a_path_to_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")

    with pytest.raises(FgirError, match='mine is no folder; correct "path" of dataset "mine"'):
        folder.acquire(folder_spec(tmp_path / "mine"))


def test_a_path_that_may_not_be_looked_at_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_dir", refuse)

    with pytest.raises(
        FgirError, match=r"mine cannot be read .Permission denied.; correct its permissions, or correct"
    ):
        folder.acquire(folder_spec(tmp_path / "mine"))
