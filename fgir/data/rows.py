"""A dataset as rows of Parquet files, as the model hub keeps them: held against the official one, then written out.

The schema of such files says in its metadata, as JSON under "huggingface", which columns hold images and which classes.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fgir.data.archive import check_room
from fgir.data.hub import HubFile, Snapshot
from fgir.study.catalogue import Archived
from fgir.utils.errors import FgirError
from fgir.utils.files import new_folder
from fgir.utils.progress import tracked

ABOUT = "mirror.json"
IMAGES = "images.csv"
_SPLIT = re.compile(r"(?:^|[/_.-])(trainval|train|validation|val|test)(?=[/_.-])")
_SUFFIXES = {b"\xff\xd8": ".jpg", b"\x89PNG": ".png", b"RIFF": ".webp", b"GIF8": ".gif", b"BM": ".bmp"}


class Expected(NamedTuple):
    """Facts of the catalogue on the official dataset, and where the copy is from."""

    where: str
    counts: dict[str, int]
    """Images of each part."""
    classes: list[tuple[str, ...]]
    """Names of each class by label, the official one first."""

    @classmethod
    def of(cls, entry: Archived, where: str) -> "Expected":
        """Return what is expected of a mirror; FgirError where the catalogue says too little to compare."""
        official_val = entry.val_part == "official"
        counts = {"train": entry.train, "val": entry.val} if official_val else {"train_val": entry.train_val}
        known = {part: count for part, count in (counts | {"test": entry.test}).items() if count}
        if entry.class_names is None or len(known) < len(counts) + 1:
            raise FgirError(f"{where}: the catalogue has no class names and counts to hold it against")
        return cls(where, known, _class_list(Path(entry.class_names)))

    def label_of(self, name: str) -> int | None:
        """Return the official label of a class, whatever the spelling of its name."""
        return next((label for label, names in enumerate(self.classes) if _bare(name) in map(_bare, names)), None)


class Labelled(NamedTuple):
    """A file of rows that equals the official dataset, as far as can be known."""

    path: Path
    part: str
    column: str
    """Name of the column of images."""
    labels: list[int]
    """Official labels, by row."""


def parts_of(held: Snapshot, expected: Expected) -> dict[HubFile, str]:
    """Return the Parquet files of a repository with the part that each belongs to, by the names of its splits.

    Raises FgirError where there are none, or no split for the test part.
    """
    found = {file: _SPLIT.findall(file.path) for file in held.files if file.path.endswith(".parquet")}
    # The last: a folder may be called "test" too.
    splits = {file: names[-1].replace("validation", "val") for file, names in found.items() if names}
    test = next((split for split in ("test", "val") if split in splits.values()), None)
    if test is None or set(splits.values()) == {test}:
        raise FgirError(f"{held} holds neither the official archives nor Parquet files of a train and a test part")
    if "trainval" in splits.values():
        splits = {file: split for file, split in splits.items() if split in ("trainval", test)}
    parts = {file: "test" if split == test else _part(split, expected) for file, split in splits.items()}
    return dict(sorted(parts.items(), key=lambda item: (item[1] == "test", item[0].path)))


def _part(split: str, expected: Expected) -> str:
    return split if split in expected.counts else "train_val"


def check(files: Mapping[Path, str], expected: Expected) -> list[Labelled]:
    """Return the rows of ``files`` (path: part) under their official labels.

    Raises FgirError where a file is damaged, or counts, class names or parts are not the official ones.
    """
    from pyarrow import ArrowException

    try:
        found = [_labelled(path, part, expected) for path, part in files.items()]
    except (ArrowException, OSError) as error:
        raise FgirError(f"{expected.where}: a Parquet file is damaged ({error})") from None
    counts: Counter[str] = Counter()
    for file in found:
        counts[file.part] += len(file.labels)
    if counts != expected.counts:
        raise FgirError(
            f"{expected.where} has {_in_words(counts)}, but the official dataset has {_in_words(expected.counts)}"
        )
    for part in counts:
        present = {label for file in found if file.part == part for label in file.labels}
        missing = [names[0] for label, names in enumerate(expected.classes) if label not in present]
        if missing:
            raise FgirError(f"{expected.where} has no {part} image of {missing[0]}")
    return found


def write(files: Sequence[Labelled], expected: Expected, about: dict[str, str], folder: Path) -> None:
    """Write the images of ``files`` to a new ``folder`` with a list of them, and where they are from, ``about``.

    Raises FgirError, and leaves nothing, where an image is not in its row or the disk is too small.
    """
    check_room(sum(file.path.stat().st_size for file in files), folder.parent, expected.where)
    names = [names[0] for names in expected.classes]
    with new_folder(folder) as temporary:
        rows: list[tuple[str, int, str]] = []
        numbers: Counter[str] = Counter()
        images = ((file, row) for file in files for row in enumerate(_images(file, expected.where)))
        total = sum(len(file.labels) for file in files)
        for file, (row, content) in tracked(images, f"Writing {about['dataset']}", total=total):
            path = f"{file.part}/{numbers[file.part]:06d}{_suffix(content)}"
            numbers[file.part] += 1
            (temporary / file.part).mkdir(exist_ok=True)
            (temporary / path).write_bytes(content)
            rows.append((path, file.labels[row], file.part))
        with (temporary / IMAGES).open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([("path", "label", "part"), *rows])
        text = json.dumps(about | {"classes": names}, indent=1, ensure_ascii=False)
        (temporary / ABOUT).write_text(text + "\n", encoding="utf-8")


def _labelled(path: Path, part: str, expected: Expected) -> Labelled:
    import pyarrow.parquet as pq

    schema = pq.read_schema(path)
    features = _features(schema.metadata or {}, expected.where)
    image = next((name for name, about in features.items() if about.get("_type") == "Image"), None)
    classes = {name: about["names"] for name, about in features.items() if about.get("_type") == "ClassLabel"}
    if image is None or not classes:
        raise FgirError(f"{expected.where} does not say which columns hold its images and classes")
    labels = {name: [expected.label_of(str(one)) for one in names] for name, names in classes.items()}
    # One of several columns may hold coarser classes.
    column = next((name for name, found in labels.items() if set(found) == set(range(len(expected.classes)))), None)
    if column is None or len(labels[column]) != len(expected.classes):
        raise FgirError(f"{expected.where} has other classes than the official dataset{_foreign(classes, expected)}")
    found = pq.read_table(path, columns=[column])[column].to_pylist()
    official = dict(enumerate(labels[column]))
    if any(official.get(label) is None for label in found):
        raise FgirError(f"{expected.where} has images without a class")
    return Labelled(path, part, image, [official[label] for label in found])  # type: ignore[misc]


def _features(metadata: Mapping[bytes, bytes], where: str) -> dict[str, dict[str, Any]]:
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return {name: about for name, about in features.items() if isinstance(about, dict)}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise FgirError(f"{where} does not say which columns hold its images and classes") from None


def _foreign(classes: Mapping[str, Sequence[str]], expected: Expected) -> str:
    """Return one of its classes that is not official, as the end of a sentence."""
    names = max(classes.values(), key=len)
    foreign = [str(name) for name in names if expected.label_of(str(name)) is None]
    return f", e.g. {foreign[0]}" if foreign else f": {len(names)}, not {len(expected.classes)}"


def _images(file: Labelled, where: str) -> Iterator[bytes]:
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(file.path).iter_batches(batch_size=64, columns=[file.column]):
        for value in batch.column(0).to_pylist():
            content = value.get("bytes") if isinstance(value, dict) else None
            if not content:
                raise FgirError(f"{where} has rows without an image")
            yield content


def _suffix(content: bytes) -> str:
    return next((suffix for start, suffix in _SUFFIXES.items() if content.startswith(start)), ".img")


def _class_list(path: Path) -> list[tuple[str, ...]]:
    try:
        return [tuple(line.split("\t")) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise FgirError(f"The list of class names {path} cannot be read ({error})") from None


def _bare(name: str) -> str:
    """Return a name as all spellings have it: without the number before it, case, spaces, underscores and the like."""
    return re.sub(r"[\W_]+", "", re.sub(r"^(\d+\.|n\d{8}-)", "", name).casefold())


def _in_words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {part}" for part, count in sorted(counts.items(), reverse=True)) + " images"
