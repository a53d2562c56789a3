"""What a path below a study's results folder names, held against what the study has."""

from collections.abc import Sequence
from typing import Any

from fgir import address
from fgir.errors import FgirError, nearest
from fgir.study import Study

_FILES = (
    *(address.SOURCE, address.MANIFEST, address.SPLIT, address.PIXELS, address.WEIGHTS),
    *(address.CANDIDATES, address.CANDIDATE, address.BEST, address.MODEL, address.HISTORY, address.TRAIN),
    *(address.METRICS, address.PREDICTIONS, address.MACS, address.TIMING, address.CELL, address.FIGURE),
)


def check_file(study: Study, file: str) -> None:
    """FgirError where ``file`` is shaped like one of the results tree, and names what the study does not have."""
    below = file.removeprefix(f"{study.results}/")
    for pattern in _FILES:
        if below != file and (names := address.identity(pattern, below)):
            check_names(study, file, names)
            return


def check_names(study: Study, file: str, names: dict[str, Any]) -> None:
    """FgirError where the study does not have a name of an identity; sizes and seeds may be others than the study's."""
    known: dict[str, Sequence[str]] = {
        "dataset": study.datasets,
        "backbone": study.backbones,
        "setting": study.settings,
        "regime": study.regimes,
    }
    for kind, name in names.items():
        if kind in known and name not in known[kind]:
            raise FgirError(f'{file}: study "{study.name}" has no {kind} "{name}"{nearest(name, known[kind])}')
