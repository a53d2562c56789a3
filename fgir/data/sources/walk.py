"""A folder of images as people leave it: what is an image, what is passed over and why.

Imported at Snakemake's parse time: standard library only.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import PurePath

from fgir.study.catalogue import IMAGE_SUFFIXES
from fgir.utils.errors import FgirError
from fgir.utils.words import counted, shown

# What file managers, network drives and notebooks leave beside images, besides all that begins with a dot.
_LITTER = {
    *("@eadir", "#recycle", "#snapshot", "$recycle.bin", "system volume information", "lost+found"),
    *("__macosx", "__pycache__", "thumbs.db", "ehthumbs.db", "desktop.ini"),
}


_HIDDEN = ("hidden file or folder", "hidden files or folders")
_NO_IMAGE = ("file that is no image by its name", "files that are no images by their names")
_HEIC = ("HEIC image, which needs the package pillow-heif", "HEIC images, which need the package pillow-heif")
_NO_FILE = ("pipe, socket or device", "pipes, sockets or devices")
_BROKEN = ("broken link", "broken links")
_LOOP = ("link back to a folder that it is in", "links back to folders that they are in")
_HEIC_SUFFIXES = (".heic", ".heif", ".hif")
_MOST_SUFFIXES = 5


class PassedOver:
    """Files of a folder that are not read, counted by reason."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._examples: dict[tuple[str, str], str] = {}
        self._suffixes: Counter[str] = Counter()

    def add(self, path: str, what: tuple[str, str]) -> None:
        """Note that something is passed over: what it is and why, of one and of several."""
        self._counts[what] += 1
        self._examples.setdefault(what, path)
        if what is _NO_IMAGE:
            self._suffixes[PurePath(path).suffix.lower()] += 1

    def join(self, other: "PassedOver") -> None:
        """Add what another one counted."""
        self._counts += other._counts
        self._suffixes += other._suffixes
        self._examples = other._examples | self._examples

    def notes(self) -> list[str]:
        """Return one sentence with every reason and an example each; none where nothing was passed over."""
        return [f"Passed over: {text}."] if (text := self.text()) else []

    def text(self) -> str:
        """Return every reason with its number and an example, or nothing."""
        parts = (
            f"{counted(number, *what)}{self._kinds() if what is _NO_IMAGE else ''}, e.g. {shown(self._examples[what])}"
            for what, number in self._counts.items()
        )
        return "; ".join(parts)

    def _kinds(self) -> str:
        """Name the commonest suffixes of files that are no images, where there are several."""
        if len(self._suffixes) < 2:
            return ""
        found = [f"{count:,} {shown(suffix) or 'without suffix'}" for suffix, count in self._suffixes.most_common()]
        more = ["…"] if len(found) > _MOST_SUFFIXES else []
        return f" ({', '.join(found[:_MOST_SUFFIXES] + more)})"


def is_hidden(name: str) -> bool:
    """Say whether a file or folder is hidden, or litter of a file manager."""
    return name.startswith(".") or name.lower() in _LITTER


def is_image(name: str) -> bool:
    """Say whether a file is an image by its name."""
    return PurePath(name).suffix.lower() in IMAGE_SUFFIXES


def entries(folder: str) -> list[os.DirEntry[str]]:
    """Return what is in a folder, by name; FgirError where it cannot be read or a name is not in UTF-8."""
    with _scanned(folder) as found:
        listed = sorted(found, key=lambda entry: entry.name)
    _check_names(folder, [entry.name for entry in listed])
    return listed


def folders_in(folder: str) -> list[str]:
    """Return the names of the folders in a folder, linked ones included, hidden ones not; FgirError as ``entries``."""
    with _scanned(folder) as found:
        names = sorted(entry.name for entry in found if not is_hidden(entry.name) and _is_folder(entry))
    _check_names(folder, names)
    return names


def folders_alone(folder: str) -> list[str]:
    """Return the names of the folders in a folder that holds no images beside them, else nothing."""
    names = []
    with _scanned(folder) as found:
        for entry in found:
            if is_hidden(entry.name):
                continue
            if _is_folder(entry):
                names.append(entry.name)
            elif is_image(entry.name):
                return []
    return sorted(names)


