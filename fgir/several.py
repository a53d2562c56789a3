"""Whether several processes train one run together, and whether they can: what is asked before torch is loaded."""

import os

from fgir.errors import FgirError


def is_one_of_several() -> bool:
    """Does the environment say that this process was started with others, to train together?"""
    counts = ("WORLD_SIZE", "SLURM_STEP_NUM_TASKS", "SUBMITIT_LOCAL_NTASKS")
    return any(int(os.environ.get(name, 1)) > 1 for name in counts)


def check_batch(batch_size: int, pairs: bool, processes: int) -> None:
    """FgirError where a batch cannot be shared equally by so many processes, pairs unbroken."""
    unit = 2 * processes if pairs else processes
    if batch_size % unit:
        raise FgirError(
            f"A batch of {batch_size} images cannot be shared by {processes} processes; make training.batch_size a "
            f"multiple of {unit}."
        )
