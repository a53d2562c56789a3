"""Studies of tiny.py: finished, copied, empty."""

import shutil
from pathlib import Path

import pytest
from tiny import STUDY, Bench


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    bench = Bench(tmp_path_factory.mktemp("finished"))
    bench.write(STUDY)
    done = bench.snakemake("all")
    assert done.returncode == 0, done.stdout
    return bench


@pytest.fixture
def copied_study(finished_study: Bench, tmp_path: Path) -> Bench:
    """A finished study that a test may change."""
    folder = tmp_path / "copy"
    # Metadata of Snakemake and modification times go along: a copy is as finished as the original.
    shutil.copytree(finished_study.folder, folder, symlinks=True)
    return Bench(folder)


@pytest.fixture
def empty_study(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
