"""Read and check a CSV file of published accuracies, and find what a cell of a study is compared with.

One row is one published top-1, with the seeds it is the mean of and where it was published. Of the rows of one cell the
last stands: a file lists the older source first. A row that leaves open what a cell names is compared with none.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic import Field, TypeAdapter, ValidationError

from fgir.results.columns import TABLES
from fgir.study import VIEWS, Cell, Setting
from fgir.study.catalogue import backbone_entry, load_backbones, load_datasets
from fgir.study.identities import SQUARE, UNADAPTED
from fgir.study.strict import Strict
from fgir.utils.errors import FgirError, nearest
from fgir.utils.text import read_text
from fgir.utils.words import counted

Row = dict[str, Any]
OWN = "pretrained"
_DATASETS, _BACKBONES = "config/datasets.yaml", "config/backbones.yaml"


class Published(Strict):
    """Hold one published accuracy; columns with a default need not be in a file."""

    dataset: str = Field(min_length=1)
    backbone: str = Field(min_length=1)
    setting: Setting | None = Field(description="null: none of the suite's")
    train_size: int | None = Field(gt=0, description="null: not stated")
    test_size: int | None = Field(gt=0, description="null: not stated")
    adaptation: str | None = Field(default=UNADAPTED, description="null: none that has a name")
    crops: str | None = Field(default=SQUARE, description="null: not stated")
    top1: float = Field(ge=0, le=100, allow_inf_nan=False, description="%")
    top5: float | None = Field(default=None, ge=0, le=100, allow_inf_nan=False, description="%")
    backward_ms: float | None = Field(default=None, ge=0, allow_inf_nan=False, description="of a batch")
    forward_ms: float | None = Field(default=None, ge=0, allow_inf_nan=False, description="of a batch")
    hours: float | None = Field(default=None, ge=0, allow_inf_nan=False, description="of training and adaptation")
    seeds: int | None = Field(ge=1, description="seeds that it is the mean of; null: not stated")
    source: str = Field(min_length=1)
    part: str | None = Field(default=None, description="the part of the printed table that it stands in")
    line: str | None = Field(default=None, description="its line there")
    column: str | None = Field(default=None, description="its column there")
    note: str | None = None

    @property
    def settings(self) -> list[str]:
        """Return the settings whose accuracy may stand beside it: its own, then that of the weights' own classifier."""
        return list(dict.fromkeys([self.setting, OWN])) if self.setting else []

    @property
    def cells(self) -> list[Cell]:
        """Return the cells of these settings; none where something that names one is not stated."""
        return [self.cell._replace(setting=setting) for setting in self.settings] if self.cell else []

    @property
    def cell(self) -> Cell | None:
        """Return the cell of a study that it is comparable with; None where something that names one is not stated."""
        names = [getattr(self, name) for name in Cell._fields]
        return None if None in names else Cell(*names)


_ROW: TypeAdapter[Published] = TypeAdapter(Published)
_COLUMNS = [name for name, field in Published.model_fields.items() if field.is_required()]
_OPTIONAL = [name for name in Published.model_fields if name not in _COLUMNS]
# What tells two values of one source apart.
_NAMES = (*Cell._fields, "part", "line", "column")


def read_published(path: str | Path) -> list[Published]:
    """Read a CSV file of published accuracies; FgirError names the line and column that are wrong."""
    try:
        reader = csv.DictReader(StringIO(read_text(Path(path)), newline=""))
        columns = list(reader.fieldnames or [])
        if sorted(set(columns) - set(_OPTIONAL)) != sorted(_COLUMNS) or len(set(columns)) < len(columns):
            raise FgirError(
                f"{path} must have the columns {', '.join(_COLUMNS)}, and no others but {', '.join(_OPTIONAL)}."
            )
        rows = [_row(record, f"{path}, line {reader.line_num}", len(columns)) for record in reader]
    except FileNotFoundError:
        raise FgirError(f"{path} (published accuracies) does not exist; {_instead(Path(path))}.") from None
    except csv.Error as error:
        raise FgirError(f"{path} is not a CSV file ({error}).") from None
    for (source, *names), count in Counter(map(_identity, rows)).items():
        if count > 1:
            raise FgirError(f"{path} has {_spelt(names)} of {source} {count} times; keep one.")
    return rows


