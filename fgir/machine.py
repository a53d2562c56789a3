"""What Snakemake must know of the machine at hand before any job: cheap to ask, without torch."""

from pathlib import Path


def has_gpu() -> bool:
    """Is there an NVIDIA GPU on this machine? A cluster's profile says for its nodes what their jobs ask for."""
    return any(Path("/dev").glob("nvidia[0-9]*"))
