"""Clean the environment of the processes that the suite starts: they do not inherit the place of their starter.

By variables, Slurm, MPI and torchrun say which task of which step a process is. Handed on, they would limit a new job
as the old one was limited, or make a process wait for others that nobody starts.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

# Slurm's commands need these to reach the cluster: its configuration, and a token if users log in by one.
REACHES_SLURM = ("SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT")
_OF_A_JOB = ("SLURM_", "SLURMD_", "SRUN_", "SBATCH_", "SALLOC_", "PMI_", "PMI2_", "PMIX_", "OMPI_", "SUBMITIT_LOCAL_")
_OF_A_GROUP = ("TORCHELASTIC_",)
_NAMES = {
    *("RANK", "LOCAL_RANK", "GROUP_RANK", "ROLE_RANK", "ROLE_NAME"),
    *("WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_WORLD_SIZE", "ROLE_WORLD_SIZE"),
    *("FGIR_PROCESSES", "SUBMITIT_EXECUTOR", "SUBMITIT_FOLDER"),
}
# The GPUs of a job, by their numbers on its node.
_GPUS = ("CUDA_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK")


def placeless(environment: Mapping[str, str], keep: Iterable[str] = REACHES_SLURM) -> dict[str, str]:
    """Return an environment without the variables that place this process in a job or a group."""
    kept = set(keep)
    prefixes = _OF_A_JOB + _OF_A_GROUP
    return {
        name: value
        for name, value in environment.items()
        if name in kept or not (name.startswith(prefixes) or name in _NAMES)
    }


@contextmanager
def as_if_outside_of_jobs() -> Iterator[None]:
    """Leave the job while entered, so that a job sent to Slurm starts as if it were sent from a login node.

    Outside of jobs the user has set CUDA_VISIBLE_DEVICES, so it stays.
    """
    before = dict(os.environ)
    inside = "SLURM_JOB_ID" in before
    free = {name: value for name, value in placeless(before).items() if not (inside and name in _GPUS)}
    try:
        for name in before.keys() - free.keys():
            del os.environ[name]
        yield
    finally:
        os.environ.update(before)
