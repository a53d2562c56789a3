"""Solar cells by electroluminescence (Deitsch et al. 2019, 2021; Buerhop-Lutz et al. 2018): 8 look-alike classes.

A class is a type of cell (mono- or polycrystalline) with a defect probability in per cent: mono_0, mono_33, …
The images come in a package of the package index, which is unpacked but never imported. There is no official split.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

from fgir.data.archive import unpack
from fgir.data.fetch import fetch_package
from fgir.data.sources.image import Listing, SourceImage
from fgir.specs import SourceSpec
from fgir.study.catalogue import Elpv
from fgir.utils.errors import FgirError
from fgir.utils.text import read_text

INSIDE = "elpv_dataset/data/"
LABELS = INSIDE + "labels.csv"
TYPES = ("mono", "poly")
PROBABILITIES = (0, 1 / 3, 2 / 3, 1)


def acquire(spec: SourceSpec) -> Path:
    """Download and unpack the package into a folder named by version and checksum: two versions never mix."""
    assert isinstance(spec.entry, Elpv)
    package, archives = spec.entry.package, Path(spec.archives)
    root = archives / "elpv" / f"{package.version}-{package.sha256[:8]}"
    if not root.is_dir():
        unpack(fetch_package(package, archives, spec.entry.licence), root, wanted=lambda name: name.startswith(INSIDE))
    return root


def listing(spec: SourceSpec, root: Path) -> Listing:
    """Return the classes and every image."""
    return Listing(classes(spec, root), list(rows(spec, root)))


def classes(spec: SourceSpec, root: Path) -> list[str]:
    """Return the eight classes: mono before poly, then by defect probability."""
    return [_class_name(cell, probability) for cell, probability in product(TYPES, PROBABILITIES)]


def rows(spec: SourceSpec, root: Path) -> Iterator[SourceImage]:
    """Yield every image in the order of labels.csv: columns path, defect probability, cell type, separated by
    whitespace.
    """
    labels = root / LABELS
    try:
        lines = read_text(labels).splitlines()
    except FileNotFoundError:
        raise FgirError(f"{labels} does not exist; delete the folder {root} and rerun.") from None
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _image(line.split(), f"{labels} line {number}")


def _image(fields: list[str], where: str) -> SourceImage:
    if len(fields) != 3:
        raise FgirError(f"{where}: expected path, defect probability and cell type, got {len(fields)} fields.")
    path, text, cell = fields
    if cell not in TYPES:
        raise FgirError(f"{where}: unknown cell type {cell!r}; known: {', '.join(TYPES)}.")
    try:
        probability = next(known for known in PROBABILITIES if abs(known - float(text)) < 1e-6)
    except (ValueError, StopIteration):
        raise FgirError(f"{where}: unknown defect probability {text!r}; known: 0, 1/3, 2/3, 1.") from None
    return SourceImage(INSIDE + path, _class_name(cell, probability), part=None)


def _class_name(cell: str, probability: float) -> str:
    return f"{cell}_{100 * probability:.0f}"
