"""Images as their transform begins: made once, in a file that every job shares, or decoded at every reading."""

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np
from rich.console import Console
from rich.progress import track

from fgir.data.decode import counted_warnings, decode
from fgir.data.stored import write_ragged, write_squares
from fgir.data.transforms import deterministic, least_side
from fgir.results.parquet import read_table
from fgir.specs import PixelsSpec
from fgir.study import GREY, Colour
from fgir.study.geometry import Transform
from fgir.utils.errors import FgirError
from fgir.utils.files import replacing

_GIB = 2**30
_CHUNK_PER_WORKER = 32
_SAMPLE = 20


class Images(Protocol):
    """Images by row: ``images[i]`` is uint8 (h, w, 3), read-only, made by the transform ``start``."""

    start: Transform

    def __len__(self) -> int: ...

    def __getitem__(self, row: int) -> np.ndarray: ...


class DecodedImages:
    """Images of a folder, decoded at every reading and transformed by ``start``.

    Raises FgirError where ``start`` draws random numbers.
    """

    def __init__(self, root: Path, paths: Sequence[str], start: Transform, background: Colour = GREY) -> None:
        self.root, self.paths, self.start, self.background = Path(root), paths, start, background
        self._pipeline = deterministic(start, "it is done alike at every reading of an image")
        self._least = least_side(start)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> np.ndarray:
        """Return the pixels of one row; FgirError where the file is not a whole image."""
        return self._pipeline(decode(self.root / self.paths[row], self.background, least=self._least))


def write_store(spec: PixelsSpec, root: Path, split_path: Path, out: Path, workers: int) -> None:
    """Write the pixel store of a spec, image i of it for row i of the split: one that fgir/data/stored.py opens.

    Written by sequential writes rather than through a memory map, where a full disk would kill the process
    without a word. Raises FgirError at an unreadable image and where the disk has too little room.
    """
    paths = read_table("split", split_path)["path"].to_pylist()
    images = DecodedImages(root, paths, spec.start, spec.background)
    with counted_warnings(root):
        _check_room(Path(out), _bytes_of(images, spec.side))
        _write(spec, images, out, workers)


def _write(spec: PixelsSpec, images: DecodedImages, out: Path, workers: int) -> None:
    with replacing(out) as temporary, temporary.open("wb") as stream:
        pixels = track(
            _in_order(images, workers),
            f"Pixels of {spec.dataset} ({spec.side or spec.start})",
            total=len(images),
            console=Console(stderr=True),
        )
        if spec.side is None:
            write_ragged(stream, pixels, len(images), spec.start)
        else:
            write_squares(stream, pixels, len(images), spec.side)
        stream.flush()


def _bytes_of(images: DecodedImages, side: int | None) -> int:
    """Return what images take: squares of ``side``, or as much as an even sample of them does."""
    if side is not None:
        return len(images) * side**2 * 3
    sample = range(0, len(images), max(1, len(images) // _SAMPLE))
    return sum(images[row].nbytes for row in sample) * len(images) // max(1, len(sample))


def _in_order(images: DecodedImages, workers: int) -> Iterator[np.ndarray]:
    """Yield every image in the order of rows, decoded by threads (Pillow releases the lock), few of them in memory."""
    chunk = max(workers, 1) * _CHUNK_PER_WORKER
    with ThreadPoolExecutor(max(workers, 1)) as pool:
        for start in range(0, len(images), chunk):
            yield from pool.map(images.__getitem__, range(start, min(start + chunk, len(images))))


def _check_room(out: Path, needed: int) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(out.parent).free
    if needed > free:
        raise FgirError(
            f"{out} needs {needed / _GIB:.2f} GiB and {out.parent} has {free / _GIB:.2f} GiB free; "
            "free some space, or set data.pixels to decode in the study."
        )
