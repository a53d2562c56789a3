"""Shared by the readers of labelled lists, which name images and their classes' numbers line by line."""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from fgir.data.readers.layout import find, lines
from fgir.data.sources.image import Listing, SourceImage
from fgir.utils.errors import FgirError

HEADER = "class_id,dir"


class Row(NamedTuple):
    """An image as a list names it."""

    path: str
    """Inside the folder of the images, with forward slashes."""
    number: int
    """Number of its class, as the list counts."""
    where: str
    """The file and line, for errors."""


class Part(NamedTuple):
    """A list of images, read: its rows, the folder their paths are in, and the official part it stands for."""

    rows: list[Row]
    folder: Path
    name: str


def spaced(path: Path) -> list[Row]:
    """Return rows of a file of lines ``image number``; FgirError at a line that is not one, or where there are none."""
    return _rows(path, [(line.rsplit(maxsplit=1), where) for line, where in located_lines(path)])


def comma_separated(path: Path) -> list[Row]:
    """Return rows of a file of lines ``number,image``, with or without the header; FgirError as ``spaced``."""
    found = located_lines(path)
    return _rows(path, [(line.split(",", maxsplit=1)[::-1], where) for line, where in found if line != HEADER])


def published(root: Path) -> list[Part]:
    """Return the parts that the study published, train_val.csv and test.csv right in ``root``; none without them.

    They hold what no archive does: the order of a class's images, of which the first train.
    """
    files = {part: root / f"{part}.csv" for part in ("train_val", "test")}
    if not all(path.is_file() for path in files.values()):
        return []
    rows = {part: comma_separated(path) for part, path in files.items()}
    return [Part(found, holder(root, found[0].path), part) for part, found in rows.items()]


def holder(root: Path, path: str) -> Path:
    """Return the folder below ``root`` inside which ``path`` is; FgirError where it is nowhere."""
    return find(root, path).parents[len(PurePosixPath(path).parts) - 1]


def gather(root: Path, parts: Iterable[Part], class_of: Callable[[Row], str]) -> Listing:
    """Return the listing of ``parts``, in their order; classes by their numbers, named by ``class_of``.

    Raises FgirError naming list and line at an image that is not there, a class that has another name on another line,
    or one that no part before the test part has.
    """
    names: dict[int, str] = {}
    found: dict[Path, set[str]] = {}
    images: list[tuple[str, int, str]] = []
    for part in parts:
        if part.folder not in found:
            found[part.folder] = files_in(part.folder)
        inside = part.folder.relative_to(root)
        for row in part.rows:
            _check(row, part, found[part.folder], names, class_of(row))
            images.append(((inside / row.path).as_posix(), row.number, part.name))
    unique = _unique(names)
    return Listing(list(unique.values()), [SourceImage(path, unique[number], part) for path, number, part in images])


def files_in(folder: Path) -> set[str]:
    """Return the paths of all files below ``folder``, inside it: one walk is faster than a look at 600,000 files."""
    walk = ((Path(path).relative_to(folder), names) for path, _, names in os.walk(folder, followlinks=True))
    prefixed = ((f"{inside.as_posix()}/" if inside.parts else "", names) for inside, names in walk)
    return {prefix + name for prefix, names in prefixed for name in names}


def _check(row: Row, part: Part, present: set[str], names: dict[int, str], name: str) -> None:
    if row.path not in present:
        raise FgirError(f"{row.where}: {part.folder / row.path} does not exist; restore it from the archive.")
    if part.name == "test" and row.number not in names:
        raise FgirError(f"{row.where}: class {row.number} has no train_val image; get the list from the archive again.")
    if names.setdefault(row.number, name) != name:
        raise FgirError(
            f"{row.where}: class {row.number} is {name} here, but {names[row.number]} before; "
            "get the list from the archive again."
        )


def _unique(names: dict[int, str]) -> dict[int, str]:
    """Return names by rising number; a name that two classes bear gets its number."""
    times = Counter(names.values())
    return {number: name if times[name] == 1 else f"{name} ({number})" for number, name in sorted(names.items())}


def located_lines(path: Path) -> list[tuple[str, str]]:
    """Return lines of a list, stripped, with file and line for errors; FgirError where it is missing."""
    try:
        return [(line.strip(), where) for line, where in lines(path)]
    except FileNotFoundError:
        raise FgirError(f"{path} does not exist; restore it from the archive.") from None


def _rows(path: Path, found: list[tuple[list[str], str]]) -> list[Row]:
    if not found:
        raise FgirError(f"{path} names no images; restore it from the archive.")
    return [_row(fields, where) for fields, where in found]


def _row(fields: list[str], where: str) -> Row:
    if len(fields) != 2 or not (fields[1].isascii() and fields[1].isdecimal()):
        raise FgirError(f"{where}: expected an image and the number of its class; restore the list from the archive.")
    return Row(PurePosixPath(fields[0]).as_posix(), int(fields[1]), where)
