"""The test cluster: brought up for the tests that need it, and down by pid, leaving nothing."""

import os
from collections.abc import Iterator

import pytest
from lab import PACKAGES, Cluster, missing_programs, running_cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    if missing := missing_programs():
        reason = f"Slurm is not installed ({', '.join(missing)} missing): apt-get install {PACKAGES}"
        if os.environ.get("FGIR_REQUIRE_SLURM"):
            pytest.fail(reason)
        pytest.skip(reason)
    with running_cluster() as cluster:
        yield cluster
