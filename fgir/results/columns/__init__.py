"""List every table that the suite writes: its columns, their types and what they mean."""

from fgir.results.columns import adaptation, beside, cost, data, evaluation, report, training
from fgir.results.columns.column import Column, Table

__all__ = ["SCHEMA", "TABLES", "Column", "columns_markdown"]

# The number of the tables, in the metadata of every file: raise it with each change of their columns. Files of a lower
# number are read, columns that they lack as null.
SCHEMA = 3

TABLES: dict[str, Table] = (
    data.TABLES | training.TABLES | adaptation.TABLES | evaluation.TABLES | cost.TABLES | report.TABLES | beside.TABLES
)
TABLES["evaluations"] = TABLES["metrics"]


def columns_markdown() -> str:
    """Return the documentation of every table, as docs/columns.md shows it."""
    parts = [
        "# Columns of every table",
        "",
        "Written by `fgir columns`; absent figures are nulls, never zeros.",
    ]
    for table, columns in TABLES.items():
        parts += ["", f"## {table}", "", "| column | type | meaning |", "|---|---|---|"]
        parts += [f"| `{c.name}` | {c.type} | {c.doc} |" for c in columns]
    return "\n".join(parts) + "\n"
