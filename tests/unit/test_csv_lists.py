"""Lists of images as CSV files class_id,dir."""

from pathlib import Path

import pytest
from small_datasets import folder_spec, write_image

from fgir.data.sources import folder
from fgir.data.sources.csv_lists import read_lists
from fgir.data.sources.image import SourceImage
from fgir.utils.errors import FgirError

TRAIN = "class_id,dir\n1,b.png\n0,pictures/a.png\n1,c.png\n"
TEST = "class_id,dir\n0,d.png\n1,e.png\n"


def rows_of(root: Path, train: str | bytes, test: str | None = TEST, classes: int | None = None) -> list[SourceImage]:
    (root / "train.csv").write_bytes(train if isinstance(train, bytes) else train.encode())
    keys = {"train_csv": "train.csv", "classes": classes}
    if test is None:
        keys["test_fraction"] = 0.5
    else:
        (root / "test.csv").write_text(test)
        keys["test_csv"] = "test.csv"
    spec = folder_spec(root, **keys)
    return list(read_lists(folder.acquire(spec), spec.entry))  # type: ignore[arg-type]


def test_images_come_in_the_order_of_the_files(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, TRAIN)

    assert [(row.class_name, row.path, row.part) for row in rows] == [
        ("1", "b.png", "train_val"),
        ("0", "pictures/a.png", "train_val"),
        ("1", "c.png", "train_val"),
        ("0", "d.png", "test"),
        ("1", "e.png", "test"),
    ]


def test_classes_are_in_the_order_of_numbers(tmp_path: Path) -> None:
    lines = "".join(f"{number},{number}.png\n" for number in reversed(range(12)))
    rows_of(tmp_path, "class_id,dir\n" + lines, test=None)

    spec = folder_spec(tmp_path, train_csv="train.csv", test_fraction=0.5)

    assert folder.class_names("mine", spec.entry) == [str(number) for number in range(12)]  # type: ignore[arg-type]


def test_one_list_with_a_fraction_has_no_official_part(tmp_path: Path) -> None:
    assert {row.part for row in rows_of(tmp_path, TRAIN, test=None)} == {None}


def test_a_byte_order_mark_blank_lines_and_quotes_are_read(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, b'\xef\xbb\xbfclass_id,dir\r\n\r\n0,"a, b.png"\r\n1,c.png\r\n')

    assert [row.path for row in rows[:2]] == ["a, b.png", "c.png"]


BAD_TRAIN = [
    ("class,path\n0,a.png\n", "line 1: the header must be class_id,dir"),
    ("class_id;dir\n0;a.png\n", "but the line is 'class_id;dir'; write it so, with these two columns"),
    ('class_id,dir\n0,"a.png\n1,b.png\n1,c.png\n', "not CSV (unexpected end of data); correct the line"),
    ('class_id,dir\n0,"a.png\n1,b.png"\n1,c.png\n', "holds a line break or a zero byte; is a quote missing?"),
    ("class_id,dir\n0,a\0.png\n1,b.png\n", "holds a line break or a zero byte"),
    ("class_id,dir\n0,a.png\nb.png\n", "line 3: expected class_id,dir but got 'b.png'"),
    ("class_id,dir\n0,a.png,x\n", "line 2: expected class_id,dir but got '0,a.png,x'"),
    ("class_id,dir\n0,\n", "line 2: expected class_id,dir"),
    ("class_id,dir\ncat,a.png\n", "line 2: class_id 'cat' is no whole number from 0"),
    ("class_id,dir\n-1,a.png\n", "line 2: class_id '-1' is no whole number from 0"),
    ("class_id,dir\n0,a.png\n1,../a.png\n", "line 3: ../a.png is not inside the dataset's folder"),
    ("class_id,dir\n0,/etc/a.png\n", "line 2: /etc/a.png is not inside the dataset's folder"),
    ("class_id,dir\n0,a.png\n1,b.png\n3,c.png\n", "line 4: class_id 3, but no line has class_id 2"),
    ("class_id,dir\n0,a.png\n0,b.png\n", "names one class"),
    ("class_id,dir\n", "names no images"),
    ("", "line 1: the header must be class_id,dir"),
    (b"class_id,dir\n0,a.png\n0,\xe9.png\n", "line 3: byte 0xe9 is not in UTF-8; save the file in UTF-8"),
    ("class_id,dir\n0,a.png\n".encode("utf-16"), "line 1: the file is in UTF-16; save it in UTF-8"),
    ("class_id,dir\n0,a.png\n1," + "b" * 140_000, "line 3: not CSV (field larger than field limit"),
]


