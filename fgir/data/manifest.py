"""The manifest: every image of a dataset opened once, measured and listed. And where its files are: source.json."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

from fgir.data.checks import check_classes, check_count, check_leaks
from fgir.data.readers.mirrored import origin
from fgir.data.sources.image import SourceImage
from fgir.data.sources.registry import source
from fgir.errors import FgirError
from fgir.files import replacing
from fgir.progress import tracked
from fgir.schema import write_rows
from fgir.specs import SourceSpec

BLOCK = 1024


class Measured(NamedTuple):
    """What is known of an image once it was opened."""

    width: int
    height: int
    digest: str


def write_source(spec: SourceSpec, root: Path, out: str | Path) -> None:
    """Record in source.json where the images are and on what terms they may be used."""
    record = {"dataset": spec.dataset, "root": str(root), "licence": spec.entry.licence, "terms": spec.entry.terms}
    if copy := origin(root):
        record["mirror"] = copy
    with replacing(out) as temporary:
        temporary.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")


def read_root(source_json: str | Path) -> Path:
    """The folder of a dataset's images; FgirError where source.json is missing or damaged, or the folder is gone."""
    try:
        root = Path(json.loads(Path(source_json).read_text())["root"])
    except FileNotFoundError:
        raise FgirError(f"{source_json} does not exist; it is made by the download of the dataset: rerun it.") from None
    except (ValueError, KeyError, TypeError):
        raise FgirError(f"{source_json} is damaged; delete it and rerun.") from None
    if not root.is_dir():
        raise FgirError(f"The images that {source_json} locates are no longer in {root}; delete the file and rerun.")
    return root


def write_manifest(spec: SourceSpec, root: Path, out: str | Path) -> None:
    """Decode every image below ``root`` and write one row each; labels follow the class order of the source.

    Raises FgirError naming the file and what to do: at an unreadable image, a class with one image, a count that is
    not the catalogue's, or a test image that is also in train.
    """
    origin = source(spec.entry.source)
    images = list(origin.rows(spec, root))
    names = origin.classes(spec, root)
    _check_before(spec, root, images, names)
    rows = [
        {"image": number, "label": label, **image._asdict(), **measured._asdict()}
        for number, (image, label, measured) in enumerate(
            zip(images, _labels(images, names), _measure_all(root, images), strict=True)
        )
    ]
    if images[0].part:
        digests = [row["digest"] for row in rows]
        is_test = [image.part == "test" for image in images]
        check_leaks([image.path for image in images], digests, is_test, root, spec.entry.leaks)
    write_rows("manifest", rows, out)


def measure(path: Path) -> Measured:
    """Decode an image wholly; FgirError where it is missing, empty, truncated or no image."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FgirError(
            f"{path} cannot be read ({error.strerror}); restore it, or remove it from the dataset."
        ) from None
    try:
        with Image.open(BytesIO(content)) as image:
            width, height = image.convert("RGB").size
    # The decoders raise nearly anything at damaged bytes: OSError, SyntaxError, ValueError, struct.error, …
    except Exception as error:
        reason = _reason(content, error)
        raise FgirError(f"{path} is not a whole image ({reason}); replace it, or remove it from the dataset.") from None
    return Measured(width, height, blake2b(content, digest_size=16).hexdigest())


def _reason(content: bytes, error: Exception) -> str:
    if not content:
        return "it is empty"
    return "unknown format" if isinstance(error, UnidentifiedImageError) else str(error)


def _check_before(spec: SourceSpec, root: Path, images: list[SourceImage], names: list[str]) -> None:
    entry = spec.entry
    check_count(len(names), entry.classes, "classes", "classes", spec.dataset, root)
    check_classes((image.class_name for image in images), names, root)
    if images[0].part is None:
        both = None if entry.train_val is None or entry.test is None else entry.train_val + entry.test
        check_count(len(images), both, "images", "train_val + test", spec.dataset, root)
        return
    tests = sum(image.part == "test" for image in images)
    check_count(len(images) - tests, entry.train_val, "train_val images", "train_val", spec.dataset, root)
    check_count(tests, entry.test, "test images", "test", spec.dataset, root)


def _labels(images: list[SourceImage], names: list[str]) -> Iterator[int]:
    label = {name: number for number, name in enumerate(names)}
    return (label[image.class_name] for image in images)


def _measure_all(root: Path, images: list[SourceImage]) -> Iterator[Measured]:
    # Threads suffice: Pillow decodes without the interpreter's lock. Blocks bound what is queued when one fails.
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        blocks = (images[start : start + BLOCK] for start in range(0, len(images), BLOCK))
        measured = (done for block in blocks for done in pool.map(measure, (root / image.path for image in block)))
        yield from tracked(measured, "Reading images", total=len(images))
