"""A part of a dataset, ready to be read: its images, labels and rows."""

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from fgir.data.decode import silence
from fgir.data.manifest import read_root
from fgir.data.pixels import DecodedImages, Images
from fgir.data.stored import STORES, open_store
from fgir.results.parquet import read_table
from fgir.study import GREY, Colour
from fgir.study.geometry import Transform

PARTS = {"train": ("train",), "val": ("val",), "train_val": ("train", "val"), "test": ("test",)}


class Part(NamedTuple):
    """Images of one part.

    images: every image of the split by row; labels: int64 (N,), of every row; rows: int64 (n,), the rows that belong to
    the part; numbers: int32 (N,), rows of the manifest.
    """

    images: Images
    labels: np.ndarray
    rows: np.ndarray
    numbers: np.ndarray


def open_part(
    part: Literal["train", "val", "train_val", "test"],
    split: Path,
    start: Transform,
    images: Path,
    background: Colour = GREY,
) -> Part:
    """Open a part from ``images``: a pixel store, or the source.json that says where the images lie.

    ``start`` makes the images: that of the geometry by which they become crops. ``background``: behind transparent
    images that are decoded. Raises FgirError where a file is missing or damaged.
    """
    table = read_table("split", split)
    reader: Images
    if images.suffix in STORES:
        reader = open_store(images, len(table), start)
    else:
        silence()
        reader = DecodedImages(read_root(images), table["path"].to_pylist(), start, background)
    named = np.isin(table["part"].to_numpy(), PARTS[part])
    labels, numbers = (table[name].to_numpy() for name in ("label", "image"))
    return Part(reader, labels.astype(np.int64), np.flatnonzero(named), numbers)
