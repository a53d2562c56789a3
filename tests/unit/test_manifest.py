"""The manifest lists whole images alone."""

import csv
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from small_datasets import class_tree, files_in, folder_spec, train_and_test, write_image

from fgir.data.manifest import read_root, write_manifest, write_source
from fgir.results.parquet import read_rows
from fgir.utils.errors import FgirError


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return train_and_test(tmp_path / "images")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "results").mkdir()
    return tmp_path / "results" / "manifest.parquet"


def test_a_row_says_what_the_image_is(images: Path, out: Path) -> None:
    write_manifest(folder_spec(images), images, out)

    rows = read_rows("manifest", out)
    assert len(rows) == 16
    assert rows[5] == {
        "image": 5,
        "path": "train/dog/0.png",
        "label": 1,
        "class_name": "dog",
        "part": "train_val",
        "width": 12,
        "height": 10,
        "digest": hashlib.blake2b((images / "train/dog/0.png").read_bytes(), digest_size=16).hexdigest(),
        "object_size": None,
    }


def test_the_same_images_give_the_same_bytes(images: Path, out: Path) -> None:
    write_manifest(folder_spec(images), images, out)
    first = out.read_bytes()

    write_manifest(folder_spec(images), images, out)

    assert out.read_bytes() == first


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_images_of_any_mode_are_read(images: Path, out: Path, mode: str) -> None:
    suffix = "tif" if mode == "CMYK" else "png"
    Image.new(mode, (9, 4)).save(images / "train" / "cat" / f"other.{suffix}")

    write_manifest(folder_spec(images), images, out)

    assert (9, 4) in {(row["width"], row["height"]) for row in read_rows("manifest", out)}


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def _garble(path: Path) -> None:
    path.write_text("this is no image")


