"""The test cluster: brought up for the tests that need it, and down by pid, leaving nothing."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import Cluster

HERE = Path(__file__).parent
PROGRAMS = ("slurmctld", "slurmd", "slurmdbd", "munged", "mariadbd")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Two virtual nodes with two fake GPUs each; partition gpu preempts partition low."""
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])
    missing = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if missing:
        needed = "apt-get install slurm-wlm slurmdbd munge mariadb-server"
        if os.environ.get("FGIR_REQUIRE_SLURM"):
            pytest.fail(f"Slurm is not installed ({', '.join(missing)} missing): {needed}")
        pytest.skip(f"Slurm is not installed ({', '.join(missing)} missing): {needed}")
    # Not below pytest's folders: munge wants its socket where everybody may look.
    folder = Path(tempfile.mkdtemp(prefix="fgir-slurm-"))
    folder.chmod(0o755)
    environment = {**os.environ, "LAB": str(folder), "PORT_BASE": os.environ.get("PORT_BASE", "17800")}
    subprocess.run([HERE / "up.sh"], env=environment, check=True)
    yield Cluster(folder)
    down = subprocess.run([HERE / "down.sh", "--wipe"], env=environment, check=True, capture_output=True, text=True)
    shutil.rmtree(folder)
    assert "left=0" in down.stdout, down.stdout
