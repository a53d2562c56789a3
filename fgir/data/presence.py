"""Presence of datasets on this machine, and the ways to get them."""

from pathlib import Path

from fgir.data.sources.archive import in_place_of_files, is_present, package_is_present, root_of
from fgir.study.catalogue import Archived, Dataset, Folder, Typefaces


def how(entry: Dataset) -> str:
    """Return the way to its images: automatic, mirror (a third party's), by hand, your folder, package or rendered."""
    if isinstance(entry, Archived):
        if entry.path:
            return "your folder"
        if entry.packaged:
            return "package"
        if entry.files and all(file.urls for file in entry.files) and not entry.by_hand:
            return "automatic"
        return "mirror" if entry.mirrors else "by hand"
    kinds: dict[type[Dataset], str] = {Typefaces: "rendered", Folder: "your folder"}
    return kinds[type(entry)]


def present(name: str, entry: Dataset, archives: Path) -> str:
    """Return ``yes``, ``partly`` or ``no``."""
    if isinstance(entry, Typefaces):
        return "yes"
    if isinstance(entry, Folder):
        return "yes" if Path(entry.path).expanduser().is_dir() else "no"
    assert isinstance(entry, Archived)
    if entry.packaged:
        return "yes" if package_is_present(name, entry, archives) else "no"
    root = root_of(name, entry, archives)
    if entry.path or not entry.files:
        return "yes" if root.is_dir() and any(root.iterdir()) else "no"
    there = [is_present(file, root) for file in entry.files]
    return "yes" if all(there) or in_place_of_files(entry, root) else "partly" if any(there) else "no"


def gigabytes(entry: Dataset) -> float | None:
    """Return the size on disk, or of the files where only that is known; None where nothing is."""
    if entry.disk_gb or not isinstance(entry, Archived):
        return entry.disk_gb
    package = entry.package.gb if entry.package else None
    return package or sum(file.gb or 0 for file in entry.files) or None
