"""Find the failed jobs that a cell of the summary waits for."""

from collections.abc import Iterable, Sequence
from typing import Any

from fgir.results.failures import Failure
from fgir.specs import CellSpec
from fgir.study import COSTS_AS, REGIME_OF, address

_DATA = (address.SOURCE, address.MANIFEST, address.SPLIT, address.PIXELS, address.RAGGED)
_RUNS = (address.CANDIDATES, address.CANDIDATE, address.BEST, address.MODEL, address.ADAPT, address.METRICS)
# Of one cell these differ from job to job: all candidates, seeds and pixel stores of its dataset are its own.
_OF_NO_CELL = ("learning_rate", "size")


def failed_upstream(spec: CellSpec, failures: Iterable[Failure]) -> list[Failure]:
    """Return the failed jobs whose outputs the cell stands on."""
    return [failure for failure in failures if any(_concerns(spec, output) for output in failure.outputs)]


def reasons(failures: Sequence[Failure]) -> str:
    """Return what failed, in one line: the rule of each job and the sentence that it ended in."""
    return "; ".join(f"{failure.rule}: {failure.sentence.rstrip('.')}" for failure in failures)


def _concerns(spec: CellSpec, output: str) -> bool:
    for pattern in (*_DATA, address.WEIGHTS, *_RUNS, *address.COSTS):
        names = address.identity(pattern, output)
        if names is not None:
            own = _own(spec, pattern in address.COSTS)
            return all(value in own[name] for name, value in names.items() if name not in _OF_NO_CELL)
    return False


def _own(spec: CellSpec, of_cost: bool) -> dict[str, Sequence[Any]]:
    """Return the values of each part of a path that are the cell's."""
    return {
        "dataset": [spec.dataset],
        "backbone": [spec.backbone],
        "regime": [REGIME_OF[spec.setting]],
        "setting": [COSTS_AS[spec.setting] if of_cost else spec.setting],
        "train_size": [spec.train_size],
        "test_size": [spec.test_size],
        "adaptation": [spec.adaptation],
        "crops": [spec.crops],
        "seed": spec.seeds,
        "classes": [spec.classes],
    }
