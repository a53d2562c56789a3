"""Whether several processes train one run together, and whether they can: what is asked before torch is loaded."""

import os

from fgir.utils.errors import FgirError

# Set by the suite's own launch. What srun, torchrun or a container say of a process is not believed: a user's shell in
# a step of two tasks has no second process that trains.
_VARIABLE = "FGIR_PROCESSES"


def started_together() -> int:
    """Return how many processes the suite started as one group, this one among them; 1 where it is alone."""
    return int(os.environ.get(_VARIABLE, 1))


def as_a_group(environment: dict[str, str], processes: int) -> dict[str, str]:
    """Return the environment of so many processes that are started as one group."""
    return environment | {_VARIABLE: str(processes)}


def check_batch(batch_size: int, pairs: bool, processes: int) -> None:
    """Raise FgirError where a batch cannot be shared equally by so many processes, pairs unbroken."""
    unit = 2 * processes if pairs else processes
    if batch_size % unit:
        raise FgirError(
            f"A batch of {batch_size} images cannot be shared by {processes} processes; make training.batch_size a "
            f"multiple of {unit}."
        )
