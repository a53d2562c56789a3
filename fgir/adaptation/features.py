"""Keep what an adapted part reads of each image in a file, computed once: it is the same in every epoch.

The file is a safetensors file of one float32 tensor, ``features`` (images, D), written row by row and mapped into
memory. It holds what a network of half precision gives without loss.
"""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from fgir.utils.errors import FgirError
from fgir.utils.files import replacing

NAME = "features.safetensors"
_GB = 1e9
_HEADER_LENGTH = 8


def gigabytes(images: int, width: int) -> float:
    """Return the size of a file of ``images`` vectors of ``width`` numbers, GB."""
    return 4 * images * width / _GB


def write_features(path: Path, identity: str, batches: Iterable[Tensor], shape: tuple[int, int]) -> None:
    """Write batches of vectors (B, D) as one file that belongs to ``identity``.

    Raises FgirError where the disk has too little room, or is full before the end.
    """
    images, width = shape
    path.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(path.parent).free / _GB
    if gigabytes(*shape) > free:
        raise FgirError(
            f"{path} needs {gigabytes(*shape):.2f} GB and {path.parent} has {free:.2f} GB free; free some space, or "
            "lower features_gb of the adaptation, which then computes them in every epoch."
        )
    entry = {"dtype": "F32", "shape": [images, width], "data_offsets": [0, 4 * images * width]}
    header = json.dumps({"__metadata__": {"fgir": identity}, "features": entry}).encode()
    header += b" " * (-len(header) % _HEADER_LENGTH)
    with replacing(path) as temporary, temporary.open("wb") as stream:
        stream.write(len(header).to_bytes(_HEADER_LENGTH, "little") + header)
        stream.writelines(batch.float().cpu().numpy().tobytes() for batch in batches)
        stream.flush()


def read_features(path: Path, identity: str) -> np.ndarray:
    """Map the vectors of a file into memory, float32 (images, D), read-only.

    Raises FgirError if the file is missing, damaged, or belongs to another run or adaptation than ``identity``.
    """
    try:
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(_HEADER_LENGTH), "little")
            header: dict[str, Any] = json.loads(stream.read(length)) if length <= path.stat().st_size else {}
        shape, owner = tuple(header["features"]["shape"]), header["__metadata__"]["fgir"]
        start = _HEADER_LENGTH + length
        whole = path.stat().st_size == start + 4 * shape[0] * shape[1]
    except (KeyError, ValueError, FileNotFoundError):
        whole, owner, shape, start = False, "", (), 0
    if not whole:
        raise FgirError(f"{path} is not a whole file of features; delete it and rerun.")
    if owner != identity:
        raise FgirError(f"{path} holds features of another run or adaptation; delete it and rerun.")
    # A plain array over the same memory: slicing it is several times as fast as slicing a memmap.
    return np.asarray(np.memmap(path, np.float32, "r", start, shape))
