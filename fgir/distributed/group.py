"""Say, before torch is loaded, how many processes train one run together, and whether they can share its batch."""

import os

from fgir.utils.errors import FgirError

# Set by the suite's own launch. The variables of srun, torchrun or a container are no proof: an interactive session in
# a step of two tasks has no second process that trains.
_VARIABLE = "FGIR_PROCESSES"


def started_together() -> int:
    """Return how many processes the suite started as one group, this one included; 1 if it is alone."""
    return int(os.environ.get(_VARIABLE, 1))


def as_a_group(environment: dict[str, str], processes: int) -> dict[str, str]:
    """Return the environment for ``processes`` processes that are started as one group."""
    return environment | {_VARIABLE: str(processes)}


def check_batch(batch_size: int, pairs: bool, processes: int) -> None:
    """Raise FgirError if the processes cannot share a batch equally, without breaking pairs."""
    unit = 2 * processes if pairs else processes
    if batch_size % unit:
        raise FgirError(
            f"A batch of {batch_size} images cannot be shared by {processes} processes; make training.batch_size a "
            f"multiple of {unit}."
        )
