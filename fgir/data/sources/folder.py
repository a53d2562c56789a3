"""The user's own images: ``train/<class>/`` and ``test/<class>/``, one tree ``<class>/``, or CSV lists.

Imported at Snakemake's parse time: standard library only.
"""

from collections.abc import Iterator
from pathlib import Path

from fgir.catalogue import IMAGE_SUFFIXES, Folder
from fgir.data.sources.csv_lists import read_lists
from fgir.data.sources.image import SourceImage
from fgir.errors import FgirError
from fgir.specs import SourceSpec

PARTS = {"train": "train_val", "test": "test"}


def acquire(spec: SourceSpec) -> Path:
    """The folder itself; FgirError where it is missing."""
    assert isinstance(spec.entry, Folder)
    return _root(spec.dataset, spec.entry)


def classes(spec: SourceSpec, root: Path) -> list[str]:
    """Sorted names of the class folders; class ids from 0 for CSV files."""
    assert isinstance(spec.entry, Folder)
    return class_names(spec.dataset, spec.entry)


def rows(spec: SourceSpec, root: Path) -> Iterator[SourceImage]:
    """Every image: part after part, class after class, sorted by path; CSV files in their own order."""
    entry = spec.entry
    assert isinstance(entry, Folder)
    if _is_listed(spec.dataset, entry):
        yield from read_lists(root, entry)
        return
    for folder, part in _parts(spec.dataset, entry, root):
        for name in class_names(spec.dataset, entry):
            images = _images(folder / name)
            if not images:
                raise FgirError(f"{folder / name} holds no images; add some or remove the folder.")
            yield from (SourceImage(path.relative_to(root).as_posix(), name, part) for path in images)


def class_names(name: str, entry: Folder) -> list[str]:
    """Class names of dataset ``name``: sorted class folders, or the class ids of CSV files from 0.

    Raises FgirError where the folder or a part is missing, a class stands in one part alone, or a CSV file is wrong.
    """
    root = _root(name, entry)
    if _is_listed(name, entry):
        ids = {int(image.class_name) for image in read_lists(root, entry)}
        return [str(number) for number in sorted(ids)]
    found = {folder: _class_folders(folder) for folder, _ in _parts(name, entry, root)}
    for folder, names in found.items():
        for other in found:
            missing = sorted(set(names) - set(found[other]))
            if missing:
                raise FgirError(f"Class {missing[0]} is in {folder} but not in {other}; a class needs images in both.")
    names = next(iter(found.values()))
    if len(names) < 2:
        raise FgirError(f"{next(iter(found))} holds {len(names)} class folders; at least two are needed.")
    return names


def _root(name: str, entry: Folder) -> Path:
    root = Path(entry.path).expanduser()
    if not root.is_dir():
        raise FgirError(f'The folder {root} does not exist; correct "path" of dataset "{name}" in the catalogue.')
    return root


def _is_listed(name: str, entry: Folder) -> bool:
    if entry.test_csv and not entry.train_csv:
        raise FgirError(f'Dataset "{name}" has test_csv but no train_csv; name the CSV file of its train_val part.')
    if entry.train_csv:
        _check_fraction(name, entry, official=entry.test_csv is not None, there="test_csv")
    return entry.train_csv is not None


def _parts(name: str, entry: Folder, root: Path) -> list[tuple[Path, str | None]]:
    there = [folder for folder in PARTS if (root / folder).is_dir()]
    if len(there) == 1:
        missing = next(folder for folder in PARTS if folder not in there)
        raise FgirError(f"{root} has {there[0]}/ but no {missing}/; add it, or let it hold class folders alone.")
    if not there and not _class_folders(root):
        raise FgirError(f"{root} holds 0 class folders; at least two are needed.")
    _check_fraction(name, entry, official=bool(there), there="train/ and test/")
    return [(root / folder, PARTS[folder]) for folder in there] or [(root, None)]


def _check_fraction(name: str, entry: Folder, official: bool, there: str) -> None:
    if official and entry.test_fraction is not None:
        raise FgirError(f'Dataset "{name}" has both {there} and test_fraction; remove test_fraction from its entry.')
    if not official and entry.test_fraction is None:
        raise FgirError(f'Dataset "{name}" has no test part; add test_fraction: 0.25 to its entry.')


def _class_folders(folder: Path) -> list[str]:
    return sorted(child.name for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))


def _images(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()
    )
