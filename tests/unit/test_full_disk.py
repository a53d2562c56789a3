"""A full disk stops with one clear sentence and leaves no half-written output."""

import os
import resource
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from small_datasets import class_tree, files_in, folder_spec

from fgir.data.archive import unpack
from fgir.data.manifest import write_manifest, write_source
from fgir.data.sources import typefaces
from fgir.specs import SourceSpec, canonical
from fgir.study.catalogue import Typefaces
from fgir.utils.errors import FgirError
from fgir.utils.files import replacing

LIMIT = 4096
FULL = "The disk is full: .* was not written; free some space and rerun"


@pytest.fixture
def little_room() -> Iterator[None]:
    """No file can grow beyond LIMIT bytes: writing fails in the kernel, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("little_room")
def test_a_file_that_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")

    with pytest.raises(FgirError, match=FULL), replacing(tmp_path / "file") as temporary:
        temporary.write_bytes(bytes(2 * LIMIT))

    assert files_in(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "old"


@pytest.mark.usefixtures("little_room")
def test_weights_are_not_half_written(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match=FULL), replacing(tmp_path / "model.safetensors") as temporary:
        save_file({"weight": np.zeros(2 * LIMIT)}, temporary)

    assert files_in(tmp_path) == []


def test_unpacking_leaves_nothing(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("small", b"1")
        archive.writestr("large", bytes(4 * LIMIT))
    request.getfixturevalue("little_room")

    with pytest.raises(FgirError, match=FULL):
        unpack(tmp_path / "x.zip", tmp_path / "out")

    assert files_in(tmp_path) == ["x.zip"]


@pytest.mark.usefixtures("little_room")
def test_rendering_leaves_nothing(tmp_path: Path) -> None:
    entry = Typefaces(source="typefaces", classes=2, train_val_per_class=2, test_per_class=1, size=128)

    with pytest.raises(FgirError, match=FULL):
        typefaces.acquire(SourceSpec(recipe=1, dataset="typefaces", entry=entry, archives=str(tmp_path)))

    assert files_in(tmp_path) == ["typefaces"]


def test_a_manifest_and_a_source_are_not_half_written(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    images = class_tree(tmp_path / "images", {"cat": 60, "dog": 60})
    spec = folder_spec(images, test_fraction=0.5, terms="much " * LIMIT)
    request.getfixturevalue("little_room")

    with pytest.raises(FgirError, match=FULL):
        write_manifest(spec, images, tmp_path / "out" / "manifest.parquet")
    with pytest.raises(FgirError, match=FULL):
        write_source(spec, images, tmp_path / "out" / "source.json")

    assert files_in(tmp_path / "out") == []


def test_the_command_says_so_on_a_disk_that_is_really_full(tmp_path: Path) -> None:
    images, disk = class_tree(tmp_path / "images", {"cat": 60, "dog": 60}), tmp_path / "disk"
    spec, source = folder_spec(images, test_fraction=0.5), tmp_path / "source.json"
    write_source(spec, images, source)
    disk.mkdir()
    command = [sys.executable, "-m", "fgir", "manifest", "--spec", canonical(spec), "--source", str(source)]
    command += ["--out", str(disk / "manifest.parquet")]

    done = on_a_disk_of_4_kilobytes(disk, command)

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"fgir manifest: The disk is full: {disk}/manifest.parquet was not written; free some space and rerun."
    )
    assert done.stdout == "ls: []\n"


def on_a_disk_of_4_kilobytes(folder: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run the command while ``folder`` is a tiny disk of its own, then print what it left there."""
    alone = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*alone, "mount", "-t", "tmpfs", "none", str(folder)], capture_output=True).returncode:
        pytest.skip("this system lets no user mount a disk of their own")
    script = 'mount -t tmpfs -o size=4k none "$0"; "$@"; code=$?; echo "ls: [$(ls -A "$0")]"; exit $code'
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        [*alone, "sh", "-c", script, str(folder), *command], capture_output=True, text=True, env=environment
    )
