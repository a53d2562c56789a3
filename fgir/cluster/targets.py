"""Find the runs that the targets of `fgir submit` name, each with the sizes at which it is to be evaluated."""

from collections.abc import Iterable
from os.path import normpath, relpath
from pathlib import Path
from typing import Any

from fgir.study import METHODS, UNADAPTED, Cell, Run, Study, address
from fgir.utils.errors import FgirError
from fgir.workflow.graph import Evaluate, Train
from fgir.workflow.validate import checked

# The test sizes of each run.
Wanted = dict[Run, list[int]]

_RUNS = (address.RUN, *Train.outputs.values())
_EVALUATIONS = (address.EVALUATION, *Evaluate.outputs.values())
_SHAPES = (address.CELL, address.RUN, address.EVALUATION)


def is_study(target: str) -> bool:
    """Say whether a target is a study file, rather than a path of the results tree."""
    return target.endswith((".yaml", ".yml"))


def wanted(study: Study, whole: bool, targets: Iterable[str]) -> Wanted:
    """Return the runs that paths of a study's results tree name, existing or not; with ``whole`` all of the study too.

    Raises FgirError if a path names no run of the study.
    """
    runs = [run for run in study.runs() if METHODS[run.regime].learns] if whole else []
    found: Wanted = {run: _test_sizes(study, run) for run in runs}
    for target in targets:
        for run, sizes in _named(study, target).items():
            if not METHODS[run.regime].learns:
                raise FgirError(
                    f"{target}: nothing of {run.regime} is trained, so there is no run to send; run snakemake."
                )
            found[run] = list(dict.fromkeys([*found.get(run, []), *sizes]))
    return found


def _named(study: Study, target: str) -> Wanted:
    path = normpath(relpath(target) if Path(target).is_absolute() else target)
    below = path.removeprefix(f"{normpath(study.results)}/")
    if names := _identity((address.CELL,), below):
        cell = _unadapted(target, Cell(**_checked(study, target, names)))
        return {cell.run(seed): [cell.test_size] for seed in study.seeds}
    if names := _identity(_EVALUATIONS, below):
        seed = names.pop("seed")
        cell = _unadapted(target, Cell(**_checked(study, target, names)))
        return {cell.run(seed): [cell.test_size]}
    if names := _identity(_RUNS, below):
        run = Run(**_checked(study, target, names))
        return {run: _test_sizes(study, run)}
    shapes = ", ".join(f"{study.results}/{shape}" for shape in _SHAPES)
    raise FgirError(
        f"{target} is neither a study file (.yaml) nor a path like one of these: {shapes}; name the study of "
        "other results with --study."
    )


def _checked(study: Study, target: str, names: dict[str, Any]) -> dict[str, Any]:
    try:
        return checked(study, target, names)
    except FgirError as error:
        raise FgirError(f"{error} Choose another study with --study.") from None


def _identity(patterns: Iterable[str], path: str) -> dict[str, Any] | None:
    return next(filter(None, (address.identity(pattern, path) for pattern in patterns)), None)


def _unadapted(target: str, cell: Cell) -> Cell:
    if cell.adaptation != UNADAPTED:
        raise FgirError(
            f"{target}: fgir submit trains runs and evaluates them as they are; the adaptation {cell.adaptation} is "
            f"made by Snakemake: snakemake {target}"
        )
    return cell


def _test_sizes(study: Study, run: Run) -> list[int]:
    """Return the sizes at which a study evaluates a run as it is; a run of a size that is not the study's, at that."""
    if UNADAPTED not in study.adaptations:
        return []
    return study.tested_at(run.train_size) if run.train_size in study.train_sizes else [run.train_size]