def _identity(row: Published) -> tuple[Any, ...]:
    return row.source, *(getattr(row, name) for name in _NAMES)


def _spelt(names: Sequence[Any]) -> str:
    return " ".join(str(name) for name in names if name not in (None, UNADAPTED, SQUARE))


def _instead(path: Path) -> str:
    """Return what to do about a file that is not there: config/published.csv has become a folder of files."""
    there = sorted(str(file) for file in path.with_suffix("").glob("*.csv"))
    return f"name {' or '.join(there)} as published_file" if there else "check published_file of the study"


def _row(record: dict[Any, Any], where: str, columns: int) -> Published:
    if None in record or None in record.values():
        raise FgirError(f"{where}: {columns} values are wanted, one for each column.")
    try:
        return _ROW.validate_python({key: value.strip() or None for key, value in record.items()})
    except ValidationError as error:
        first = error.errors()[0]
        column, value = first["loc"][0], (first["input"] or "nothing")
        if column == "setting":
            raise FgirError(f'{where}: there is no setting "{value}"{nearest(value, VIEWS)}') from None
        raise FgirError(f"{where}, {column}: {first['msg'][0].lower()}{first['msg'][1:]} (got {value}).") from None


def of_source(rows: Sequence[Published], source: str | None) -> list[Published]:
    """Return the rows whose source contains this text; all without one. FgirError where there are none."""
    chosen = [row for row in rows if source is None or source.lower() in row.source.lower()]
    if not chosen:
        found = "; ".join(dict.fromkeys(row.source for row in rows)) or "none"
        raise FgirError(f'No published accuracy has "{source}" in its source; the sources are: {found}.')
    return chosen


def of_table(rows: Sequence[Published], table: str) -> list[Published]:
    """Return the rows whose source ends in the number of a table: ``Table 5``."""
    return [row for row in rows if row.source.endswith(f" {table}")]


def by_cell(rows: Iterable[Published]) -> dict[Cell, Published]:
    """Return the published accuracy of each cell that is named in full: of its rows, the last."""
    return {cell: row for row in rows if (cell := row.cell)}


def counts(rows: Sequence[Published]) -> list[str]:
    """Return what there is of each source, a line each."""
    lines = []
    for source in dict.fromkeys(row.source for row in rows):
        own = [row for row in rows if row.source == source]
        numbers = {key: len({getattr(row, key) for row in own} - {None}) for key in ("dataset", "backbone", "setting")}
        crossed = " x ".join(counted(number, key) for key, number in numbers.items() if number)
        lines.append(f"{source}: {counted(len(own), 'accuracy', 'accuracies')}, {crossed}")
    return lines


def published_of(path: str | Path | None) -> dict[Cell, Published]:
    """Return the published accuracies of a study's file; none where it names none."""
    return by_cell(read_published(path)) if path else {}


def as_summary(rows: Iterable[Published]) -> list[Row]:
    """Return published accuracies as rows of a summary, so that its tables and figures can be made of them.

    ``top1`` is the published value; what was not published (cost, deviations) is null. Titles and classes are those
    of the catalogues in config/; FgirError where a dataset or backbone is not in them.
    """
    datasets, entries = load_datasets(_DATASETS), load_backbones(_BACKBONES)
    summary = []
    for cell, row in by_cell(rows).items():
        if cell.dataset not in datasets:
            raise FgirError(f'{_DATASETS} has no dataset "{cell.dataset}"{nearest(cell.dataset, datasets)}')
        dataset, backbone = datasets[cell.dataset], backbone_entry(cell.backbone, entries, _BACKBONES)
        if dataset.classes is None:
            raise FgirError(f'{_DATASETS}: add "classes", the number of its classes, to {cell.dataset}.')
        labels = {"dataset_title": dataset.title or cell.dataset, "classes": dataset.classes}
        labels |= {"backbone_title": backbone.title or cell.backbone, "family": backbone.family}
        labels |= {"pretraining": backbone.pretraining, "views": VIEWS[cell.setting]}
        figures = {
            "top1": row.top1,
            "top5": row.top5,
            "seeds_ok": row.seeds,
            "seeds_expected": row.seeds,
            "test_images": dataset.test,
        }
        absent: Row = dict.fromkeys(column.name for column in TABLES["summary"])
        summary.append(absent | cell._asdict() | labels | figures | {"pareto": False, "status": "ok"})
    return summary
