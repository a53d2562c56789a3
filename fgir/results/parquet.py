"""Write and read tables as Parquet files: the pyarrow schema of each, whole files, checked reading."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fgir.results.columns import SCHEMA, TABLES
from fgir.utils.errors import FgirError
from fgir.utils.files import replacing

if TYPE_CHECKING:
    import pyarrow as pa


_TABLE, _SCHEMA = b"fgir.table", b"fgir.schema"


@cache
def arrow_schema(table: str) -> "pa.Schema":
    """Return the pyarrow schema of a table, with the meaning of each column and the schema's number in the metadata."""
    import pyarrow as pa

    types = {"string": pa.string(), "bool": pa.bool_(), "int32": pa.int32(), "int64": pa.int64()}
    types |= {"float32": pa.float32(), "float64": pa.float64()}
    types |= {f"{name}[]": pa.list_(kind) for name, kind in types.items()}
    fields = [pa.field(c.name, types[c.type], metadata={"doc": c.doc}) for c in TABLES[table]]
    return pa.schema(fields, metadata={_TABLE: table, _SCHEMA: str(SCHEMA)})


def table_of(table: str, rows: Iterable[Mapping[str, Any]]) -> "pa.Table":
    """Return rows as a typed Arrow table; absent figures are nulls. ValueError at a key that is no column."""
    import pyarrow as pa

    rows, schema = list(rows), arrow_schema(table)
    unknown = {key for row in rows for key in row} - set(schema.names)
    if unknown:
        raise ValueError(f"table {table} has no columns {sorted(unknown)}")
    return pa.Table.from_pylist([dict(row) for row in rows], schema=schema)


def write_rows(table: str, rows: Iterable[Mapping[str, Any]], path: str | Path) -> None:
    """Write rows to Parquet, whole or not at all."""
    write_table(table_of(table, rows), path)


def write_table(content: "pa.Table", path: str | Path) -> None:
    """Write an Arrow table to Parquet, whole or not at all."""
    import pyarrow.parquet as pq

    # Merging reads one-row files by the thousand, and plain pages read a third faster; one row needs nothing else.
    plain = {"compression": "none", "use_dictionary": False, "write_statistics": False}
    with replacing(path) as temporary:
        pq.write_table(content, temporary, **(plain if content.num_rows == 1 else {"compression": "zstd"}))


def read_table(table: str, path: str | Path) -> "pa.Table":
    """Read a Parquet file of the suite; columns that are newer than the file read as null.

    Raises FgirError where it is missing, damaged, of another table, or has columns that are unknown or of another type.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Without a thread for every column, which takes longer than the column of a small file.
        content = pq.ParquetFile(path).read(use_threads=False)
    except FileNotFoundError:
        raise FgirError(f"{path} does not exist; build it with: snakemake --profile profiles/local {path}") from None
    except (pa.ArrowInvalid, OSError) as error:
        # pyarrow reports damage as ArrowInvalid or as an OSError without number; the others are the system's.
        if getattr(error, "errno", None) is not None:
            raise
        reason = " ".join(str(error).split())
        raise FgirError(
            f"{path} is not a whole Parquet file ({reason}); if it is one of the suite's, delete it and rerun."
        ) from None
    expected = arrow_schema(table)
    return content if content.schema.equals(expected, check_metadata=False) else _grown(content, expected, path)


def _grown(content: "pa.Table", expected: "pa.Schema", path: str | Path) -> "pa.Table":
    """Bring a table that an earlier version wrote to today's columns; FgirError as of ``read_table``."""
    import pyarrow as pa

    said, today = content.schema.metadata or {}, expected.metadata
    table = today[_TABLE].decode()
    if said.get(_TABLE, b"").decode() != table:
        raise FgirError(
            f"{path} does not have the columns of table {table}; if it is one of the suite's, delete it and rerun."
        )
    if int(said[_SCHEMA]) > SCHEMA:
        raise FgirError(f"{path} was written by a newer fgir; update this one, or delete the file and rerun.")
    kept = [name for name in content.schema.names if name in expected.names]
    others = set(content.schema.names) - set(kept)
    others |= {name for name in kept if content.schema.field(name).type != expected.field(name).type}
    if others:
        raise FgirError(
            f"{path} was written by another version of fgir: of table {table} there is no longer such a column "
            f"{', '.join(sorted(others))}; delete the file and rerun."
        )
    columns = [
        content[field.name] if field.name in kept else pa.nulls(content.num_rows, field.type) for field in expected
    ]
    return pa.table(columns, schema=expected)


def read_rows(table: str, path: str | Path) -> list[dict[str, Any]]:
    """Read a Parquet file of the suite as a list of dicts; errors as in read_table."""
    return read_table(table, path).to_pylist()


def read_row(table: str, path: str | Path) -> dict[str, Any]:
    """Read a Parquet file of exactly one row; errors as in read_table."""
    rows = read_rows(table, path)
    if len(rows) != 1:
        raise FgirError(f"{path} has {len(rows)} rows and should have one; delete it and rerun.")
    return rows[0]