@pytest.mark.parametrize(("content", "message"), BAD_TRAIN)
def test_a_bad_line_is_refused_naming_file_and_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(FgirError) as error:
        rows_of(tmp_path, content)

    assert str(error.value).startswith(str(tmp_path / "train.csv"))
    assert message in str(error.value)


def test_an_unknown_class_in_the_test_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match=r"test\.csv line 4: unknown class_id 2; class ids are 0 to 1"):
        rows_of(tmp_path, TRAIN, TEST + "2,f.png\n")


def test_a_class_beyond_the_catalogues_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match=r"train\.csv line 5: unknown class_id 2"):
        rows_of(tmp_path, TRAIN + "2,f.png\n", classes=2)


def test_a_class_without_a_test_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match=r"test\.csv has no image of class_id 1"):
        rows_of(tmp_path, TRAIN, "class_id,dir\n0,d.png\n")


def test_a_missing_list_is_told(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match=r"lost\.csv does not exist; correct train_csv"):
        folder.listing(folder_spec(tmp_path, train_csv="lost.csv", test_fraction=0.5), tmp_path)


def test_a_test_list_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match="has test_csv but no train_csv"):
        folder.listing(folder_spec(tmp_path, test_csv="test.csv"), tmp_path)


def test_a_list_without_test_part_asks_for_a_fraction(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", 0)

    with pytest.raises(FgirError, match=r"add test_fraction: 0\.25"):
        folder.listing(folder_spec(tmp_path, train_csv="train.csv"), tmp_path)


@pytest.mark.parametrize(
    ("path", "advice"),
    [
        ("im\\b.png", "write it relative to that folder, with / between folders"),
        ("C:\\im\\b.png", "write it relative to that folder, with / between folders"),
        (" b.png ", "remove the blanks around the path"),
        ("lost.png", "correct the path, or remove the line"),
        ("folder", "correct the path, or remove the line"),
    ],
)
def test_a_line_without_its_file_is_named_before_any_image_is_opened(tmp_path: Path, path: str, advice: str) -> None:
    for name in ("a.png", "b.png"):
        write_image(tmp_path / name, 0)
    (tmp_path / "folder").mkdir()
    (tmp_path / "train.csv").write_text(f"class_id,dir\n0,a.png\n1,{path}\n1,nowhere.png\n")

    with pytest.raises(FgirError) as error:
        folder.listing(folder_spec(tmp_path, train_csv="train.csv", test_fraction=0.5), tmp_path)

    assert str(error.value) == (
        f"{tmp_path}/train.csv names 2 files that are not in {tmp_path}: line 3: '{path}'; line 4: 'nowhere.png'; "
        f"{advice}."
    )


def test_images_of_the_folder_that_no_list_names_are_counted(tmp_path: Path) -> None:
    for number, name in enumerate(["a.png", "b.png", "more/c.png", "more/d.png", ".thumbnails/e.png"]):
        write_image(tmp_path / name, number)
    (tmp_path / "link").symlink_to(tmp_path / "more")
    (tmp_path / "train.csv").write_text("class_id,dir\n0,a.png\n1,link/c.png\n")
    one_list = folder_spec(tmp_path, train_csv="train.csv", test_fraction=0.5)
    (tmp_path / "test.csv").write_text("class_id,dir\n0,b.png\n1,more/d.png\n")
    two_lists = folder_spec(tmp_path, train_csv="train.csv", test_csv="test.csv")

    assert folder.listing(one_list, tmp_path).notes == [
        "Passed over: 2 images that train.csv does not name, e.g. b.png."
    ]
    assert folder.listing(two_lists, tmp_path).notes == []


def test_a_lone_list_learns_of_both_ways_to_a_test_part(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(TRAIN)

    with pytest.raises(FgirError, match=r'"mine" has no test part; name its CSV file by test_csv, or add test_fra'):
        folder.listing(folder_spec(tmp_path, train_csv="train.csv"), tmp_path)


def test_a_list_that_is_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "train.csv").mkdir()

    with pytest.raises(FgirError, match=r"train\.csv cannot be read .Is a directory.; it must be a text file"):
        folder.listing(folder_spec(tmp_path, train_csv="train.csv", test_fraction=0.5), tmp_path)
