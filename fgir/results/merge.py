"""Read thousands of one-row Parquet files as one table."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fgir.results.parquet import arrow_schema, read_table
from fgir.utils.errors import FgirError

if TYPE_CHECKING:
    import pyarrow as pa

_FILES_A_TASK = 64


class Merged(NamedTuple):
    """Hold the rows of the files that exist, in the order asked for, and the files that do not."""

    content: "pa.Table"
    present: list[Path]
    missing: list[Path]

    def rows(self) -> dict[Path, dict[str, Any]]:
        """Return the row of each file."""
        # In one chunk first: a scalar from one of 10,000 chunks must be searched for, which takes seconds.
        return dict(zip(self.present, self.content.combine_chunks().to_pylist(), strict=True))


def merge(
    table: str,
    paths: Sequence[Path],
    advance: Callable[[int], None] = lambda files: None,
    refused: set[Path] | None = None,
) -> Merged:
    """Read one-row files of a table, tolerating missing ones; ``advance`` is called with how many files more are done.

    A file that is damaged, of another shape or not of one row is an FgirError; where ``refused`` is given, it is added
    there and counts as missing. Each file is read and checked on its own in a few threads: as fast as pyarrow.dataset,
    which would fill absent columns with nulls silently.
    """
    import pyarrow as pa

    def read_one(path: Path) -> "pa.Table | None":
        try:
            return _row(table, path)
        except FgirError:
            if refused is None:
                raise
            refused.add(path)
            return None

    def read(part: Sequence[Path]) -> "list[pa.Table | None]":
        rows = [read_one(path) for path in part]
        advance(len(part))
        return rows

    parts = [paths[start : start + _FILES_A_TASK] for start in range(0, len(paths), _FILES_A_TASK)]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads:
        found = [row for part in threads.map(read, parts) for row in part]
    return Merged(
        content=pa.concat_tables([arrow_schema(table).empty_table(), *(row for row in found if row is not None)]),
        present=[path for path, row in zip(paths, found, strict=True) if row is not None],
        missing=[path for path, row in zip(paths, found, strict=True) if row is None],
    )


def _row(table: str, path: Path) -> "pa.Table | None":
    if not path.exists():
        return None
    content = read_table(table, path)
    if content.num_rows != 1:
        raise FgirError(f"{path} has {content.num_rows} rows and should have one; delete it and rerun.")
    return content
