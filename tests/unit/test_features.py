"""The file of what a part reads: whole or not at all, and of one run."""

import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from fgir.adaptation.features import gigabytes, read_features, write_features
from fgir.utils.errors import FgirError

VALUES = torch.arange(12, dtype=torch.float32).view(4, 3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "features.safetensors"


def write(path: Path, identity: str = "run") -> None:
    write_features(path, identity, VALUES.split(3), (4, 3))


def test_what_is_written_is_read_and_is_a_safetensors_file(path: Path) -> None:
    write(path)

    assert np.array_equal(read_features(path, "run"), VALUES)
    assert np.array_equal(load_file(path)["features"], VALUES)


def test_half_precision_loses_nothing(path: Path) -> None:
    halves = torch.tensor([[0.1, 65504.0, 6e-8]]).half()

    write_features(path, "run", [halves], (1, 3))

    assert np.array_equal(read_features(path, "run"), halves.float())


def test_file_of_another_run_is_refused(path: Path) -> None:
    write(path, "other")

    with pytest.raises(FgirError, match=r"features\.safetensors holds features of another run or adaptation; delete"):
        read_features(path, "run")


@pytest.mark.parametrize("kept", [0, 5, 60, -4])
def test_damaged_file_is_refused(path: Path, kept: int) -> None:
    write(path)
    path.write_bytes(path.read_bytes()[:kept])

    with pytest.raises(FgirError, match="is not a whole file of features; delete it and rerun"):
        read_features(path, "run")


@pytest.fixture
def little_room() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("little_room")
def test_full_disk_leaves_nothing(path: Path) -> None:
    with pytest.raises(FgirError, match=r"The disk is full: .*features\.safetensors was not written"):
        write_features(path, "run", iter(torch.zeros(100, 64, 64)), (6400, 64))

    assert list(path.parent.iterdir()) == []


def test_file_larger_than_the_disk_is_refused_before_anything_is_computed(path: Path) -> None:
    with pytest.raises(FgirError, match=r"needs .* GB free; free some space, or lower features_gb"):
        write_features(path, "run", iter(()), (10**12, 1000))


def test_size_is_said_in_gigabytes() -> None:
    # CAL on ResNet-50: 32 maps of 2,048 numbers an image.
    assert gigabytes(10_000, 32 * 2048) == pytest.approx(2.62, abs=0.01)
