"""Every image of a dataset opened once, in threads: its size, its digest, or why it cannot be read."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from fgir.data.decode import counted_warnings, decode, missing
from fgir.data.sources.image import SourceImage
from fgir.utils.errors import FgirError
from fgir.utils.progress import tracked

BLOCK = 1024


class Measured(NamedTuple):
    """Measurements of an image that was opened."""

    width: int
    """Pixels of the upright image, as is the height."""
    height: int
    digest: str


def look(root: Path, images: Sequence[SourceImage]) -> list[Measured | str]:
    """Return of each image what was measured, or the sentence that says why it cannot be read."""
    # Threads suffice: Pillow decodes without the interpreter's lock. Blocks bound what is queued.
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool, counted_warnings(root):
        blocks = (images[start : start + BLOCK] for start in range(0, len(images), BLOCK))
        found = (seen for block in blocks for seen in pool.map(_try, (root / image.path for image in block)))
        return list(tracked(found, "Reading images", total=len(images)))


def measure(path: Path) -> Measured:
    """Decode an image wholly; FgirError as ``decode`` raises it."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise missing(path, error) from None
    width, height = decode(path, content=content).size
    return Measured(width, height, blake2b(content, digest_size=16).hexdigest())


def _try(path: Path) -> Measured | str:
    try:
        return measure(path)
    except FgirError as error:
        return str(error)
