"""Lists of images as CSV files ``class_id,dir``: class ids from 0 without gaps, paths relative to the dataset's folder.

Imported at Snakemake's parse time: standard library only.
"""

import csv
import os
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from fgir.data.sources.image import SourceImage
from fgir.data.sources.walk import images_anywhere
from fgir.study.catalogue import Folder
from fgir.utils.errors import FgirError
from fgir.utils.text import read_text
from fgir.utils.words import counted, shown

HEADER = ["class_id", "dir"]
_NAMED = 5


class Line(NamedTuple):
    """One line of a CSV file."""

    number: int
    class_id: int
    path: str


def check_files(root: Path, entry: Folder) -> None:
    """Look for every file of train_csv and test_csv; FgirError with the lines, and why, of those that are not there."""
    for name in filter(None, (entry.train_csv, entry.test_csv)):
        lost = [line for line in _read(root / name) if not os.path.isfile(root / line.path)]
        if lost:
            named = "; ".join(f"line {line.number}: '{shown(line.path)}'" for line in lost[:_NAMED])
            more = f"; and {len(lost) - _NAMED:,} more" if len(lost) > _NAMED else ""
            raise FgirError(
                f"{root / name} names {counted(len(lost), 'file')} that {'is' if len(lost) == 1 else 'are'} not in "
                f"{root}: {named}{more}; {_advice(root, lost[0].path)}."
            )


def _advice(root: Path, path: str) -> str:
    """Say what is wrong with a path that leads to no file."""
    if "\\" in path:
        return "write it relative to that folder, with / between folders"
    if path.strip() != path and os.path.isfile(root / path.strip()):
        return "remove the blanks around the path"
    return "correct the path, or remove the line"


def read_lists(root: Path, entry: Folder) -> Iterator[SourceImage]:
    """Yield every image of train_csv, then of test_csv, in the order of the files.

    Raises FgirError naming file and line at a bad line, an unknown class id, or a class without images.
    """
    assert entry.train_csv
    train, lines = root / entry.train_csv, _read(root / entry.train_csv)
    count = entry.classes or _contiguous(train, lines)
    _check_ids(train, lines, count)
    part = "train_val" if entry.test_csv else None
    yield from (SourceImage(line.path, str(line.class_id), part) for line in lines)
    if entry.test_csv:
        test, lines = root / entry.test_csv, _read(root / entry.test_csv)
        _check_ids(test, lines, count)
        yield from (SourceImage(line.path, str(line.class_id), "test") for line in lines)


def left_out(root: Path, entry: Folder, images: Iterable[SourceImage]) -> list[str]:
    """Return one sentence on the images of the dataset's folder that the CSV files do not name, if there are any."""
    listed = {root / image.path for image in images}
    places = {folder: os.path.realpath(folder) for folder in {path.parent for path in listed}}
    named = {(places[path.parent], path.name) for path in listed}
    others = [path for place, path in images_anywhere(str(root)) if (place, os.path.basename(path)) not in named]
    if not others:
        return []
    lists = f"{entry.train_csv} and {entry.test_csv} do" if entry.test_csv else f"{entry.train_csv} does"
    example = shown(os.path.relpath(min(others), root))
    return [f"Passed over: {counted(len(others), 'image')} that {lists} not name, e.g. {example}."]


def _read(path: Path) -> list[Line]:
    try:
        text = read_text(path)
        # Strict: a quote that is never closed would swallow all the lines behind it.
        reader = csv.reader(StringIO(text, newline=""), strict=True)
        if next(reader, None) != HEADER:
            first = (text.splitlines() or [""])[0]
            raise FgirError(
                f"{path} line 1: the header must be class_id,dir, but the line is '{shown(first)[:80]}'; write it so, "
                "with these two columns in this order, separated by a comma."
            )
        lines = [_line(path, reader.line_num, fields) for fields in reader if fields]
    except FileNotFoundError:
        raise FgirError(f"{path} does not exist; correct train_csv or test_csv in the catalogue.") from None
    except csv.Error as error:
        raise FgirError(f"{path} line {reader.line_num}: not CSV ({error}); correct the line.") from None
    if not lines:
        raise FgirError(f"{path} names no images; add lines class_id,dir.")
    return lines


def _line(path: Path, number: int, fields: list[str]) -> Line:
    if len(fields) != 2 or not fields[1].strip():
        raise FgirError(f"{path} line {number}: expected class_id,dir but got {','.join(fields)!r}; correct the line.")
    # isdecimal alone admits digits of other scripts, which int() reads too: ids would not be what the file shows.
    if not (fields[0].isascii() and fields[0].isdecimal()):
        raise FgirError(f"{path} line {number}: class_id {fields[0]!r} is no whole number from 0; correct the line.")
    if any(sign in fields[1] for sign in "\0\r\n"):
        raise FgirError(
            f"{path} line {number}: the path '{shown(fields[1])[:80]}' holds a line break or a zero byte; is a quote "
            "missing? Correct the line."
        )
    inside = PurePosixPath(fields[1])
    if inside.is_absolute() or ".." in inside.parts:
        raise FgirError(
            f"{path} line {number}: {fields[1]} is not inside the dataset's folder; make it relative to it."
        )
    return Line(number, int(fields[0]), inside.as_posix())


def _contiguous(path: Path, lines: list[Line]) -> int:
    present = {line.class_id for line in lines}
    gap = next(number for number in range(len(present) + 1) if number not in present)
    beyond = next((line for line in lines if line.class_id > gap), None)
    if beyond:
        raise FgirError(
            f"{path} line {beyond.number}: class_id {beyond.class_id}, but no line has class_id {gap}; "
            "number the classes from 0 without gaps."
        )
    if len(present) < 2:
        raise FgirError(f"{path} names one class; at least two are needed.")
    return len(present)


def _check_ids(path: Path, lines: list[Line], count: int) -> None:
    for line in lines:
        if line.class_id >= count:
            raise FgirError(
                f"{path} line {line.number}: unknown class_id {line.class_id}; class ids are 0 to {count - 1}."
            )
    missing = set(range(count)) - {line.class_id for line in lines}
    if missing:
        raise FgirError(f"{path} has no image of class_id {min(missing)}; every class needs images in every part.")
