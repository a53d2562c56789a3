"""Shared by the readers of official archives: finding their files, reading their lists."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from fgir.data.sources.walk import is_hidden
from fgir.utils.errors import FgirError
from fgir.utils.text import read_text

_DEPTH = 3


def find(root: Path, tail: str) -> Path:
    """Return the file or folder ``tail`` at most three folders below ``root``, the shallowest, first by name.

    Archives wrap their content in folders, and users unpack them one deeper or less deep. FgirError where it is
    nowhere.
    """
    path = find_any(root, tail)
    if path is None:
        raise FgirError(
            f"{root} holds no {tail}, nor do the folders below it; put the unpacked official archive there."
        )
    return path


def find_any(root: Path, *tails: str) -> Path | None:
    """Return what ``find`` finds of the first of ``tails`` that is anywhere; None where none is."""
    return next((path for tail in tails for path in _places(root, tail) if path.exists()), None)


def _places(root: Path, tail: str) -> Iterator[Path]:
    level = [root]
    for _ in range(_DEPTH + 1):
        yield from (folder / tail for folder in level)
        level = sorted(chain.from_iterable(_folders(folder) for folder in level))


def lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield every line of a text file that is not blank, without its end, and "file line N" for errors; in UTF-8."""
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if line.strip():
            yield line, f"{path} line {number}"


def _folders(folder: Path) -> Iterator[Path]:
    return (child for child in folder.iterdir() if child.is_dir() and not is_hidden(child.name))
