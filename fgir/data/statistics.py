"""A dataset looked at whole: every image opened, every count compared, and what it is made of."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from fgir.data.faults import LET_BE, Fault, of_classes, of_counts, of_files, sentences
from fgir.data.look import Measured, look
from fgir.data.remarks import of_copies, of_sizes
from fgir.data.sources.image import Listing
from fgir.data.sources.registry import read
from fgir.specs import SourceSpec


class Checked(NamedTuple):
    """Findings on a dataset."""

    listing: Listing
    measured: list[Measured | None]
    """None where an image cannot be read."""
    faults: list[Fault]
    """Sentences on faults, for which the manifest is refused."""
    reported: list[Fault]
    """Sentences on faults that the dataset's entry lets be (leaks: report)."""
    twins: int
    """Images that stand twice in the same class and part."""


def check(spec: SourceSpec, root: Path) -> Checked:
    """Open every image of a dataset, in threads, and compare with the catalogue; goes on past what is wrong.

    Raises FgirError where its lists or folders cannot be read.
    """
    listing = read(spec, root)
    found = look(root, listing.images)
    faults = [*of_counts(spec, root, listing), *of_classes(spec, listing), *of_files(listing.images, found)]
    let_be = LET_BE if spec.entry.leaks == "report" else ()
    measured = [None if isinstance(image, str) else image for image in found]
    refused = [fault for fault in faults if fault.kind not in let_be]
    reported = [fault for fault in faults if fault.kind in let_be]
    whole = [image.digest for image in measured if image]
    twice = sum(fault.kind in LET_BE for fault in faults)
    return Checked(listing, measured, refused, reported, len(whole) - len(set(whole)) - twice)


def looked_at(spec: SourceSpec, root: Path) -> tuple[list[str], list[str]]:
    """Open every image of a dataset; return what the manifest would be refused for, and what it would remark."""
    found = check(spec, root)
    images, measured = found.listing.images, found.measured
    remarks = [*of_sizes(images, measured), *of_copies(images, measured)]
    return sentences(found.faults, spec.dataset), remarks


def rows(name: str, found: Checked) -> list[dict[str, Any]]:
    """Return the rows of table statistics: a row a class and part."""
    groups: dict[tuple[int, str], list[Measured]] = defaultdict(list)
    labels = {class_name: label for label, class_name in enumerate(found.listing.classes)}
    for image, measured in zip(found.listing.images, found.measured, strict=True):
        if measured is not None:
            groups[labels[image.class_name], image.part or ""].append(measured)
    return [
        {
            "dataset": name,
            "label": label,
            "class_name": found.listing.classes[label],
            "part": part or None,
            "images": len(group),
            **_spread("width", [image.width for image in group]),
            **_spread("height", [image.height for image in group]),
        }
        for (label, part), group in sorted(groups.items())
    ]


def _spread(name: str, values: Sequence[int]) -> dict[str, float]:
    return {f"{name}_min": min(values), f"{name}_median": median(values), f"{name}_max": max(values)}
