"""The test cluster: brought up for the tests that need it, and down by pid, leaving nothing."""

import os
from collections.abc import Iterator

import pytest
from lab import LONG, PACKAGES, Cluster, missing_programs, running_cluster
from shared import made_once
from tiny import Bench


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    if missing := missing_programs():
        reason = f"Slurm is not installed ({', '.join(missing)} missing): apt-get install {PACKAGES}"
        if os.environ.get("FGIR_REQUIRE_SLURM"):
            pytest.fail(reason)
        pytest.skip(reason)
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def calm_study(tmp_path_factory: pytest.TempPathFactory, prepared_study: Bench) -> Bench:
    """The runs of LONG, trained and evaluated here without Slurm and without a fault; never to be changed."""

    def train(bench: Bench) -> None:
        prepared_study.copied(bench.folder)
        bench.write(LONG)
        done = bench.fgir("submit", "--local", "--parallel", "2", "config/study.yaml")
        assert done.returncode == 0, done.stdout

    return made_once(tmp_path_factory, "calm", train)
