"""What must be known of the machine at hand before any job, and what its jobs inherit: cheap, without torch."""

import os
import sys
from pathlib import Path


def has_gpu() -> bool:
    """Say whether there is an NVIDIA GPU on this machine. A cluster's profile says for its nodes what their jobs ask
    for.
    """
    return count_gpus() > 0


def count_gpus() -> int:
    """Return how many NVIDIA GPUs this machine has."""
    return len(list(Path("/dev").glob("nvidia[0-9]*")))


def prepare_jobs() -> None:
    """Set the environment that jobs inherit: this package and this Python, wherever they are started."""
    package = str(Path(__file__).parents[2])
    for name, folder in {"PYTHONPATH": package, "PATH": os.path.dirname(sys.executable)}.items():
        os.environ[name] = os.pathsep.join(filter(None, [folder, os.environ.get(name)]))
    # glibc returns large blocks to the system when they are freed and asks for them again at the next step; to keep
    # them saves a tenth of the time of training on a CPU. What a user has set stays.
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(2**30))
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(2**31))
