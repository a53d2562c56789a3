"""Archives are unpacked safely and whole, or not at all."""

import gzip
import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from small_datasets import files_in

from fgir.data.archive import unpack
from fgir.utils.errors import FgirError

FILES = {"pictures/a.txt": b"a" * 1000, "pictures/deep/b.txt": b"b", "notes.txt": b"n"}


def make_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def make_tar(path: Path, files: dict[str, bytes], mode: str) -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def make(path: Path, files: dict[str, bytes]) -> Path:
    modes = {".tar": "w", ".gz": "w:gz", ".xz": "w:xz"}
    return make_zip(path, files) if path.suffix == ".zip" else make_tar(path, files, modes[path.suffix])


KINDS = ["x.zip", "x.tar", "x.tar.gz", "x.tar.xz"]


@pytest.mark.parametrize("kind", KINDS)
def test_unpacks_every_file_with_its_content(tmp_path: Path, kind: str) -> None:
    archive = make(tmp_path / kind, FILES)

    folder = unpack(archive, tmp_path / "out")

    assert {name: (folder / name).read_bytes() for name in FILES} == FILES


@pytest.mark.parametrize("kind", KINDS)
def test_unpacks_only_what_is_wanted(tmp_path: Path, kind: str) -> None:
    archive = make(tmp_path / kind, FILES)

    folder = unpack(archive, tmp_path / "out", wanted=lambda name: name.startswith("pictures/"))

    assert files_in(folder) == ["pictures", "pictures/a.txt", "pictures/deep", "pictures/deep/b.txt"]


def test_a_folder_that_is_there_is_not_unpacked_again(tmp_path: Path) -> None:
    folder = unpack(make_zip(tmp_path / "x.zip", FILES), tmp_path / "out")
    before = (folder / "notes.txt").stat().st_ino

    unpack(tmp_path / "x.zip", folder)

    assert (folder / "notes.txt").stat().st_ino == before


OUTSIDE = ["../evil.txt", "/tmp/evil.txt", "ok/../../evil.txt", "..\\evil.txt", "C:\\evil.txt", "C:evil.txt"]


@pytest.mark.parametrize("kind", KINDS[:3])
@pytest.mark.parametrize("name", OUTSIDE)
def test_a_member_that_would_land_outside_is_refused(tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / "in").mkdir()
    archive = make(tmp_path / "in" / kind, {"good.txt": b"g", name: b"evil"})

    with pytest.raises(FgirError, match="would land outside its folder") as error:
        unpack(archive, tmp_path / "in" / "out")

    assert name in str(error.value)
    assert files_in(tmp_path) == ["in", f"in/{kind}"]


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        link = zipfile.ZipInfo("shortcut")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc")

    with pytest.raises(FgirError, match="member shortcut is a link"):
        unpack(tmp_path / "x.zip", tmp_path / "out")

    assert files_in(tmp_path) == ["x.zip"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_a_link_or_device_in_a_tar_is_refused(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        entry = tarfile.TarInfo("shortcut")
        entry.type, entry.linkname = kind, "/etc/passwd"
        archive.addfile(entry)

    with pytest.raises(FgirError, match="member shortcut is a link or a device"):
        unpack(tmp_path / "x.tar", tmp_path / "out")

    assert files_in(tmp_path) == ["x.tar"]


@pytest.mark.parametrize("names", [["twice.txt", "twice.txt"], ["a", "a/b.txt"]])
def test_members_in_each_others_way_are_refused(tmp_path: Path, names: list[str]) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name))

    with pytest.raises(FgirError, match=f"member {names[1]} stands there twice"):
        unpack(tmp_path / "x.tar", tmp_path / "out")

    assert files_in(tmp_path) == ["x.tar"]


def test_a_damaged_member_is_named_and_nothing_stays(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "x.zip", FILES)
    content = bytearray(archive.read_bytes())
    content[content.index(b"aaaa") + 10] ^= 1
    archive.write_bytes(content)

    with pytest.raises(FgirError, match=r"member pictures/a\.txt is damaged"):
        unpack(archive, tmp_path / "out")

    assert files_in(tmp_path) == ["x.zip"]


@pytest.mark.parametrize("kind", ["x.zip", "x.tar.gz", "x.tar.xz"])
def test_a_truncated_archive_is_refused(tmp_path: Path, kind: str) -> None:
    noise = gzip.compress(bytes(range(256)) * 40)
    archive = make(tmp_path / kind, {f"{number}.txt": noise + bytes([number]) for number in range(50)})
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])

    with pytest.raises(FgirError, match=r"is damaged|is no zip or tar archive"):
        unpack(archive, tmp_path / "out")

    assert files_in(tmp_path) == [kind]


def test_an_archive_without_what_is_wanted_is_refused(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "x.zip", FILES)

    with pytest.raises(FgirError, match="holds none of the files looked for"):
        unpack(archive, tmp_path / "out", wanted=lambda name: name.startswith("images/"))

    assert files_in(tmp_path) == ["x.zip"]
