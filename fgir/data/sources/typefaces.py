"""Words rendered from the fonts that matplotlib installs: a class is a font face. Nothing to download.

The images are a function of (seed, class, number) and the entry alone, and the apparent size of every word is known.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fgir.data.sources.image import Listing, SourceImage
from fgir.specs import SourceSpec
from fgir.study.catalogue import Typefaces
from fgir.utils.errors import FgirError
from fgir.utils.files import new_folder
from fgir.utils.progress import tracked

# Faces of one family stand together, so that the first N always hold look-alikes. Every one has the Latin letters.
FACES = (
    "DejaVuSans",
    "DejaVuSans-Oblique",
    "DejaVuSans-Bold",
    "DejaVuSans-BoldOblique",
    "DejaVuSansMono",
    "DejaVuSansMono-Oblique",
    "DejaVuSansMono-Bold",
    "DejaVuSansMono-BoldOblique",
    "DejaVuSerif",
    "DejaVuSerif-Italic",
    "DejaVuSerif-Bold",
    "DejaVuSerif-BoldItalic",
    "STIXGeneral",
    "STIXGeneralItalic",
    "STIXGeneralBol",
    "STIXGeneralBolIta",
    "cmr10",
    "cmti10",
    "cmb10",
    "cmss10",
    "cmtt10",
)
INDEX = "objects.csv"
# Part of the folder's name: raise it when the rendering changes, and images of the older one are not taken for these.
RENDERING = 1


class Planned(NamedTuple):
    """An image to render; ``number`` counts within its class."""

    path: str
    label: int
    number: int
    part: str


def acquire(spec: SourceSpec) -> Path:
    """Render every image; the folder is named by what its images depend on."""
    entry = spec.entry
    assert isinstance(entry, Typefaces)
    counts = f"{entry.classes}x{entry.train_val_per_class}+{entry.test_per_class}"
    root = Path(spec.archives) / "typefaces" / f"{counts}-{entry.size}px-seed{entry.seed}-v{RENDERING}"
    if not root.is_dir():
        with new_folder(root) as folder:
            _render_all(entry, folder)
    return root


def listing(spec: SourceSpec, root: Path) -> Listing:
    """Return the classes and every image."""
    return Listing(classes(spec, root), list(rows(spec, root)))


def classes(spec: SourceSpec, root: Path) -> list[str]:
    """Return the first faces of FACES."""
    return list(FACES[: spec.entry.classes])


def rows(spec: SourceSpec, root: Path) -> Iterator[SourceImage]:
    """Yield every image, class after class; object_size is the square root of the area of the word's bounding box."""
    try:
        with (root / INDEX).open(newline="") as stream:
            for line in csv.DictReader(stream):
                yield SourceImage(line["path"], line["class_name"], line["part"], float(line["object_size"]))
    except FileNotFoundError:
        raise FgirError(f"{root / INDEX} does not exist; delete the folder {root} and rerun.") from None


def _render_all(entry: Typefaces, folder: Path) -> None:
    from fgir.data.sources.words import render

    with (folder / INDEX).open("w", newline="") as stream:
        index = csv.writer(stream, lineterminator="\n")
        index.writerow(["path", "class_name", "part", "object_size"])
        for planned in tracked(_plan(entry), "Rendering typefaces"):
            face = FACES[planned.label]
            image, object_size = render(face, entry.size, seed=[entry.seed, planned.label, planned.number])
            (folder / planned.path).parent.mkdir(parents=True, exist_ok=True)
            image.save(folder / planned.path, compress_level=1)
            index.writerow([planned.path, face, planned.part, f"{object_size:.2f}"])


def _plan(entry: Typefaces) -> list[Planned]:
    # Test images have the first numbers: a study with more training images keeps its test part.
    return [
        Planned(f"{part}/{FACES[label]}/{number:05d}.png", label, number, part)
        for label in range(entry.classes)
        for part, numbers in (
            ("train_val", range(entry.test_per_class, entry.test_per_class + entry.train_val_per_class)),
            ("test", range(entry.test_per_class)),
        )
        for number in numbers
    ]
