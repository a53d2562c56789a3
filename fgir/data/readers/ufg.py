"""Ultra-fine-grained leaves (Yu et al. 2021): Cotton80, SoyLocal, SoyGlobal, SoyGene.

``images/`` holds ``<cultivar>_<number>_train.png`` and ``…_test.png`` (SoyGene: ``<cultivar>-<plant>-…``), and
``anno/train.txt``, ``anno/test.txt`` number the cultivars from 1. Some copies have the images alone.
"""

import re
from pathlib import Path

from fgir.data.readers.layout import find
from fgir.data.readers.lists import Part, Row, files_in, gather, published, spaced
from fgir.data.sources.image import Listing
from fgir.data.sources.walk import is_hidden
from fgir.utils.errors import FgirError

PARTS = {"train": "train_val", "test": "test"}


def read(root: Path) -> Listing:
    """Return one subset, in the order of the study's own lists, else of the archive's, else of the file names."""
    return gather(root, published(root) or annotated(root) or named(root), cultivar)


def annotated(root: Path, stage: str = "") -> list[Part]:
    """Return the parts of the archive's lists below a folder ``stage``; none where there are no lists."""
    try:
        folder = find(root, f"{stage}/anno/train.txt".lstrip("/")).parents[1]
    except FgirError:
        return []
    return [Part(spaced(folder / "anno" / f"{file}.txt"), folder / "images", part) for file, part in PARTS.items()]


def named(root: Path) -> list[Part]:
    """Return the parts that the names of the files below ``root`` state; FgirError where they state none."""
    paths = sorted((path for path in files_in(root) if not is_hidden(Path(path).name)), key=_by_cultivar)
    numbers = {name: number for number, name in enumerate(dict.fromkeys(map(_cultivar, paths)), start=1)}
    rows = {
        part: [Row(path, numbers[_cultivar(path)], str(root / path)) for path in paths if path.endswith(f"_{file}.png")]
        for file, part in PARTS.items()
    }
    if not all(rows.values()):
        raise FgirError(
            f"{root} holds neither anno/train.txt nor images …_train.png and …_test.png; "
            "put the unpacked official archive there."
        )
    return [Part(found, root, part) for part, found in rows.items()]


def cultivar(row: Row) -> str:
    """Return the name of a row's class."""
    return _cultivar(row.path)


def _cultivar(path: str) -> str:
    return re.split("[-_]", Path(path).name, maxsplit=1)[0]


def _by_cultivar(path: str) -> tuple[int, str, str]:
    """Rank rows: numbered cultivars by number, others by name; their images by name."""
    name = _cultivar(path)
    return int(name) if name.isdecimal() else -1, name, path
