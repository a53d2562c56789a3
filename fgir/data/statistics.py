"""A dataset looked at whole: every image opened, every count compared, and what it is made of."""

import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from fgir.data.checks import check_count
from fgir.data.manifest import BLOCK, Measured, measure
from fgir.data.sources.image import SourceImage
from fgir.data.sources.registry import source
from fgir.errors import FgirError
from fgir.progress import tracked
from fgir.specs import SourceSpec


class Checked(NamedTuple):
    """What was found of a dataset."""

    classes: list[str]
    images: list[SourceImage]
    measured: list[Measured | None]
    """None where an image cannot be read."""
    faults: list[str]
    """Sentences: counts that differ, images that cannot be read."""
    leaks: list[tuple[str, str]]
    """Test images that are also in train_val, byte for byte, with their twins."""
    twins: int
    """Images that stand twice in the same part."""


def check(spec: SourceSpec, root: Path) -> Checked:
    """Open every image of a dataset, in threads, and compare with the catalogue; goes on past what is wrong.

    Raises FgirError where its lists cannot be read.
    """
    origin = source(spec.entry.source)
    images, names = list(origin.rows(spec, root)), origin.classes(spec, root)
    faults = _counts(spec, root, images, names)
    measured, unreadable = _open_all(root, images)
    leaks, twins = _duplicates(images, measured)
    return Checked(names, images, measured, faults + unreadable, leaks, twins)


def rows(name: str, found: Checked) -> list[dict[str, Any]]:
    """Table statistics: a row a class and part."""
    groups: dict[tuple[int, str], list[Measured]] = defaultdict(list)
    labels = {class_name: label for label, class_name in enumerate(found.classes)}
    for image, one in zip(found.images, found.measured, strict=True):
        if one is not None:
            groups[labels[image.class_name], image.part or ""].append(one)
    return [
        {
            "dataset": name,
            "label": label,
            "class_name": found.classes[label],
            "part": part or None,
            "images": len(group),
            **_spread("width", [one.width for one in group]),
            **_spread("height", [one.height for one in group]),
        }
        for (label, part), group in sorted(groups.items())
    ]


def _spread(name: str, values: Sequence[int]) -> dict[str, float]:
    return {f"{name}_min": min(values), f"{name}_median": median(values), f"{name}_max": max(values)}


def _counts(spec: SourceSpec, root: Path, images: Sequence[SourceImage], names: Sequence[str]) -> list[str]:
    entry, tests = spec.entry, sum(image.part == "test" for image in images)
    official = bool(images) and images[0].part is not None
    both = None if entry.train_val is None or entry.test is None else entry.train_val + entry.test
    compared = [(len(names), entry.classes, "classes", "classes")]
    if official:
        compared += [(len(images) - tests, entry.train_val, "train_val images", "train_val")]
        compared += [(tests, entry.test, "test images", "test")]
    else:
        compared += [(len(images), both, "images", "train_val + test")]
    faults = []
    for number, expected, what, key in compared:
        try:
            check_count(number, expected, what, key, spec.dataset, root)
        except FgirError as error:
            faults.append(str(error))
    few = [name for name, count in Counter(image.class_name for image in images).items() if count < 2]
    return faults + [f"Class {name} has fewer than two images; add more or remove it." for name in few]


def _open_all(root: Path, images: Sequence[SourceImage]) -> tuple[list[Measured | None], list[str]]:
    faults: list[str] = []

    def look(image: SourceImage) -> Measured | str:
        try:
            return measure(root / image.path)
        except FgirError as error:
            return str(error)

    measured: list[Measured | None] = []
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        blocks = (images[start : start + BLOCK] for start in range(0, len(images), BLOCK))
        found = (one for block in blocks for one in pool.map(look, block))
        for one in tracked(found, "Reading images", total=len(images)):
            measured.append(None if isinstance(one, str) else one)
            faults += [one] if isinstance(one, str) else []
    return measured, faults


def _duplicates(
    images: Sequence[SourceImage], measured: Sequence[Measured | None]
) -> tuple[list[tuple[str, str]], int]:
    first: dict[str, SourceImage] = {}
    leaks, twins = [], 0
    for image, one in zip(images, measured, strict=True):
        if one is None:
            continue
        other = first.setdefault(one.digest, image)
        if other is image:
            continue
        if (other.part == "test") != (image.part == "test"):
            test, train = (image, other) if image.part == "test" else (other, image)
            leaks.append((test.path, train.path))
        else:
            twins += 1
    return leaks, twins