def images_below(folder: str, inside: str, passed: PassedOver) -> list[str]:
    """Return the images of a class folder and of the folders in it, named from ``inside`` on, sorted by their parts.

    Linked folders are followed, but not back into one that they are in.
    """
    return sorted(_walk(folder, inside, passed, frozenset([_identity(folder)])), key=lambda path: path.split("/"))


def images_anywhere(folder: str) -> Iterator[tuple[str, str]]:
    """Yield each image of a folder and of those in it: the real path of the folder that it is in, and its path.

    Each folder once, by whatever links it is reached; what cannot be read is passed over.
    """
    left, seen = [folder], set[str]()
    while left:
        at = left.pop()
        place = os.path.realpath(at)
        if place in seen:
            continue
        seen.add(place)
        with suppress(OSError), os.scandir(at) as found:
            for entry in found:
                if is_hidden(entry.name):
                    continue
                if _is_folder(entry):
                    left.append(entry.path)
                elif is_image(entry.name) and _is_file(entry):
                    yield place, entry.path


def pass_over_beside(folder: str, inside: str, read: set[str], passed: PassedOver, beside: str) -> None:
    """Note what is in a folder beside the folders that are read; ``beside`` says so."""
    for entry in entries(folder):
        if entry.name in read:
            continue
        path = f"{inside}{entry.name}"
        if is_hidden(entry.name):
            passed.add(path, _HIDDEN)
        elif _is_folder(entry):
            passed.add(path, (f"folder {beside}", f"folders {beside}"))
        elif is_image(entry.name):
            passed.add(path, (f"image {beside}", f"images {beside}"))
        else:
            _pass_over_file(entry, path, passed)


@contextmanager
def _scanned(folder: str) -> Iterator[Iterator["os.DirEntry[str]"]]:
    try:
        with os.scandir(folder) as found:
            yield found
    except OSError as error:
        raise FgirError(f"{folder} cannot be read ({error.strerror}); correct its permissions or remove it.") from None


def _walk(folder: str, inside: str, passed: PassedOver, above: frozenset[tuple[int, int]]) -> Iterator[str]:
    for entry in entries(folder):
        path = f"{inside}/{entry.name}"
        if is_hidden(entry.name):
            passed.add(path, _HIDDEN)
        elif _is_folder(entry):
            identity = _identity(entry.path)
            if identity in above:
                passed.add(path, _LOOP)
            else:
                yield from _walk(entry.path, path, passed, above | {identity})
        elif is_image(entry.name) and _is_file(entry):
            yield path
        else:
            _pass_over_file(entry, path, passed)


def _pass_over_file(entry: "os.DirEntry[str]", path: str, passed: PassedOver) -> None:
    if _is_file(entry):
        passed.add(path, _HEIC if PurePath(path).suffix.lower() in _HEIC_SUFFIXES else _NO_IMAGE)
    else:
        passed.add(path, _BROKEN if entry.is_symlink() else _NO_FILE)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    # A link to itself, or into what may not be read, is an error of its own.
    with suppress(OSError):
        return entry.is_dir()
    return False


def _is_file(entry: "os.DirEntry[str]") -> bool:
    with suppress(OSError):
        return entry.is_file()
    return False


def _check_names(folder: str, names: list[str]) -> None:
    """Raise FgirError where names are not in UTF-8: no table holds them, and another machine may show others."""
    foreign = [name for name in names if any("\udc80" <= sign <= "\udcff" for sign in name)]
    if foreign:
        which = "1 name that is" if len(foreign) == 1 else f"{len(foreign):,} names that are"
        raise FgirError(
            f"{shown(folder)} holds {which} not in UTF-8, e.g. {shown(foreign[0])}; rename it (the tool convmv renames "
            "whole trees)."
        )


def _identity(folder: str) -> tuple[int, int]:
    state = os.stat(folder)
    return state.st_dev, state.st_ino
