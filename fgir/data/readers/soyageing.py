"""SoyAgeing (Yu et al. 2021): the same 198 cultivars at five stages of growth, R1, R3, R4, R5 and R6.

Each stage is a subset in the layout of the others (fgir/data/readers/ufg.py). The study joins them stage after stage;
of a cultivar's 25 train images the last 5, all of stage R6, are val.
"""

from pathlib import Path

from fgir.data.readers.layout import find
from fgir.data.readers.lists import Part, gather
from fgir.data.readers.ufg import annotated, cultivar, named
from fgir.data.sources.image import Listing

STAGES = ("R1", "R3", "R4", "R5", "R6")


def read(root: Path) -> Listing:
    """Return the five stages, train and test of each in the order of its lists, else of its file names."""
    return gather(root, [part for stage in STAGES for part in _stage(root, stage)], cultivar)


def _stage(root: Path, stage: str) -> list[Part]:
    return annotated(root, stage) or named(find(root, stage))
