"""Stanford Cars in every layout in circulation: the same images, classes, parts and order."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.io import savemat
from small_datasets import write_image

from fgir.data.readers import cars
from fgir.data.sources.image import Listing
from fgir.utils.errors import FgirError


class Car(NamedTuple):
    number: int
    box: tuple[int, int, int, int]
    is_test: bool


NAMES = ["Audi TT", "BMW X5"]
# In the order of cars_annos.mat, class by class. Two boxes are of two classes each, and one of two images of a class.
CARS = [
    Car(1, (1, 2, 8, 9), False),
    Car(1, (3, 1, 9, 7), False),
    Car(1, (3, 1, 9, 7), False),
    Car(1, (2, 2, 7, 8), True),
    Car(2, (1, 2, 8, 9), False),
    Car(2, (5, 1, 9, 6), False),
    Car(2, (4, 4, 9, 9), True),
    Car(2, (1, 1, 5, 6), True),
]
# The devkit numbers each part anew, in another order; images of one box and class keep theirs.
OF_DEVKIT = {"train": [5, 1, 4, 2, 0], "test": [7, 3, 6]}
BOX = ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2")


def mat(path: Path, image: str, rows: list[tuple[str, Car]], *more: str, names: bool = False) -> None:
    """Write annotations of (file name, car), with the fields that the official file of that name has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = [
        (name, *car.box, *(getattr(car, {"class": "number", "test": "is_test"}[f]) for f in more)) for name, car in rows
    ]
    table = np.array([values], dtype=[(field, object) for field in (image, *BOX, *more)])
    savemat(path, {"annotations": table} | ({"class_names": class_names()} if names else {}))


def class_names() -> Any:
    return np.array([NAMES], dtype=object)


def image(path: Path, car: int) -> None:
    """Write a picture that no other car has."""
    write_image(path.with_suffix(".png"), car)
    path.with_suffix(".png").rename(path)


def annos(root: Path) -> None:
    rows = [(f"car_ims/{place:06d}.jpg", car) for place, car in enumerate(CARS, start=1)]
    mat(root / "cars_annos.mat", "relative_im_path", rows, "class", "test", names=True)


def official(root: Path) -> Path:
    annos(root)
    for place in range(len(CARS)):
        image(root / f"car_ims/{place + 1:06d}.jpg", place)
    return root


def folders(root: Path, devkit: str = "devkit", labelled: str = "cars_test_annos_withlabels.mat") -> Path:
    for part, order in OF_DEVKIT.items():
        rows = [(f"{place:05d}.jpg", CARS[car]) for place, car in enumerate(order, start=1)]
        file = labelled if part == "test" else "cars_train_annos.mat"
        mat(root / devkit / file, "fname", rows, *(["class"] if "train" in file or "withlabels" in file else []))
        for (name, _), car in zip(rows, order, strict=True):
            image(root / f"cars_{part}/cars_{part}/{name}", car)
    savemat(root / devkit / "cars_meta.mat", {"class_names": class_names()})
    return root


def shown(listing: Listing, root: Path) -> list[tuple[str, str | None, bytes]]:
    """Class, part and picture of every image, in their order."""
    return [(image.class_name, image.part, (root / image.path).read_bytes()) for image in listing.images]


def both_named_as_in_car_ims(root: Path) -> Path:
    annos(root)
    for place, car in enumerate(CARS):
        image(root / f"cars_{'test' if car.is_test else 'train'}/{place + 1:06d}.jpg", place)
    return root


def with_annos(root: Path, **keys: str) -> Path:
    annos(folders(root, **keys))
    return root


def without_labels(root: Path) -> Path:
    return with_annos(root, labelled="cars_test_annos.mat")


def all_in_one(root: Path) -> Path:
    return with_annos(root, devkit=".")


@pytest.mark.parametrize("layout", [with_annos, without_labels, all_in_one, both_named_as_in_car_ims])
def test_every_layout_lists_the_same_cars(tmp_path: Path, layout: Any) -> None:
    expected = shown(cars.read(official(tmp_path / "official")), tmp_path / "official")

    listing = cars.read(layout(tmp_path / "other"))

    assert listing.classes == NAMES
    assert shown(listing, tmp_path / "other") == expected


def test_the_devkit_alone_gives_the_same_cars_in_its_own_order_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = shown(cars.read(official(tmp_path / "official")), tmp_path / "official")

    listing = cars.read(folders(tmp_path / "other"))

    found = shown(listing, tmp_path / "other")
    assert found != expected
    assert sorted(found) == sorted(expected)
    assert "stay in the order of the devkit" in capsys.readouterr().err


def test_annotations_of_other_boxes_leave_the_order_of_the_devkit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folders(tmp_path)
    monkeypatch.setitem(globals(), "CARS", [car._replace(box=(9, 9, 9, 9)) for car in CARS])
    annos(tmp_path)

    listing = cars.read(tmp_path)

    assert [Path(image.path).name for image in listing.images[:2]] == ["00001.jpg", "00002.jpg"]
    assert "stay in the order of the devkit" in capsys.readouterr().err


def test_annotations_without_boxes_leave_the_order_of_the_devkit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "BOX", ())
    monkeypatch.setitem(globals(), "CARS", [car._replace(box=()) for car in CARS])

    listing = cars.read(with_annos(tmp_path))

    assert [Path(image.path).name for image in listing.images[:2]] == ["00001.jpg", "00002.jpg"]
    assert "stay in the order of the devkit" in capsys.readouterr().err


def test_a_box_of_several_classes_without_labels_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doubtful = [car._replace(box=(4, 4, 9, 9)) if car.is_test else car for car in CARS]
    monkeypatch.setitem(globals(), "CARS", doubtful)

    with pytest.raises(FgirError, match=r"cars_test_annos.mat annotation 1: cars_annos.mat has this box in several"):
        cars.read(without_labels(tmp_path))


@pytest.mark.parametrize("piece", ["devkit/cars_train_annos.mat", "devkit/cars_meta.mat", "cars_test"])
def test_a_missing_piece_is_named_with_the_layouts_that_are_read(tmp_path: Path, piece: str) -> None:
    (folders(tmp_path) / piece).rename(tmp_path / ".gone")

    with pytest.raises(FgirError, match=rf"holds no {Path(piece).name}.*Read are car_ims/ with cars_annos.mat, or"):
        cars.read(tmp_path)


def test_test_images_without_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match=r"holds no cars_test_annos_withlabels.mat"):
        cars.read(folders(tmp_path, labelled="cars_test_annos.mat"))


def test_numbers_of_car_ims_are_not_taken_for_those_of_the_folders(tmp_path: Path) -> None:
    with_annos(tmp_path)
    (tmp_path / "devkit").rename(tmp_path / ".away")

    with pytest.raises(FgirError, match=r"the numbers in cars_annos.mat are those of car_ims/"):
        cars.read(tmp_path)


def test_a_folder_of_something_else_names_the_layouts(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match="neither car_ims/ nor cars_train/ and cars_test/"):
        cars.read(tmp_path)
