"""Solar cells by electroluminescence (Deitsch et al. 2019, 2021; Buerhop-Lutz et al. 2018): 8 look-alike classes.

A class is a type of cell (mono- or polycrystalline) with a defect probability in per cent: mono_0, mono_33, …
``elpv_dataset/data/labels.csv`` holds, separated by whitespace, path, defect probability and type of each image. There
is no official split.
"""

from itertools import product
from pathlib import Path

from fgir.data.readers.layout import find_any, lines
from fgir.data.sources.image import Listing, SourceImage
from fgir.utils.errors import FgirError

LABELS = "elpv_dataset/data/labels.csv"
TYPES = ("mono", "poly")
PROBABILITIES = (0, 1 / 3, 2 / 3, 1)


def read(root: Path) -> Listing:
    """Return the eight classes, mono before poly, then by defect probability; images in the order of labels.csv."""
    labels = find_any(root, LABELS)
    if labels is None:
        raise FgirError(f"{root} holds no {LABELS}; delete that folder and rerun, and the package is unpacked again.")
    inside = labels.parent.relative_to(root)
    classes = [_class_name(cell, probability) for cell, probability in product(TYPES, PROBABILITIES)]
    return Listing(classes, [_image(inside, line.split(), where) for line, where in lines(labels)])


def _image(inside: Path, fields: list[str], where: str) -> SourceImage:
    if len(fields) != 3:
        raise FgirError(f"{where}: expected path, defect probability and cell type, got {len(fields)} fields.")
    path, text, cell = fields
    if cell not in TYPES:
        raise FgirError(f"{where}: unknown cell type {cell!r}; known: {', '.join(TYPES)}.")
    try:
        probability = next(value for value in PROBABILITIES if abs(value - float(text)) < 1e-6)
    except (ValueError, StopIteration):
        raise FgirError(f"{where}: unknown defect probability {text!r}; known: 0, 1/3, 2/3, 1.") from None
    return SourceImage((inside / path).as_posix(), _class_name(cell, probability), part=None)


def _class_name(cell: str, probability: float) -> str:
    return f"{cell}_{100 * probability:.0f}"
