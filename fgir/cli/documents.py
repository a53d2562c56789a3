"""Define the verbs that print generated documents: the columns of every table, the schema of study files."""

import argparse
from typing import Any


def add_verbs(verbs: Any) -> None:
    """Add the verbs columns and schema."""
    documents = {
        "columns": "print the documentation of every table's columns (docs/columns.md)",
        "schema": "print the JSON schema of study files (workflow/schemas/study.schema.json)",
    }
    for name, text in documents.items():
        verb = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        verb.set_defaults(run=_print_document)


def _print_document(options: argparse.Namespace) -> None:
    from fgir.results.columns import columns_markdown
    from fgir.study import json_schema

    print({"columns": columns_markdown, "schema": json_schema}[options.verb](), end="")
