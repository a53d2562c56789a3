"""What many tests share."""

import os
from pathlib import Path

# One thread a test process, set before torch is loaded: the tests themselves run side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from shared import made_once
from tiny import INPUTS, STUDY, Bench

from fgir.data.sources.registry import acquire
from fgir.specs import RECIPE, SourceSpec
from fgir.study.catalogue import load_datasets

REPOSITORY = Path(__file__).parents[1]
_LONGEST = ("slurm", "workflow", "unit", "gpu")


@pytest.fixture(scope="session")
def elpv_spec() -> SourceSpec:
    """The catalogue's entry of the real photographs, kept in data/ as the demo keeps them."""
    entry = load_datasets(REPOSITORY / "config" / "datasets.yaml")["elpv"]
    return SourceSpec(recipe=RECIPE["source"], dataset="elpv", entry=entry, archives=str(REPOSITORY / "data"))


@pytest.fixture(scope="session")
def elpv_root(elpv_spec: SourceSpec) -> Path:
    """The real photographs, downloaded once for all sessions."""
    return acquire(elpv_spec)


@pytest.fixture(scope="session")
def prepared_study(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The inputs of every training are there, and no training; never to be changed."""

    def prepare(bench: Bench) -> None:
        bench.folder.mkdir()
        bench.write(STUDY)
        done = bench.snakemake(*INPUTS)
        assert done.returncode == 0, done.stdout

    return made_once(tmp_path_factory, "prepared", prepare)


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory: pytest.TempPathFactory, prepared_study: Bench) -> Bench:
    """The whole study has run; never to be changed."""

    def finish(bench: Bench) -> None:
        prepared_study.copied(bench.folder)
        done = bench.snakemake("all")
        assert done.returncode == 0, done.stdout

    return made_once(tmp_path_factory, "finished", finish)


@pytest.fixture
def copied_study(finished_study: Bench, tmp_path: Path) -> Bench:
    """A finished study that a test may change."""
    return finished_study.copied(tmp_path / "copy")


@pytest.fixture
def empty_study(tmp_path: Path) -> Bench:
    """A folder for a study that a test writes."""
    return Bench(tmp_path)


def pytest_configure(config: pytest.Config) -> None:
    """Hide the GPU unless tests/gpu alone are asked for: what the others state of bits and figures is of a CPU."""
    if not all("gpu" in Path(word.partition("::")[0]).parts for word in config.args):
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file's tests, all of the workflow, and a group's that a file names, in one process: they share much.

    The longest come first, so that the other process does all else meanwhile.
    """
    items.sort(key=lambda item: _LONGEST.index(_kind(item)))
    for item in items:
        if item.get_closest_marker("xdist_group"):
            continue
        folder = _kind(item)
        group = folder if folder != "unit" else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))


def _kind(item: pytest.Item) -> str:
    """The folder of tests/ that a test is in."""
    return item.path.relative_to(REPOSITORY / "tests").parts[0]
