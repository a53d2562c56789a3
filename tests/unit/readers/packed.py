"""Tiny copies of official archives: packed, then unpacked as the suite unpacks the real ones."""

import io
import json
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from small_datasets import split_spec

from fgir.data.archive import unpack
from fgir.data.manifest import write_manifest
from fgir.data.sources.image import Listing
from fgir.data.split import write_split
from fgir.results.parquet import read_rows
from fgir.specs import SourceSpec
from fgir.study.catalogue import Archived

SUFFIXES = (".tar.gz", ".tgz", ".tar", ".zip")


def delivered(root: Path, archive: str, files: Mapping[str, str]) -> Path:
    """Pack ``files`` (name: text) into ``archive``, unpack it into ``root/<its name without suffix>``, return root."""
    return _deliver(root, archive, {name: text.encode() for name, text in files.items()})


def delivered_images(root: Path, archive: str, names: Iterable[str]) -> Path:
    """Likewise, images no two of which are alike."""
    return _deliver(root, archive, {name: _image(archive + name) for name in names})


def json_text(content: Any) -> str:
    """JSON as the archives hold it."""
    return json.dumps(content)


def parts_of(listing: Listing) -> list[tuple[str, str, str | None]]:
    """Class, file name and part of every image."""
    return [(image.class_name, Path(image.path).name, image.part) for image in listing.images]


def split_of(root: Path, reader: str, folder: Path, classes: int, **keys: Any) -> dict[str, list[str]]:
    """Paths by part, through the real manifest and split."""
    entry = Archived(source="archive", reader=reader)
    spec = SourceSpec(recipe=1, dataset="mine", entry=entry, archives="unused")
    write_manifest(spec, root, folder / "manifest.parquet")
    write_split(split_spec(classes=classes, **keys), folder / "manifest.parquet", folder / "split.parquet")
    parts: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for row in read_rows("split", folder / "split.parquet"):
        parts[row["part"]].append(row["path"])
    return parts


def _deliver(root: Path, archive: str, contents: Mapping[str, bytes]) -> Path:
    packed = root / archive
    root.mkdir(parents=True, exist_ok=True)
    if archive.endswith(".zip"):
        with zipfile.ZipFile(packed, "w") as zipped:
            for name, content in contents.items():
                zipped.writestr(name, content)
    else:
        with tarfile.open(packed, "w:" if archive.endswith(".tar") else "w:gz") as tar:
            for name, content in contents.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    suffix = next(suffix for suffix in SUFFIXES if archive.endswith(suffix))
    unpack(packed, root / archive.removesuffix(suffix))
    return root


def _image(name: str) -> bytes:
    pixels = np.random.default_rng(list(name.encode())).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG" if name.endswith(".png") else "JPEG")
    return content.getvalue()
