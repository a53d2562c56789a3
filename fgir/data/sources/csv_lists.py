"""Lists of images as CSV files ``class_id,dir``: class ids from 0 without gaps, paths relative to the dataset's folder.

Imported at Snakemake's parse time: standard library only.
"""

import csv
from collections.abc import Iterator
from io import StringIO
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from fgir.catalogue import Folder
from fgir.data.sources.image import SourceImage
from fgir.data.text import read_text
from fgir.errors import FgirError

HEADER = ["class_id", "dir"]


class Line(NamedTuple):
    """One line of a CSV file."""

    number: int
    class_id: int
    path: str


def read_lists(root: Path, entry: Folder) -> Iterator[SourceImage]:
    """Every image of train_csv, then of test_csv, in the order of the files.

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


def _read(path: Path) -> list[Line]:
    try:
        reader = csv.reader(StringIO(read_text(path), newline=""))
        if next(reader, None) != HEADER:
            raise FgirError(f"{path} line 1: the header must be class_id,dir.")
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
