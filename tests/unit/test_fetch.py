"""Packages are downloaded once and verified."""

import hashlib
from pathlib import Path

import pytest
from small_datasets import files_in

from fgir.data.fetch import fetch_package
from fgir.study.catalogue import Package
from fgir.utils.errors import FgirError

# A package of 11 kB; its files on the index never change.
SMALL = Package(name="six", version="1.17.0", sha256="4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274")
WHEEL = "six-1.17.0-py2.py3-none-any.whl"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pip finds no package anywhere."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")


def by_hand(folder: Path, content: bytes) -> Package:
    """Put a wheel into ``folder`` as a user would."""
    folder.mkdir()
    (folder / "some_data-1.0-py3-none-any.whl").write_bytes(content)
    return Package(name="Some.Data", version="1.0", sha256=hashlib.sha256(b"wheel").hexdigest())


def test_downloads_the_pinned_file_and_shows_its_licence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wheel = fetch_package(SMALL, tmp_path / "data", "MIT")

    assert wheel == tmp_path / "data" / WHEEL
    assert files_in(tmp_path / "data") == [WHEEL]
    assert "six 1.17.0, licence MIT" in capsys.readouterr().err


def test_a_download_with_another_checksum_is_not_kept(tmp_path: Path) -> None:
    foreign = SMALL.model_copy(update={"sha256": "0" * 64})

    with pytest.raises(FgirError, match=f"{SMALL.sha256}, but {'0' * 64} was expected"):
        fetch_package(foreign, tmp_path / "data", "MIT")

    assert files_in(tmp_path / "data") == []


@pytest.mark.usefixtures("no_network")
def test_without_a_network_the_error_names_the_file_to_put_by_hand(tmp_path: Path) -> None:
    with pytest.raises(FgirError) as error:
        fetch_package(SMALL, tmp_path / "data", "MIT")

    message = str(error.value)
    assert message.startswith("pip could not download six==1.17.0 (No matching distribution found for six==1.17.0)")
    assert f"put the file six-1.17.0-*.whl (sha256 {SMALL.sha256}) into {tmp_path / 'data'} by hand" in message
    assert files_in(tmp_path / "data") == []


@pytest.mark.usefixtures("no_network")
def test_a_verified_file_that_is_there_is_taken(tmp_path: Path) -> None:
    package = by_hand(tmp_path / "data", b"wheel")

    wheel = fetch_package(package, tmp_path / "data", "MIT")

    assert wheel.read_bytes() == b"wheel"


@pytest.mark.usefixtures("no_network")
def test_a_file_with_another_checksum_is_refused(tmp_path: Path) -> None:
    package = by_hand(tmp_path / "data", b"other wheel")

    with pytest.raises(FgirError, match=r"some_data-1\.0-py3-none-any\.whl has the sha256 .* delete it and rerun"):
        fetch_package(package, tmp_path / "data", "MIT")
