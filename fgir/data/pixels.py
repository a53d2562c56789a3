"""Images as their transform begins: made once, in a file of squares that every job shares, or at every reading."""

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from rich.console import Console
from rich.progress import track

from fgir.data.decode import counted_warnings, decode
from fgir.data.transforms import deterministic
from fgir.results.parquet import read_table
from fgir.specs import PixelsSpec
from fgir.study import GREY, Colour
from fgir.study.geometry import Transform, square
from fgir.utils.errors import FgirError
from fgir.utils.files import replacing
from fgir.utils.words import counted

_GIB = 2**30
_CHUNK_PER_WORKER = 32


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

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> np.ndarray:
        """Return the pixels of one row; FgirError where the file is not a whole image."""
        return self._pipeline(decode(self.root / self.paths[row], self.background))


class StoredImages:
    """Images of a pixel store, mapped into memory: squares, ``images[i]`` is uint8 (side, side, 3), read-only.

    Raises FgirError where the file is missing, damaged, or not of ``count`` images made by ``start``.
    """

    def __init__(self, path: Path, count: int | None = None, start: Transform | None = None) -> None:
        self.path = Path(path)
        self._pixels = _mapped(self.path)
        rows, side = self._pixels.shape[:2]
        self.start = square(side)
        if count not in (None, rows) or start not in (None, self.start):
            raise FgirError(
                f'{path} holds {counted(rows, "image")} made by "{self.start}", but {count} made by "{start}" are '
                "wanted; delete it and rerun."
            )

    def __len__(self) -> int:
        return len(self._pixels)

    def __getitem__(self, row: int) -> np.ndarray:
        """Return the pixels of one row; only those that are used are read from disk."""
        return self._pixels[row]


def _mapped(path: Path) -> np.ndarray:
    try:
        pixels = np.lib.format.open_memmap(path, mode="r")
    except FileNotFoundError:
        raise FgirError(f"{path} does not exist; build it with: snakemake --profile profiles/local {path}") from None
    except (ValueError, EOFError) as error:
        raise FgirError(f"{path} is not a whole pixel store ({error}); delete it and rerun.") from None
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[1:] != (pixels.shape[1], pixels.shape[1], 3):
        raise FgirError(f"{path} holds {pixels.dtype} {pixels.shape}, no square RGB images; delete it and rerun.")
    # A plain array over the same memory: slicing it is several times as fast as slicing a memmap.
    return np.asarray(pixels)


def write_store(spec: PixelsSpec, root: Path, split_path: Path, out: Path, workers: int) -> None:
    """Write the pixel store: a .npy file, uint8 (N, side, side, 3), row i of it for row i of the split.

    Written by sequential writes rather than through a memory map, where a full disk would kill the process
    without a word. Raises FgirError at an unreadable image and where the disk has too little room.
    """
    paths = read_table("split", split_path)["path"].to_pylist()
    images = DecodedImages(root, paths, spec.start, spec.background)
    _check_room(Path(out), len(images) * spec.side**2 * 3)
    with counted_warnings(root), replacing(out) as temporary, temporary.open("wb") as stream:
        _write_header(stream, (len(images), spec.side, spec.side, 3))
        pixels = track(
            _in_order(images, workers),
            f"Pixels of {spec.dataset} at {spec.side}",
            total=len(images),
            console=Console(stderr=True),
        )
        stream.writelines(image.data for image in pixels)
        stream.flush()


def _write_header(stream: BinaryIO, shape: tuple[int, ...]) -> None:
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.uint8)), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)


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
