"""Count the images of the parts of a dataset: as stated, as found, or at a guess. Loads no torch."""

import math
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

from fgir.data.sources import folder
from fgir.results.parquet import read_table
from fgir.study import address
from fgir.study.catalogue import Dataset, Folder, Typefaces
from fgir.study.geometry import Transform, side_of
from fgir.utils.errors import FgirError
from fgir.workflow.specs import Specs

ASSUMED_PER_CLASS = 60
# Of photographs: CUB's have 5 bytes of pixels, which are three a pixel, for one of a JPEG file.
_ASSUMED_AREA, _ASSUMED_STRETCH, _PIXELS_OF_BYTE = 500 * 375, 4 / 3, 5 / 3
Origin = Literal["stated", "found", "assumed"]


class Images(NamedTuple):
    """Images of each part."""

    train: int
    val: int
    test: int
    origin: Origin


def images_of(specs: Specs, dataset: str) -> Images:
    """Count a dataset by the catalogue; where that has no counts, by its split or else its folder, as far as there is
    one.

    What is found is read once it is asked for, so that a study can be priced before anything ran.
    """
    entry, options = specs.study.dataset_entries[dataset], specs.study.data
    is_stated = isinstance(entry, Typefaces) or (entry.train_val and entry.test)
    if not is_stated and (split := _of_split(specs, dataset)):
        return split
    train_val, test, origin = _train_val_and_test(specs, dataset, entry)
    if options.limit_per_class:
        most = specs.classes[dataset] * options.limit_per_class
        train_val, test = min(train_val, most), min(test, most)
    as_published = options.train_fraction is None and not options.limit_per_class and options.split_rule == "first"
    train = (as_published and entry.train) or int(train_val * (options.train_fraction or entry.train_fraction))
    return Images(train, train_val - train, test, origin)


def number_of_images(specs: Specs, dataset: str) -> int:
    """Return all images of a dataset, whatever a study's limit leaves of them."""
    train_val, test, _ = _train_val_and_test(specs, dataset, specs.study.dataset_entries[dataset])
    return train_val + test


def bytes_of_image(specs: Specs, dataset: str, start: Transform) -> float:
    """Return the bytes that an image of a dataset takes in a pixel store, made by ``start``: the mean, roughly.

    Of images in their own aspect it is known where the files' size is, or the manifest was made.
    """
    if (side := side_of(start)) is not None:
        return 3 * side * side
    shorter, stretch = _shape_of(specs, dataset)
    for operation in (step for step in start.operations if step.name != "reduced"):
        side = int(operation.parameters[0])
        shorter = min(shorter, side) if operation.name == "bound_shorter" else side
    return 3 * shorter * shorter * stretch


def _shape_of(specs: Specs, dataset: str) -> tuple[float, float]:
    """Return the mean shorter side of a dataset's images, pixels, and how many times as long the other is."""
    entry = specs.study.dataset_entries[dataset]
    manifest = Path(specs.study.results, address.fill(address.MANIFEST, dataset=dataset))
    if isinstance(entry, Typefaces):
        return entry.size, 1
    if manifest.exists():
        with suppress(FgirError):  # the job that needs this file says so
            sides = read_table("manifest", manifest)[["width", "height"]]
            area = (sides["width"] * sides["height"].astype(float)).mean()
            stretch = (sides.max(axis=1) / sides.min(axis=1)).mean()
            return math.sqrt(area / stretch), stretch
    area = _ASSUMED_AREA
    if entry.disk_gb:
        area = entry.disk_gb * 1e9 * _PIXELS_OF_BYTE / max(1, number_of_images(specs, dataset))
    return math.sqrt(area / _ASSUMED_STRETCH), _ASSUMED_STRETCH


def _train_val_and_test(specs: Specs, dataset: str, entry: Dataset) -> tuple[int, int, Origin]:
    classes = specs.classes[dataset]
    if isinstance(entry, Typefaces):
        return classes * entry.train_val_per_class, classes * entry.test_per_class, "stated"
    if entry.train_val and entry.test:
        return entry.train_val, entry.test, "stated"
    if isinstance(entry, Folder):
        spec = specs.source(dataset)
        parts = Counter(image.part for image in folder.rows(spec, folder.acquire(spec)))
        drawn = round(parts[None] * (entry.test_fraction or 0))
        trained = parts["train_val"] + parts["train"] + parts["val"]
        return trained + parts[None] - drawn, parts["test"] + drawn, "found"
    return classes * ASSUMED_PER_CLASS // 2, classes * ASSUMED_PER_CLASS // 2, "assumed"


def _of_split(specs: Specs, dataset: str) -> Images | None:
    path = Path(specs.study.results, address.fill(address.SPLIT, dataset=dataset))
    if not path.exists():
        return None
    try:
        parts = Counter(read_table("split", path)["part"].to_pylist())
    except FgirError:  # the job that needs this file says so
        return None
    return Images(parts["train"], parts["val"], parts["test"], "found")
