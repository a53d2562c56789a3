"""A part of a dataset, ready to be read: its images, labels and rows."""

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from fgir.data.manifest import read_root
from fgir.data.pixels import DecodedImages, StoredImages
from fgir.schema import read_table

PARTS = {"train": ("train",), "val": ("val",), "train_val": ("train", "val"), "test": ("test",)}


class Part(NamedTuple):
    """Images of one part.

    images: every image of the split, uint8 (side, side, 3) by row; labels: int64 (N,), of every row;
    rows: int64 (n,), the rows that belong to the part; numbers: int32 (N,), rows of the manifest.
    """

    images: StoredImages | DecodedImages
    labels: np.ndarray
    rows: np.ndarray
    numbers: np.ndarray


def open_part(
    part: Literal["train", "val", "train_val", "test"],
    split: Path,
    side: int,
    pixels: Path | None,
    source: Path | None,
) -> Part:
    """Open a part from the pixel store, or without one from the images that ``source`` (source.json) locates.

    Raises FgirError where a file is missing or damaged.
    """
    table = read_table("split", split)
    images: StoredImages | DecodedImages
    if pixels is not None:
        images = StoredImages(pixels, len(table), side)
    else:
        assert source is not None
        images = DecodedImages(read_root(source), table["path"].to_pylist(), side)
    named = np.isin(table["part"].to_numpy(), PARTS[part])
    return Part(images, table["label"].to_numpy().astype(np.int64), np.flatnonzero(named), table["image"].to_numpy())
