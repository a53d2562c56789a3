"""Cotton80, SoyLocal, SoyGlobal, SoyGene: the study's lists, the archive's, or the file names."""

from pathlib import Path

import pytest
from packed import delivered, delivered_images, parts_of, split_of

from fgir.data.readers import ufg
from fgir.utils.errors import FgirError

# Three train and three test images a cultivar, numbered by turns; 10 is to come after 9, not after 1.
CULTIVARS = (1, 2, 9, 10)
TRAIN = [f"{cultivar}_{number}_train.png" for cultivar in CULTIVARS for number in (1, 3, 5)]
TEST = [f"{cultivar}_{number}_test.png" for cultivar in CULTIVARS for number in (2, 4, 6)]
CLASSES = [str(cultivar) for cultivar in CULTIVARS]


def images_alone(root: Path) -> Path:
    return delivered_images(root, "cotton_square_new.zip", [f"cotton_square_new/{name}" for name in [*TEST, *TRAIN]])


def annotated(root: Path, train: list[str], test: list[str], folder: str = "COTTON") -> Path:
    delivered_images(root, "Cotton80.zip", [f"{folder}/images/{name}" for name in [*TRAIN, *TEST]])
    lists = {f"{folder}/anno/train.txt": "\n".join(train), f"{folder}/anno/test.txt": "\n".join(test) + "\n"}
    for name, text in lists.items():
        path = root / "Cotton80" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return root


def numbered(names: list[str]) -> list[str]:
    return [f"{name} {CLASSES.index(name.split('_')[0]) + 1}" for name in names]


def test_images_alone_are_read_by_their_names(tmp_path: Path) -> None:
    listing = ufg.read(images_alone(tmp_path))

    assert listing.classes == ["1", "2", "9", "10"]
    assert parts_of(listing) == [(name.split("_")[0], name, "train_val") for name in TRAIN] + [
        (name.split("_")[0], name, "test") for name in TEST
    ]
    assert listing.images[0].path == "cotton_square_new/cotton_square_new/1_1_train.png"
    assert all((tmp_path / image.path).is_file() for image in listing.images)


def test_the_archives_lists_order_and_number_the_images(tmp_path: Path) -> None:
    listing = ufg.read(annotated(tmp_path, numbered(TRAIN[::-1]), numbered(TEST)))

    assert listing.classes == CLASSES
    assert [Path(image.path).name for image in listing.images] == [*TRAIN[::-1], *TEST]
    assert {image.path.rsplit("/", 1)[0] for image in listing.images} == {"Cotton80/COTTON/images"}


def test_the_studys_own_lists_come_first(tmp_path: Path) -> None:
    root = annotated(tmp_path, numbered(TRAIN), numbered(TEST))
    order = ["1_5_train.png", "1_3_train.png", "1_1_train.png", *TRAIN[3:]]
    for part, names in (("train_val", order), ("test", TEST)):
        rows = [f"{CLASSES.index(name.split('_')[0])},{name}" for name in names]
        (root / f"{part}.csv").write_text("\n".join(["class_id,dir", *rows, ""]))

    parts = split_of(root, "ufg", tmp_path / "out", classes=4)

    assert ufg.read(root).classes == CLASSES
    assert [Path(path).name for path in parts["val"]] == [
        "1_1_train.png",
        *[name for name in TRAIN[3:] if "_5_" in name],
    ]
    assert (len(parts["train"]), len(parts["val"]), len(parts["test"])) == (8, 4, 12)


def test_names_of_genes_cut_at_the_hyphen_and_keep_the_order_of_letters(tmp_path: Path) -> None:
    names = ["GDC008-1-001_1_train", "GDC008-10-001_1_train", "GDC008-2-001_1_train", "SD324-1-001_1_train"]
    tests = ["GDC008-1-001_3_test", "SD324-1-001_3_test"]

    listing = ufg.read(delivered_images(tmp_path, "SoyGene.zip", [f"images/{name}.png" for name in [*tests, *names]]))

    assert listing.classes == ["GDC008", "SD324"]
    assert [Path(image.path).stem for image in listing.images] == [*names, *tests]


BAD = [
    ("3_1_train.png 1", "train.txt line 2: ", "images/3_1_train.png does not exist"),
    ("2_1_train.png 1", "train.txt line 2: ", "class 1 is 2 here, but 1 before"),
    ("1_3_train.png", "train.txt line 2: ", "expected an image and the number of its class"),
    ("1_3_train.png one", "train.txt line 2: ", "expected an image and the number of its class"),
]


@pytest.mark.parametrize(("line", "where", "message"), BAD)
def test_a_bad_line_is_refused_naming_list_and_line(tmp_path: Path, line: str, where: str, message: str) -> None:
    root = annotated(tmp_path, ["1_1_train.png 1", line], ["1_2_test.png 1"])

    with pytest.raises(FgirError) as error:
        ufg.read(root)

    assert where in str(error.value)
    assert message in str(error.value)


def test_a_test_image_of_an_unknown_class_is_refused(tmp_path: Path) -> None:
    root = annotated(tmp_path, numbered(TRAIN), [*numbered(TEST), "1_2_test.png 5"])

    with pytest.raises(FgirError, match=r"test\.txt line 13: class 5 has no train_val image"):
        ufg.read(root)


def test_a_missing_test_list_is_told(tmp_path: Path) -> None:
    root = annotated(tmp_path, numbered(TRAIN), numbered(TEST))
    (root / "Cotton80" / "COTTON" / "anno" / "test.txt").unlink()

    with pytest.raises(FgirError, match=r"test\.txt does not exist"):
        ufg.read(root)


@pytest.mark.parametrize("text", ["", "class_id,dir\n"])
def test_empty_lists_of_the_study_are_told(tmp_path: Path, text: str) -> None:
    root = images_alone(tmp_path)
    for part in ("train_val", "test"):
        (root / f"{part}.csv").write_text(text)

    with pytest.raises(FgirError, match=r"train_val\.csv names no images"):
        ufg.read(root)


def test_another_archive_is_told(tmp_path: Path) -> None:
    root = delivered(tmp_path, "wrong.zip", {"readme.txt": "nothing"})

    with pytest.raises(FgirError, match=r"holds neither anno/train\.txt nor images"):
        ufg.read(root)
