"""Datasets in their official archives: fetched or placed by hand, unpacked, read by a reader of their own."""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import cast

from fgir.catalogue import Archived, Download, load_datasets
from fgir.data.archive import stem, unpack
from fgir.data.fetch import by_hand, fetch_file, verify_file
from fgir.data.sources.image import Listing, SourceImage
from fgir.errors import FgirError
from fgir.progress import tell
from fgir.specs import SourceSpec


def acquire(spec: SourceSpec) -> Path:
    """Fetch what is missing, verify and unpack it; return the folder of the dataset.

    Raises FgirError that says exactly what to fetch by hand and where to put it, where that is needed.
    """
    entry = _entry(spec)
    root = root_of(spec.dataset, entry, spec.archives)
    if entry.path or not entry.files:
        if not root.is_dir() or not any(root.iterdir()):
            what = f'correct "path" of dataset "{spec.dataset}"' if entry.path else entry.by_hand
            raise FgirError(f"{root} does not exist or is empty: {what}")
        return root
    told = False
    for file in entry.files:
        if not told and not is_present(file, root) and file.urls:
            tell(f"{entry.title or spec.dataset}, licence: {entry.licence}. {entry.terms}")
            told = True
        _provide(file, root, entry)
    return root


def root_of(dataset: str, entry: Archived, archives: str | Path) -> Path:
    """The folder of a dataset: its ``path``, or its own below the study's folder of archives."""
    return Path(entry.path).expanduser() if entry.path else Path(archives) / dataset


def is_present(file: Download, root: Path) -> bool:
    """Is a file of a dataset there, or what it unpacks to?"""
    inside = stem(file.file)
    return (root / file.file).exists() or (inside is not None and (root / inside).is_dir())


def located(spec: SourceSpec, catalogue: str | Path) -> SourceSpec:
    """The spec with what the catalogue says today of where its files come from, which is no part of its meaning."""
    entry = load_datasets(catalogue).get(spec.dataset)
    if not isinstance(spec.entry, Archived) or not isinstance(entry, Archived):
        return spec
    today = {file.file: {"urls": file.urls, "gb": file.gb} for file in entry.files}
    files = [file.model_copy(update=today.get(file.file, {})) for file in spec.entry.files]
    texts = {"by_hand": entry.by_hand, "homepage": entry.homepage, "title": entry.title}
    return spec.model_copy(update={"entry": spec.entry.model_copy(update={"files": files, **texts})})


def _provide(file: Download, root: Path, entry: Archived) -> None:
    """See to it that a file is there and right, and is unpacked if it is an archive."""
    inside, path = stem(file.file), root / file.file
    if inside is not None and (root / inside).is_dir():
        return
    if not path.exists():
        hint = entry.by_hand or (f"See {entry.homepage} ." if entry.homepage else "")
        if not file.urls:
            raise FgirError(f"{path} is missing and must be fetched by hand: {by_hand(file, root, hint)}")
        fetch_file(file, root, hint)
    verify_file(path, file.checksum)
    if inside is not None:
        unpack(path, root / inside)


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
