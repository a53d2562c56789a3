"""Aircraft, birds, cars, dogs, dishes, flowers and pets, from archives of their official layout."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packed import delivered, delivered_images, parts_of, split_of
from scipy.io import savemat

from fgir.data.readers import aircraft, birdsnap, cars, cub, dogs, flowers, food, pets
from fgir.utils.errors import FgirError


def both(root: Path, archive: str, texts: dict[str, str], images: list[str]) -> Path:
    """One archive of lists and images, as if it were two: packed apart, unpacked into one folder."""
    delivered_images(root, archive, images)
    for name, text in texts.items():
        path = root / archive.removesuffix(".tar.gz").removesuffix(".tgz") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def cells(*texts: str) -> Any:
    """Texts as MATLAB keeps them."""
    return np.array([[text] for text in texts], dtype=object)


AIRCRAFT = "fgvc-aircraft-2013b/data/"


def an_aircraft(root: Path, trainval: str = "0002 707-320\n0001 A 300/B4\n0003 707-320\n") -> Path:
    lists = {"images_variant_trainval.txt": trainval, "images_variant_test.txt": "0004 A 300/B4\n"}
    images = [f"{AIRCRAFT}images/000{n}.jpg" for n in range(1, 5)]
    return both(root, "fgvc-aircraft-2013b.tar.gz", {AIRCRAFT + name: text for name, text in lists.items()}, images)


def test_aircraft_are_labelled_in_the_order_of_their_variants(tmp_path: Path) -> None:
    listing = aircraft.read(an_aircraft(tmp_path))

    assert listing.classes == ["707-320", "A 300/B4"]
    assert parts_of(listing) == [
        ("707-320", "0002.jpg", "train_val"),
        ("A 300/B4", "0001.jpg", "train_val"),
        ("707-320", "0003.jpg", "train_val"),
        ("A 300/B4", "0004.jpg", "test"),
    ]


def test_an_aircraft_that_is_not_there_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match=r"images_variant_trainval.txt line 2: .*0009.jpg does not exist"):
        aircraft.read(an_aircraft(tmp_path, "0001 A 300/B4\n0009 707-320\n"))


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    path = an_aircraft(tmp_path) / "fgvc-aircraft-2013b" / AIRCRAFT / "images_variant_trainval.txt"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    assert parts_of(aircraft.read(tmp_path))[0] == ("707-320", "0002.jpg", "train_val")


def test_a_line_in_another_encoding_is_named(tmp_path: Path) -> None:
    path = an_aircraft(tmp_path) / "fgvc-aircraft-2013b" / AIRCRAFT / "images_variant_trainval.txt"
    path.write_bytes(path.read_bytes().replace(b"A 300/B4", b"A\xe9rospatiale"))

    with pytest.raises(FgirError, match=r"images_variant_trainval.txt line 2: byte 0xe9 is not in UTF-8; save"):
        aircraft.read(tmp_path)


def birds(root: Path, labels: str = "1 2\n2 2\n3 10\n4 10\n") -> Path:
    texts = {
        "images.txt": "1 b/x_1.jpg\n2 b/x_2.jpg\n3 c/y_1.jpg\n4 c/y_2.jpg\n",
        "image_class_labels.txt": labels,
        "train_test_split.txt": "1 1\n2 0\n3 0\n4 1\n",
        "classes.txt": "2 002.Auk\n10 Oak Titmouse\n11 Birds\n",
    }
    images = [f"birds/images/{name}.jpg" for name in ("b/x_1", "b/x_2", "c/y_1", "c/y_2")]
    return both(root, "birds.tgz", {f"birds/{name}": text for name, text in texts.items()}, images)


def test_birds_have_labels_without_gaps_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    listing = cub.read(birds(tmp_path))

    assert listing.classes == ["002.Auk", "Oak Titmouse"]
    assert parts_of(listing) == [
        ("002.Auk", "x_1.jpg", "train_val"),
        ("Oak Titmouse", "y_2.jpg", "train_val"),
        ("002.Auk", "x_2.jpg", "test"),
        ("Oak Titmouse", "y_1.jpg", "test"),
    ]
    assert listing.images[0].path == "birds/birds/images/b/x_1.jpg"


def test_a_bird_without_a_class_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match=r"images.txt line 3: image 3 has no class"):
        cub.read(birds(tmp_path, "1 2\n2 2\n3 12\n4 10\n"))


def test_a_bird_whose_class_has_no_number_is_named_with_its_line(tmp_path: Path) -> None:
    root = birds(tmp_path, "1 two\n2 two\n3 10\n4 10\n")
    (root / "birds/birds/classes.txt").write_text("two 002.Auk\n10 Oak Titmouse\n")

    with pytest.raises(FgirError, match=r"images.txt line 1: image 1 has no class"):
        cub.read(tmp_path)


def a_car(root: Path, first: int = 2) -> Path:
    delivered_images(root, "car_ims.tgz", [f"car_ims/00000{n}.jpg" for n in range(1, 5)])
    kinds = [("relative_im_path", object), ("class", object), ("test", object)]
    found = [(f"car_ims/00000{n}.jpg", 1 + n % 2, int(n > 2)) for n in range(1, 5)]
    found[0] = (found[0][0], first, 0)
    annotations = np.array([found], dtype=kinds)
    savemat(root / "cars_annos.mat", {"annotations": annotations, "class_names": cells("Audi TT", "BMW X5").T})
    return root


def test_cars_are_read_from_their_annotations(tmp_path: Path) -> None:
    listing = cars.read(a_car(tmp_path))

    assert listing.classes == ["Audi TT", "BMW X5"]
    assert parts_of(listing) == [
        ("BMW X5", "000001.jpg", "train_val"),
        ("Audi TT", "000002.jpg", "train_val"),
        ("BMW X5", "000003.jpg", "test"),
        ("Audi TT", "000004.jpg", "test"),
    ]


@pytest.mark.parametrize("number", [0, 3])
def test_a_car_of_an_unknown_class_is_named(tmp_path: Path, number: int) -> None:
    with pytest.raises(FgirError, match=rf"cars_annos.mat annotation 1: class {number} is not among its 2"):
        cars.read(a_car(tmp_path, first=number))


def test_a_car_that_is_not_there_is_named(tmp_path: Path) -> None:
    (a_car(tmp_path) / "car_ims/car_ims/000003.jpg").unlink()

    with pytest.raises(FgirError, match=r"cars_annos.mat annotation 3: .*000003.jpg does not exist"):
        cars.read(tmp_path)


def test_a_damaged_file_of_annotations_is_told(tmp_path: Path) -> None:
    (a_car(tmp_path) / "cars_annos.mat").write_bytes(b"<html>")

    with pytest.raises(FgirError, match=r"cars_annos.mat is no whole MATLAB file"):
        cars.read(tmp_path)


def a_dog(root: Path, labels: tuple[int, ...] = (1, 2), first: str = "n02-Chow-Chow/n02_1.jpg") -> Path:
    names = ["n02-Chow-Chow/n02_1.jpg", "n02-Chow-Chow/n02_2.jpg", "n03-Pug/n03_1.jpg", "n03-Pug/n03_2.jpg"]
    delivered_images(root, "images.tar", [f"Images/{name}" for name in names])
    (root / "lists").mkdir()
    for file, part in (("train_list", [first, names[2]]), ("test_list", names[1::2])):
        numbers = np.array([[label] for label in labels])
        savemat(root / f"lists/{file}.mat", {"file_list": cells(*part), "labels": numbers})
    return root


def test_dogs_are_read_from_their_lists(tmp_path: Path) -> None:
    listing = dogs.read(a_dog(tmp_path))

    assert listing.classes == ["Chow-Chow", "Pug"]
    assert parts_of(listing) == [
        ("Chow-Chow", "n02_1.jpg", "train_val"),
        ("Pug", "n03_1.jpg", "train_val"),
        ("Chow-Chow", "n02_2.jpg", "test"),
        ("Pug", "n03_2.jpg", "test"),
    ]


def test_a_dog_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match=r"train_list.mat entry 1: .*n02_9.jpg does not exist"):
        dogs.read(a_dog(tmp_path, first="n02-Chow-Chow/n02_9.jpg"))


@pytest.mark.parametrize(("labels", "printed"), [((1,), "1 label"), ((1, 2, 2), "3 labels")])
def test_lists_of_dogs_with_more_or_fewer_labels_are_told(
    tmp_path: Path, labels: tuple[int, ...], printed: str
) -> None:
    with pytest.raises(FgirError, match=rf"train_list.mat has 2 files, but {printed};"):
        dogs.read(a_dog(tmp_path, labels))


def a_flower(root: Path, labels: tuple[int, ...] = (1, 1, 1, 2, 2, 2)) -> Path:
    delivered_images(root, "102flowers.tgz", [f"jpg/image_0000{n}.jpg" for n in range(1, 7)])
    savemat(root / "imagelabels.mat", {"labels": np.array([labels])})
    savemat(root / "setid.mat", {"trnid": [[4, 1]], "valid": [[2, 5]], "tstid": [[3, 6]]})
    return root


def test_flowers_keep_their_official_val_part(tmp_path: Path) -> None:
    parts = split_of(
        a_flower(tmp_path / "flowers"), "flowers", tmp_path, classes=2, val_part="official", train=2, val=2, test=2
    )

    images = {part: [Path(path).name for path in paths] for part, paths in parts.items()}
    assert images == {
        "train": ["image_00004.jpg", "image_00001.jpg"],
        "val": ["image_00002.jpg", "image_00005.jpg"],
        "test": ["image_00003.jpg", "image_00006.jpg"],
    }


def test_a_flower_without_a_label_is_told(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match=r"setid.mat tstid: image 6 has no label"):
        flowers.read(a_flower(tmp_path, (1, 1, 1, 2, 2)))


def a_dish(root: Path, train: str = "pie/2\napple/1\npie/1\napple/2\n") -> Path:
    texts = {"classes.txt": "apple\npie\n", "train.txt": train, "test.txt": "apple/3\npie/3\n"}
    images = [f"food-101/images/{name}/{n}.jpg" for name in ("apple", "pie") for n in (1, 2, 3)]
    return both(root, "food-101.tar.gz", {f"food-101/meta/{name}": text for name, text in texts.items()}, images)


def test_dishes_are_divided_by_the_published_rule_in_the_order_of_their_list(tmp_path: Path) -> None:
    parts = split_of(a_dish(tmp_path / "food"), "food", tmp_path, classes=2, train_fraction=0.5, train=2, val=2)

    images = {part: [path.partition("images/")[2] for path in paths] for part, paths in parts.items()}
    assert images == {
        "train": ["pie/2.jpg", "apple/1.jpg"],
        "val": ["pie/1.jpg", "apple/2.jpg"],
        "test": ["apple/3.jpg", "pie/3.jpg"],
    }
    assert food.read(tmp_path / "food").classes == ["apple", "pie"]


def test_an_unknown_dish_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match=r"train.txt line 2: cake is not in classes.txt"):
        food.read(a_dish(tmp_path, "pie/2\ncake/1\n"))


def a_pet(root: Path) -> Path:
    names = ["Abyssinian_1", "Abyssinian_2", "great_pyrenees_1", "great_pyrenees_2"]
    delivered_images(root, "images.tar.gz", [f"images/{name}.jpg" for name in names])
    lists = {"trainval.txt": "Abyssinian_1 1 1 1\ngreat_pyrenees_1 2 2 1\n", "test.txt": "Abyssinian_2 1 1 1\n"}
    delivered(root, "annotations.tar.gz", {f"annotations/{name}": text for name, text in lists.items()})
    return root


def test_pets_are_read_from_their_lists(tmp_path: Path) -> None:
    listing = pets.read(a_pet(tmp_path))

    assert listing.classes == ["Abyssinian", "great_pyrenees"]
    assert parts_of(listing) == [
        ("Abyssinian", "Abyssinian_1.jpg", "train_val"),
        ("great_pyrenees", "great_pyrenees_1.jpg", "train_val"),
        ("Abyssinian", "Abyssinian_2.jpg", "test"),
    ]


def test_a_bad_line_about_pets_is_named(tmp_path: Path) -> None:
    (a_pet(tmp_path) / "annotations/annotations/test.txt").write_text("Abyssinian_2 1 1 1\nAbyssinian_1\n")

    with pytest.raises(FgirError, match=r"test.txt line 2: expected image, class, species and breed"):
        pets.read(tmp_path)


def test_an_empty_list_of_pets_is_told(tmp_path: Path) -> None:
    (a_pet(tmp_path) / "annotations/annotations/trainval.txt").write_text("")

    with pytest.raises(FgirError, match=r"trainval.txt names no images"):
        pets.read(tmp_path)


def a_snap(root: Path) -> Path:
    table = "url\tmd5\tpath\tspecies_id\n" + "".join(
        f"http://x\t0\t{name}\t{number}\n" for name, number in (("auk/1.jpg", 1), ("auk/2.jpg", 1), ("gull/1.jpg", 2))
    )
    texts = {"images.txt": table, "test_images.txt": "path\nauk/2.jpg\n"}
    texts["species.txt"] = "id\tcommon\tscientific\tdir\n1\tAuk\tAlca\tauk\n2\tGull\tLarus\tgull\n"
    return both(root, "birdsnap.tgz", texts, [f"download/images/{name}.jpg" for name in ("auk/1", "auk/2")])


def test_a_table_in_another_encoding_is_told_with_its_line(tmp_path: Path) -> None:
    path = next(a_snap(tmp_path).rglob("species.txt"))
    path.write_bytes(path.read_bytes().replace(b"Auk", b"\xc4uk"))

    with pytest.raises(FgirError, match=r"species.txt line \d+: byte 0xc4 is not in UTF-8"):
        birdsnap.read(tmp_path)


def test_photographs_that_can_no_longer_be_had_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listing = birdsnap.read(a_snap(tmp_path))

    assert parts_of(listing) == [("Auk", "1.jpg", "train_val"), ("Auk", "2.jpg", "test")]
    assert "Birdsnap: 1 photograph of the lists" in capsys.readouterr().err


@pytest.mark.parametrize(("gone", "part"), [("1", "train_val"), ("2", "test")])
def test_a_part_without_photographs_is_told(tmp_path: Path, gone: str, part: str) -> None:
    (a_snap(tmp_path) / f"birdsnap/download/images/auk/{gone}.jpg").unlink()

    with pytest.raises(FgirError, match=rf"download/images holds no {part} image"):
        birdsnap.read(tmp_path)
