"""Archives are unpacked safely: only inside their folder, whole or not at all, and never beyond the disk."""

import bz2
import gzip
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

from fgir.utils.errors import FgirError
from fgir.utils.files import new_folder
from fgir.utils.progress import tracked

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
# What the readers raise at damaged bytes; RuntimeError stands for encrypted members and unknown compressions.
DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, EOFError, RuntimeError)

# By the first bytes of a file.
_COMPRESSIONS: dict[bytes, Any] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}


class Member(NamedTuple):
    """A file, link or device in an archive."""

    name: str
    is_file: bool
    size: int
    """Bytes, as the archive says; no more are ever read."""
    open: Callable[[], Any]
    """Opens the content for reading bytes."""


def stem(file: str) -> str | None:
    """Return the name of an archive without its suffix, images of images.tar.gz; None of what is no archive."""
    suffix = next((suffix for suffix in sorted(SUFFIXES, key=len, reverse=True) if file.lower().endswith(suffix)), None)
    return file[: -len(suffix)] if suffix else None


def unpack(archive: str | Path, folder: str | Path, wanted: Callable[[str], bool] = lambda name: True) -> Path:
    """Unpack the files of a zip or tar (also compressed) whose name is ``wanted`` into a new ``folder``; return it.

    A ``folder`` that is there is whole, and stays. Raises FgirError naming the member where one is damaged, a link or
    a device, would land outside the folder or be larger than the disk has room for; also where the archive holds
    nothing wanted. What operating systems leave in archives (__MACOSX, .DS_Store) is not unpacked.
    """
    archive, folder = Path(archive), Path(folder)
    if folder.is_dir():
        return folder
    with _opened(archive) as (members, total), new_folder(folder) as temporary:
        written = 0
        for member in tracked(members, f"Unpacking {archive.name}", total=total):
            if wanted(member.name) and not _is_litter(member.name):
                check_room(member.size, temporary, f"{archive}: member {member.name}")
                _write(member, temporary, archive)
                written += 1
        if not written:
            raise FgirError(f"{archive} holds none of the files looked for; check that it is the right archive.")
    return folder


def _is_litter(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or parts[-1] == ".DS_Store" or parts[-1].startswith("._")


def check_room(size: int, folder: Path, what: str) -> None:
    """Raise FgirError, naming ``what``, where the disk of ``folder`` has less than ``size`` bytes left."""
    free = shutil.disk_usage(folder).free
    if size > free:
        raise FgirError(
            f"{what} needs {size / 1e9:.1f} GB, but {folder.parent} has {free / 1e9:.1f} GB left; free some."
        )


@contextmanager
def _opened(archive: Path) -> Iterator[tuple[Iterator[Member], int | None]]:
    """Yield the members of an archive and their number, None where only reading all of it would show that."""
    with _damage_named(str(archive)):
        opened = _open(archive)
    with opened as container:
        if isinstance(container, zipfile.ZipFile):
            files = [info for info in container.infolist() if not info.is_dir()]
            check_room(sum(info.file_size for info in files), archive.parent, str(archive))
            yield (_zipped(container, info) for info in files), len(files)
        else:
            yield _streamed(container, archive), None


def _open(archive: Path) -> zipfile.ZipFile | tarfile.TarFile:
    if zipfile.is_zipfile(archive):
        return zipfile.ZipFile(archive)
    if not tarfile.is_tarfile(archive):
        raise FgirError(f"{archive} is no zip or tar archive; delete it and rerun.")
    with archive.open("rb") as file:
        start = file.read(6)
    opener = next((opener for magic, opener in _COMPRESSIONS.items() if start.startswith(magic)), None)
    if opener is None:
        return tarfile.open(archive, "r:")
    # As a stream, because to list a compressed tar first would decompress all of it twice; decompressed here, because
    # tarfile's own streams take a truncated file for a whole one.
    decompressed: Any = opener(archive)
    return tarfile.open(fileobj=decompressed, mode="r|")


def _zipped(container: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    is_link = stat.S_ISLNK(info.external_attr >> 16)
    return Member(info.filename, not is_link, info.file_size, partial(container.open, info))


def _streamed(container: tarfile.TarFile, archive: Path) -> Iterator[Member]:
    while True:
        with _damage_named(str(archive)):
            entry = container.next()
        if entry is None:
            return
        # A stream keeps what it has read of every member; of millions that is gigabytes.
        container.members = []  # type: ignore[attr-defined]
        if not entry.isdir():
            yield Member(entry.name, entry.isreg(), entry.size, partial(container.extractfile, entry))


def _write(member: Member, folder: Path, archive: Path) -> None:
    where = f"{archive}: member {member.name}"
    if not member.is_file:
        raise FgirError(f"{where} is a link or a device; get the archive from its original source.")
    # The rules of Windows see more: they know backslashes and drives beside slashes and a leading slash.
    inside = PureWindowsPath(member.name)
    if inside.anchor or ".." in inside.parts:
        raise FgirError(f"{where} would land outside its folder; get the archive from its original source.")
    target = folder / member.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _damage_named(where), member.open() as source, target.open("xb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
    except (FileExistsError, NotADirectoryError):
        raise FgirError(f"{where} stands there twice; get the archive from its original source.") from None


@contextmanager
def _damage_named(where: str) -> Iterator[None]:
    try:
        yield
    except DAMAGE as error:
        raise FgirError(f"{where} is damaged ({error}); delete the archive and rerun.") from None