def _spoil_middle(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def _truncate_jpeg(path: Path) -> None:
    Image.effect_noise((64, 64), 90).save(path, format="JPEG")
    path.write_bytes(path.read_bytes()[:-200])


BAD = [
    (_empty, "is not a whole image (it is empty)"),
    (_garble, "is not a whole image (unknown format)"),
    (_truncate, "is not a whole image ("),
    (_truncate_jpeg, "is not a whole image (image file is truncated"),
    (_spoil_middle, "is not a whole image ("),
]


@pytest.mark.parametrize(("spoil", "message"), BAD, ids=lambda value: getattr(value, "__name__", ""))
def test_a_bad_image_is_named_and_nothing_is_written(
    images: Path, out: Path, spoil: Callable[[Path], None], message: str
) -> None:
    lines = [f"{label},train/{name}/{number}.png" for number in range(4) for label, name in enumerate(("cat", "dog"))]
    (images / "train.csv").write_text("\n".join(["class_id,dir", *lines]))
    spoil(images / "train" / "dog" / "3.png")

    with pytest.raises(FgirError) as error:
        write_manifest(folder_spec(images, train_csv="train.csv", test_fraction=0.5), images, out)

    assert str(error.value).startswith(f"{images}/train/dog/3.png {message}")
    assert "remove it from the dataset" in str(error.value)
    assert files_in(out.parent) == ["manifest.faults.csv"]


def test_all_bad_images_are_named_and_listed(images: Path, out: Path) -> None:
    for number in range(5):
        _truncate(images / "train" / "dog" / f"{number}.png")
    _garble(images / "test" / "cat" / "1.png")
    _empty(images / "test" / "cat" / "2.png")

    with pytest.raises(FgirError) as error:
        write_manifest(folder_spec(images), images, out)

    assert str(error.value).startswith(f"7 images cannot be used: {images}/train/dog/0.png is not a whole image (")
    assert (
        f"; and 2 more; replace them, or remove them from the dataset. All of it: {out.parent}/manifest.faults.csv"
        in (str(error.value))
    )
    listed = list(csv.DictReader((out.parent / "manifest.faults.csv").open()))
    assert [row["image"] for row in listed[-2:]] == ["test/cat/1.png", "test/cat/2.png"]
    assert {row["kind"] for row in listed} == {"unreadable"}
    assert len(listed) == 7


def test_a_list_of_faults_goes_once_they_are_mended(images: Path, out: Path) -> None:
    whole = (images / "test" / "cat" / "1.png").read_bytes()
    _garble(images / "test" / "cat" / "1.png")
    with pytest.raises(FgirError):
        write_manifest(folder_spec(images), images, out)
    (images / "test" / "cat" / "1.png").write_bytes(whole)

    write_manifest(folder_spec(images), images, out)

    assert files_in(out.parent) == ["manifest.parquet"]


FEW = [
    ({"cat": 4, "dog": 1}, "class dog has 1 image and needs 3"),
    ({"cat": 4, "dog": 2}, "class dog has 2 images and needs 3"),
]


@pytest.mark.parametrize(("counts", "message"), FEW)
def test_a_class_with_too_few_images_to_draw_a_test_part_is_named(
    tmp_path: Path, out: Path, counts: dict[str, int], message: str
) -> None:
    root = class_tree(tmp_path / "images", counts)

    with pytest.raises(FgirError, match=f"1 class has too few images: {message}"):
        write_manifest(folder_spec(root, test_fraction=0.25), root, out)

    assert files_in(out.parent) == ["manifest.faults.csv"]


def test_classes_with_one_image_in_train_val_are_all_named(tmp_path: Path, out: Path) -> None:
    class_tree(tmp_path / "train", {"ant": 1, "bee": 4, "cat": 1})
    class_tree(tmp_path / "test", {"ant": 4, "bee": 4, "cat": 4}, first_seed=50)

    with pytest.raises(
        FgirError, match=r"2 classes have too few images: class ant has 1 image in train_val .*; class cat"
    ):
        write_manifest(folder_spec(tmp_path), tmp_path, out)


WRONG = [
    ({"classes": 3}, 'found 2 classes, but "classes" of dataset "mine" in the catalogue says 3'),
    ({"train_val": 11}, 'found 10 train_val images, but "train_val" of dataset "mine" in the catalogue says 11'),
    ({"test": 5}, 'found 6 test images, but "test" of dataset "mine" in the catalogue says 5'),
]


@pytest.mark.parametrize(("keys", "message"), WRONG)
def test_a_count_unlike_the_catalogues_names_folder_and_key(
    images: Path, out: Path, keys: dict[str, int], message: str
) -> None:
    with pytest.raises(FgirError) as error:
        write_manifest(folder_spec(images, **keys), images, out)

    assert str(error.value).startswith(f"{images}: {message}")
    assert files_in(out.parent) == ["manifest.faults.csv"]


def test_all_wrong_counts_are_told_at_once(images: Path, out: Path) -> None:
    with pytest.raises(FgirError, match=r'"classes" of .* says 3; .*"train_val" of .* says 11'):
        write_manifest(folder_spec(images, classes=3, train_val=11), images, out)


def test_counts_without_official_parts_are_compared_in_sum(tmp_path: Path, out: Path) -> None:
    root = class_tree(tmp_path / "images", {"cat": 4, "dog": 4})

    with pytest.raises(FgirError, match=r'found 8 images, but "train_val \+ test" .* says 9'):
        write_manifest(folder_spec(root, test_fraction=0.25, train_val=6, test=3), root, out)


def test_test_images_that_are_also_in_train_are_all_named_with_the_key_that_decides(images: Path, out: Path) -> None:
    for number in range(3):
        shutil.copy(images / "train" / "cat" / f"{number}.png", images / "test" / "cat" / f"again{number}.png")

    with pytest.raises(FgirError) as error:
        write_manifest(folder_spec(images), images, out)

    assert str(error.value) == (
        "3 images are in two parts, byte for byte: test image test/cat/again0.png is train_val image train/cat/0.png; "
        "test image test/cat/again1.png is train_val image train/cat/1.png; "
        "test image test/cat/again2.png is train_val image train/cat/2.png; remove one of each pair, or set leaks: "
        'report in the entry of dataset "mine" in the catalogue to keep them. '
        f"All of it: {out.parent}/manifest.faults.csv"
    )


@pytest.mark.parametrize("copy", ["test/dog/again.png", "train/dog/again.png"])
def test_an_image_in_two_classes_is_a_contradiction(images: Path, out: Path, copy: str) -> None:
    shutil.copy(images / "train" / "cat" / "2.png", images / copy)

    with pytest.raises(FgirError) as error:
        write_manifest(folder_spec(images), images, out)

    assert "1 image is in two classes, byte for byte, a contradiction" in str(error.value)
    assert f"{copy} of class dog is train/cat/2.png of class cat; keep each in its right class alone" in str(
        error.value
    )
    assert "leaks: report" in str(error.value)


def test_what_the_catalogue_lets_be_is_told_and_listed(
    images: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(images / "train" / "cat" / "2.png", images / "test" / "cat" / "again.png")
    shutil.copy(images / "train" / "cat" / "1.png", images / "train" / "dog" / "again.png")

    write_manifest(folder_spec(images, leaks="report"), images, out)

    printed = capsys.readouterr().err
    assert "1 image is in two parts" in printed
    assert "1 image is in two classes" in printed
    assert len((out.parent / "manifest.faults.csv").read_text().splitlines()) == 3
    assert len(read_rows("manifest", out)) == 18


def test_twins_within_a_class_and_part_are_let_be(images: Path, out: Path) -> None:
    shutil.copy(images / "train" / "cat" / "2.png", images / "train" / "cat" / "again.png")

    write_manifest(folder_spec(images), images, out)

    assert len(read_rows("manifest", out)) == 17


def test_an_image_of_val_that_is_also_in_train_is_refused(images: Path, out: Path) -> None:
    class_tree(images / "val", {"cat": 2, "dog": 2}, first_seed=300)
    shutil.copy(images / "train" / "cat" / "2.png", images / "val" / "cat" / "again.png")

    with pytest.raises(FgirError, match=r"val image val/cat/again\.png is train image train/cat/2\.png"):
        write_manifest(folder_spec(images), images, out)


def test_source_json_locates_the_images_and_states_the_terms(images: Path, tmp_path: Path) -> None:
    spec = folder_spec(images, licence="CC0", terms="Be kind.")

    write_source(spec, images, tmp_path / "source.json")

    assert read_root(tmp_path / "source.json") == images
    record = json.loads((tmp_path / "source.json").read_text())
    assert record == {"dataset": "mine", "root": str(images), "licence": "CC0", "terms": "Be kind."}


def test_images_that_moved_away_are_told(images: Path, tmp_path: Path) -> None:
    write_source(folder_spec(images), images, tmp_path / "source.json")
    shutil.rmtree(images)

    with pytest.raises(FgirError, match="are no longer in"):
        read_root(tmp_path / "source.json")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"root": 3}'])
def test_a_damaged_source_json_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "source.json").write_text(content)

    with pytest.raises(FgirError, match=r"source\.json is damaged; delete it and rerun"):
        read_root(tmp_path / "source.json")


