"""The two kinds of file in which images lie ready to be mapped into memory.

A store of squares is a .npy file, uint8 (N, side, side, 3). A ragged store holds images in their own aspect: a line of
JSON that says how many there are and by which transform they were made; a table of N rows of three little-endian int64:
where in the file an image begins, its height, its width; then the pixels of one image behind the other, uint8
(height, width, 3).
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from fgir.study.geometry import Transform, square, transform_of
from fgir.utils.errors import FgirError
from fgir.utils.words import counted

SQUARES, RAGGED = STORES = (".npy", ".ragged")
_FORMAT = "fgir images, each of its own size, version 1"
_LONGEST_LINE = 2**16
# The line is filled up to a multiple of it, so that the table of numbers may be read in place.
_ALIGNED = 64
_NUMBER = np.dtype("<i8")


class StoredImages:
    """Images of a pixel store, mapped into memory: squares, ``images[i]`` is uint8 (side, side, 3), read-only.

    Raises FgirError where the file is missing, damaged, or not of ``count`` images made by ``start``.
    """

    def __init__(self, path: Path, count: int | None = None, start: Transform | None = None) -> None:
        self.path = Path(path)
        self._pixels = _squares(self.path)
        self.start = square(self._pixels.shape[1])
        _check(self, count, start)

    def __len__(self) -> int:
        return len(self._pixels)

    def __getitem__(self, row: int) -> np.ndarray:
        """Return the pixels of one row; only those that are used are read from disk."""
        return self._pixels[row]


class RaggedImages:
    """Images of a ragged store, mapped into memory: ``images[i]`` is uint8 (h, w, 3), read-only.

    Raises FgirError where the file is missing, damaged, or not of ``count`` images made by ``start``.
    """

    def __init__(self, path: Path, count: int | None = None, start: Transform | None = None) -> None:
        self.path = Path(path)
        self._bytes = _mapped(self.path, lambda path: np.memmap(path, np.uint8, "r"))
        head = self._head()
        self.start, self._table = head.start, self._sizes(head)
        _check(self, count, start)

    def __len__(self) -> int:
        return len(self._table)

    def __getitem__(self, row: int) -> np.ndarray:
        """Return the pixels of one row; only those that are used are read from disk."""
        place, height, width = self._table[row].tolist()
        return self._bytes[place : place + height * width * 3].reshape(height, width, 3)

    def _head(self) -> "_Head":
        """Return what the first line says."""
        line, end, _ = self._bytes[:_LONGEST_LINE].tobytes().partition(b"\n")
        try:
            said = json.loads(line)
            if end and said["format"] == _FORMAT:
                return _Head(int(said["images"]), transform_of(said["start"]), len(line + end))
        # Anything may stand there.
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        raise _damaged(self.path, "it does not begin as one")

    def _sizes(self, head: "_Head") -> np.ndarray:
        """Return the table, int64 (N, 3), once it fits the file."""
        first = head.length + head.images * 3 * _NUMBER.itemsize
        if not head.length <= first <= len(self._bytes):
            raise _damaged(self.path, "its table is cut off")
        table = self._bytes[head.length : first].view(_NUMBER).reshape(-1, 3)
        places, heights, widths = table.T
        ends = places + heights * widths * 3
        if (table <= 0).any() or (np.append(places, len(self._bytes)) != np.append(first, ends)).any():
            raise _damaged(self.path, "its images do not fill it")
        return table


class _Head(NamedTuple):
    """The first line of a ragged store, and its own length in bytes."""

    images: int
    start: Transform
    length: int


def open_store(path: Path, count: int, start: Transform) -> StoredImages | RaggedImages:
    """Return the images of a store of the kind that its name says; raises what these do."""
    return RaggedImages(path, count, start) if path.suffix == RAGGED else StoredImages(path, count, start)


def write_squares(stream: BinaryIO, images: Iterable[np.ndarray], count: int, side: int) -> None:
    """Write a store of squares: ``count`` images, each uint8 (side, side, 3)."""
    shape = (count, side, side, 3)
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.uint8)), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    stream.writelines(image.data for image in images)


def write_ragged(stream: BinaryIO, images: Iterable[np.ndarray], count: int, start: Transform) -> None:
    """Write a ragged store: ``count`` images made by ``start``, each uint8 (h, w, 3), of any sizes."""
    said = json.dumps({"format": _FORMAT, "images": count, "start": str(start)}).encode()
    line = said + b" " * (-(len(said) + 1) % _ALIGNED) + b"\n"
    table = np.zeros((count, 3), _NUMBER)
    place = len(line) + table.nbytes
    stream.write(line + table.tobytes())
    for row, image in enumerate(images):
        table[row] = place, *image.shape[:2]
        place += image.nbytes
        stream.write(np.ascontiguousarray(image).data)
    # Their sizes are known when they were decoded.
    stream.seek(len(line))
    stream.write(table.tobytes())


def _squares(path: Path) -> np.ndarray:
    pixels = _mapped(path, lambda path: np.lib.format.open_memmap(path, mode="r"))
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[1:] != (pixels.shape[1], pixels.shape[1], 3):
        raise FgirError(f"{path} holds {pixels.dtype} {pixels.shape}, no square RGB images; delete it and rerun.")
    return pixels


def _mapped(path: Path, map_file: Callable[[Path], np.ndarray]) -> np.ndarray:
    try:
        # A plain array over the same memory: slicing it is several times as fast as slicing a memmap.
        return np.asarray(map_file(path))
    except FileNotFoundError:
        raise FgirError(f"{path} does not exist; build it with: snakemake --profile profiles/local {path}") from None
    except (ValueError, EOFError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, why: Any) -> FgirError:
    return FgirError(f"{path} is not a whole pixel store ({why}); delete it and rerun.")


def _check(images: StoredImages | RaggedImages, count: int | None, start: Transform | None) -> None:
    if count in (None, len(images)) and start in (None, images.start):
        return
    made, wanted = (f'made by "{by}"' if str(by) else "as they are" for by in (images.start, start))
    raise FgirError(
        f"{images.path} holds {counted(len(images), 'image')} {made}, but {count} {wanted} are wanted; "
        "delete it and rerun."
    )
