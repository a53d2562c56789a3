"""Stanford Cars (Krause et al. 2013), 16,185 images, in the two layouts that are in circulation.

car_ims/ with cars_annos.mat numbers all images through, class by class. cars_train/ and cars_test/ with the devkit hold
the same images under other numbers, in another order: with cars_annos.mat, box and class say which is which.
"""

from pathlib import Path, PurePosixPath
from typing import NamedTuple

from fgir.data.readers.layout import find_any
from fgir.data.readers.lists import Part, Row, gather
from fgir.data.readers.matlab import load
from fgir.data.readers.trees import unwrapped
from fgir.data.sources.image import Listing
from fgir.utils.errors import FgirError
from fgir.utils.progress import inform

FOLDERS = {"train_val": "cars_train", "test": "cars_test"}
_LAYOUTS = (
    "Read are car_ims/ with cars_annos.mat, or cars_train/ and cars_test/ with cars_train_annos.mat, cars_meta.mat and "
    "cars_test_annos_withlabels.mat"
)
_BOX = ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2")


class _Car(NamedTuple):
    """An annotation: name of the image; number of its class, 0 where the file does not say; its box."""

    image: str
    number: int
    box: tuple[int, ...]
    is_test: bool
    where: str


def read(root: Path) -> Listing:
    """Return both parts, in the order of cars_annos.mat where it is there; labels as it numbers the classes, from 1."""
    path = find_any(root, "cars_annos.mat")
    annotated = _cars(path) if path else []
    folders = _folders(root)
    if path and (len(folders) == 1 or _are_named(annotated, folders)):
        parts = {part: [car for car in annotated if car.is_test == (part == "test")] for part in FOLDERS}
    else:
        parts = _of_devkit(root, annotated)
    (names,) = load(path or _piece(root, "cars_meta.mat"), "class_names")
    listed = [
        Part([_row(car, len(names)) for car in cars], folders.get(part) or folders["all"], part)
        for part, cars in parts.items()
    ]
    return gather(root, listed, lambda row: str(names[row.number - 1]))


def _folders(root: Path) -> dict[str, Path]:
    """Return the folder of all images, or that of each part."""
    if find_any(root, "car_ims"):
        _piece(root, "cars_annos.mat")
        return {"all": unwrapped(root, "car_ims")}
    if not any(find_any(root, folder) for folder in FOLDERS.values()):
        raise FgirError(f"{root} holds neither car_ims/ nor cars_train/ and cars_test/. {_LAYOUTS}.")
    for folder in FOLDERS.values():
        _piece(root, folder)
    return {part: unwrapped(root, folder) for part, folder in FOLDERS.items()}


def _piece(root: Path, name: str) -> Path:
    """Return the path of a file or folder that the layout needs; FgirError where it is missing."""
    path = find_any(root, name)
    if path is None:
        raise FgirError(f"{root} holds no {name}, which its layout needs. {_LAYOUTS}.")
    return path


def _are_named(cars: list[_Car], folders: dict[str, Path]) -> bool:
    """Return whether the two folders keep the names of car_ims/, whose numbers have six digits."""
    first = {part: next((car for car in cars if car.is_test == (part == "test")), None) for part in FOLDERS}
    return all(car and (folders[part] / car.image).exists() for part, car in first.items())


def _of_devkit(root: Path, annotated: list[_Car]) -> dict[str, list[_Car]]:
    """Return the images of each part by the devkit's files, in the order of ``annotated`` where they agree.

    Raises FgirError where a file is missing, or nothing says the classes of the test part.
    """
    labelled = find_any(root, "cars_test_annos_withlabels.mat")
    if annotated and not find_any(root, "cars_train_annos.mat"):
        raise FgirError(
            f"{root}: the numbers in cars_annos.mat are those of car_ims/; those of cars_train/ and cars_test/ are "
            f"others, so cars_train_annos.mat and cars_test_annos_withlabels.mat are needed too. {_LAYOUTS}."
        )
    unlabelled = find_any(root, "cars_test_annos.mat") if annotated else None
    test = labelled or unlabelled or _piece(root, "cars_test_annos_withlabels.mat")
    parts = {"train_val": _cars(_piece(root, "cars_train_annos.mat")), "test": _cars(test)}
    official = {part: [car for car in annotated if car.is_test == (part == "test")] for part in FOLDERS}
    if annotated:
        matched = {part: _in_order(cars, official[part]) for part, cars in parts.items()}
        if all(matched.values()):
            return {part: cars for part, cars in matched.items() if cars}
    if not labelled:
        raise FgirError(f"{test} does not say the classes, and its boxes are not those of cars_annos.mat. {_LAYOUTS}.")
    inform(f"{root}: the images stay in the order of the devkit, so the val part is another than the published one.")
    return parts


def _in_order(cars: list[_Car], official: list[_Car]) -> list[_Car] | None:
    """Return ``cars`` in the order of ``official`` and with its classes; None where their boxes are not the same.

    Several of the same box and class keep their order. FgirError where one of unknown class could be of several.
    """
    places: dict[tuple[int, ...], list[int]] = {}
    for place, car in enumerate(official):
        places.setdefault(car.box, []).append(place)
    found: dict[int, _Car] = {}
    for car in cars:
        # Files without boxes say nothing of which is which.
        fits = [place for place in places.get(car.box, []) if car.box and car.number in (0, official[place].number)]
        if len({official[place].number for place in fits}) > 1:
            raise FgirError(f"{car.where}: cars_annos.mat has this box in several classes. {_LAYOUTS}.")
        free = next((place for place in fits if place not in found), None)
        if free is None:
            return None
        found[free] = car._replace(number=official[free].number)
    return [found[place] for place in sorted(found)] if len(found) == len(official) else None


def _cars(path: Path) -> list[_Car]:
    """Return every annotation of a file, in its order; FgirError where it is not one of Stanford Cars."""
    (table,) = load(path, "annotations")
    fields = table.dtype.names or ()
    image = next((field for field in ("relative_im_path", "fname") if field in fields), None)
    if image is None:
        raise FgirError(f"{path} names no images; fetch it from the dataset's page again.")
    return [
        _Car(
            PurePosixPath(str(entry[image])).name,
            int(entry["class"]) if "class" in fields else 0,
            tuple(int(entry[side]) for side in _BOX if side in fields),
            bool(entry["test"]) if "test" in fields else False,
            f"{path} annotation {number}",
        )
        for number, entry in enumerate(table, start=1)
    ]


def _row(car: _Car, classes: int) -> Row:
    if not 1 <= car.number <= classes:
        raise FgirError(
            f"{car.where}: class {car.number} is not among its {classes} class_names; fetch the file again."
        )
    return Row(car.image, car.number, car.where)