def test_a_missing_source_json_is_told(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match=r"source\.json does not exist"):
        read_root(tmp_path / "source.json")


def test_more_images_than_a_block_keep_their_order(tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fgir.data.look.BLOCK", 3)
    root = class_tree(tmp_path / "images", {"cat": 5, "dog": 5})
    write_image(root / "cat" / "9.png", 77)

    write_manifest(folder_spec(root, test_fraction=0.5), root, out)

    rows = read_rows("manifest", out)
    digests = [hashlib.blake2b((root / row["path"]).read_bytes(), digest_size=16).hexdigest() for row in rows]
    assert [row["digest"] for row in rows] == digests
    assert len(rows) == 11


def test_width_and_height_are_those_of_the_upright_image(images: Path, out: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (9, 4)).save(images / "train" / "cat" / "turned.jpg", exif=exif)

    write_manifest(folder_spec(images), images, out)

    assert (4, 9) in {(row["width"], row["height"]) for row in read_rows("manifest", out)}


def test_what_is_passed_over_is_told_in_one_line(images: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (images / "train" / "cat" / "notes.txt").write_text("no image")
    write_image(images / "train" / "loose.png", 900)

    write_manifest(folder_spec(images), images, out)

    assert capsys.readouterr().err.startswith(
        "Passed over: 1 image beside the class folders, e.g. train/loose.png; "
        "1 file that is no image by its name, e.g. train/cat/notes.txt.\n"
    )


def test_what_is_worth_a_look_is_told(images: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (1, 1), "red").save(images / "train/cat/pixel.png")
    Image.new("RGB", (200, 10), "blue").save(images / "train/cat/strip.png")
    Image.new("RGB", (9, 9), "red").save(
        images / "train/dog/pages.tif", save_all=True, append_images=[Image.new("RGB", (9, 9))]
    )
    (images / "train/dog/copy.png").write_bytes((images / "train/dog/0.png").read_bytes())

    write_manifest(folder_spec(images), images, out)

    printed = " ".join(capsys.readouterr().err.split())
    assert "1 image has a side of less than 8 pixels, e.g. train/cat/pixel.png." in printed
    assert "1 image is 20 times as long as wide, or more, e.g. train/cat/strip.png" in printed
    assert "1 image more than once in the same class and part." in printed
    assert "1 image: Several frames or pages, of which the first is read; e.g. train/dog/pages.tif" in printed
