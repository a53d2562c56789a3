"""Datasets in their official archives: fetched or placed by hand, unpacked, read by a reader of their own."""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import cast

from fgir.catalogue import Archived
from fgir.data.sources.image import Listing, SourceImage
from fgir.errors import FgirError
from fgir.specs import SourceSpec


def acquire(spec: SourceSpec) -> Path:
    """Fetch what is missing and unpack it; return the folder of the dataset."""
    raise NotImplementedError


def classes(spec: SourceSpec, root: Path) -> list[str]:
    """Names of the classes in the order of their labels."""
    return _listing(_entry(spec).reader, root).classes


def rows(spec: SourceSpec, root: Path) -> Iterator[SourceImage]:
    """Every image, in the order of the reader."""
    yield from _listing(_entry(spec).reader, root).images


@cache
def _listing(reader: str, root: Path) -> Listing:
    try:
        module = import_module(f"fgir.data.readers.{reader}")
    except ModuleNotFoundError:
        raise FgirError(f'There is no reader "{reader}"; fgir/data/readers/ holds those there are.') from None
    return cast(Listing, module.read(root))


def _entry(spec: SourceSpec) -> Archived:
    assert isinstance(spec.entry, Archived)
    return spec.entry
