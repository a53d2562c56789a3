"""Faults of a dataset: found, said in a few sentences, and all of them left as a file."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from fgir.data.checks import difference
from fgir.data.look import Measured
from fgir.data.sources.image import Listing, SourceImage
from fgir.specs import SourceSpec
from fgir.study.catalogue import Folder
from fgir.utils.errors import FgirError
from fgir.utils.files import replacing
from fgir.utils.progress import inform
from fgir.utils.words import counted

Kind = Literal["count", "class", "unreadable", "contradiction", "leak"]
# Faults that ``leaks: report`` lets pass.
LET_BE: tuple[Kind, ...] = ("contradiction", "leak")
_NAMED = 5


class Fault(NamedTuple):
    """One thing that is wrong."""

    kind: Kind
    text: str
    """For one fault without what to do; for a count a whole sentence."""
    image: str = ""
    other: str = ""


class Seen(NamedTuple):
    """An image, by what shows that it stands twice in a dataset."""

    path: str
    class_name: str
    digest: str
    part: str
    """train, val, train_val, test; empty where a dataset has no parts."""


def of_counts(spec: SourceSpec, root: Path, listing: Listing) -> list[Fault]:
    """Return where the numbers of classes and images are not the catalogue's."""
    entry, tests = spec.entry, sum(image.part == "test" for image in listing.images)
    official = bool(listing.images) and listing.images[0].part is not None
    both = None if entry.train_val is None or entry.test is None else entry.train_val + entry.test
    compared = [(len(listing.classes), entry.classes, "class", "classes")]
    if official:
        compared += [(len(listing.images) - tests, entry.train_val, "train_val image", "train_val")]
        compared += [(tests, entry.test, "test image", "test")]
    else:
        compared += [(len(listing.images), both, "image", "train_val + test")]
    texts = [difference(*figures, spec.dataset, root) for figures in compared]
    return [Fault("count", text) for text in texts if text]


def of_classes(spec: SourceSpec, listing: Listing) -> list[Fault]:
    """Return the classes with fewer images than training, choosing a learning rate and testing need.

    The user's own images: two in train_val and one in test, or three where the test part is drawn. Published datasets
    are as they are: two in all (docs/methods.md says what CALMix does with a single one).
    """
    own = isinstance(spec.entry, Folder)
    train_val, all_of_it = Counter[str](), Counter[str]()
    for image in listing.images:
        all_of_it[image.class_name] += 1
        train_val[image.class_name] += image.part not in ("test", None)
    faults = []
    for name in listing.classes:
        if own and listing.images[0].part and train_val[name] < 2:
            text = f"class {name} has {counted(train_val[name], 'image')} in train_val and needs 2"
        elif all_of_it[name] < (3 if own else 2):
            text = f"class {name} has {counted(all_of_it[name], 'image')} and needs {3 if own else 2}"
        else:
            continue
        faults.append(Fault("class", text, name))
    return faults


def of_files(images: Sequence[SourceImage], measured: Sequence[Measured | str]) -> list[Fault]:
    """Return what is wrong with the images looked at: unreadable ones, and those that stand twice."""
    pairs = list(zip(images, measured, strict=True))
    faults = [Fault("unreadable", one, image.path) for image, one in pairs if isinstance(one, str)]
    seen = (
        Seen(image.path, image.class_name, one.digest, image.part or "")
        for image, one in pairs
        if not isinstance(one, str)
    )
    return faults + of_twins(seen)


def of_twins(images: Iterable[Seen]) -> list[Fault]:
    """Return the images that stand, byte for byte, in two classes or in two parts."""
    groups: dict[str, list[Seen]] = defaultdict(list)
    for image in images:
        groups[image.digest].append(image)
    faults = []
    for first, *others in (sorted(group, key=_by_part) for group in groups.values()):
        for other in others:
            if other.class_name != first.class_name:
                text = f"{other.path} of class {other.class_name} is {first.path} of class {first.class_name}"
                faults.append(Fault("contradiction", text, other.path, first.path))
            elif other.part != first.part:
                text = f"{other.part} image {other.path} is {first.part} image {first.path}"
                faults.append(Fault("leak", text, other.path, first.path))
    return faults


def _by_part(image: Seen) -> int:
    """Rank parts: the one that an image should rather stay in comes first."""
    return ("val", "test").index(image.part) + 1 if image.part in ("val", "test") else 0


def sentences(faults: Sequence[Fault], dataset: str) -> list[str]:
    """Return a sentence for each count that differs and for each other kind: how many, the first five, what to do."""
    texts: dict[Kind, list[str]] = defaultdict(list)
    for fault in faults:
        texts[fault.kind].append(fault.text)
    keep = f'set leaks: report in the entry of dataset "{dataset}" in the catalogue'
    messages = texts.pop("count", [])
    if found := texts["class"]:
        which = counted(len(found), "class has", "classes have")
        messages.append(f"{which} too few images: {_first(found)}; add images, or remove what has too few.")
    if found := texts["unreadable"]:
        messages.append(_unreadable(found))
    if found := texts["contradiction"]:
        messages.append(
            f"{counted(len(found), 'image is', 'images are')} in two classes, byte for byte, a contradiction: "
            f"{_first(found)}; keep each in its right class alone, or {keep} to train on them as they are."
        )
    if found := texts["leak"]:
        messages.append(
            f"{counted(len(found), 'image is', 'images are')} in two parts, byte for byte: {_first(found)}; remove one "
            f"of each pair, or {keep} to keep them."
        )
    return messages


def _unreadable(found: Sequence[str]) -> str:
    # The sentence of a single image says what to do.
    if len(found) == 1:
        return found[0]
    causes = [text.rpartition("; ")[0] for text in found]
    return f"{len(found):,} images cannot be used: {_first(causes)}; replace them, or remove them from the dataset."


def write_list(faults: Sequence[Fault], out: Path) -> str:
    """Write every fault to a CSV file beside ``out``; return a sentence with its path, or nothing without faults.

    It is no output of a job, so that it stays when Snakemake removes those of a failed one. Without faults, the file
    of an earlier look is removed.
    """
    path = Path(out).with_suffix(".faults.csv")
    if not faults:
        path.unlink(missing_ok=True)
        return ""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["kind", "image", "other", "fault"])
        table.writerows((fault.kind, fault.image, fault.other, fault.text) for fault in faults)
    return f"All of it: {path}"


def report(faults: Sequence[Fault], dataset: str, leaks: Literal["refuse", "report"], out: Path) -> None:
    """Say what is wrong and leave the list beside ``out``; FgirError unless it is all such as ``leaks`` lets be."""
    listed, messages = write_list(faults, out), sentences(faults, dataset)
    if any(fault.kind not in LET_BE or leaks == "refuse" for fault in faults):
        raise FgirError(" ".join([*messages, listed]))
    for sentence in [*messages, listed] if faults else []:
        inform(sentence)


def _first(texts: Sequence[str]) -> str:
    more = [f"and {len(texts) - _NAMED:,} more"] if len(texts) > _NAMED else []
    return "; ".join([*texts[:_NAMED], *more])
