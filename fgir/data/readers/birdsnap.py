"""Birdsnap (Berg et al. 2014): images.txt and test_images.txt; the photographs come from the web, many no longer."""

import csv
from io import StringIO
from pathlib import Path

from fgir.data.readers.layout import find
from fgir.data.readers.lists import Part, Row, files_in, gather
from fgir.data.sources.image import Listing
from fgir.utils.errors import FgirError
from fgir.utils.progress import inform
from fgir.utils.text import read_text
from fgir.utils.words import counted


def read(root: Path) -> Listing:
    """Return both parts, in the order of images.txt; a note counts the photographs that are not there."""
    lists = find(root, "test_images.txt").parent
    folder = find(root, "download/images") if (lists / "download/images").is_dir() else find(root, "images")
    tested = {entry["path"] for entry, _ in _entries(lists / "test_images.txt", "path")}
    names = {entry["id"]: entry["common"] for entry, _ in _entries(lists / "species.txt", "id", "common")}
    there, absent = files_in(folder), 0
    rows: dict[str, list[Row]] = {"train_val": [], "test": []}
    for entry, where in _entries(lists / "images.txt", "path", "species_id"):
        if entry["species_id"] not in names:
            raise FgirError(f"{where}: species {entry['species_id']} is not in species.txt; restore both lists.")
        part = "test" if entry["path"] in tested else "train_val"
        row = Row(entry["path"], int(entry["species_id"]), where)
        absent += row.path not in there
        rows[part] += [row] if row.path in there else []
    for part, found in rows.items():
        if not found:
            raise FgirError(f"{folder} holds no {part} image of {lists}; fetch them with the dataset's own script.")
    if absent:
        inform(
            f"Birdsnap: {counted(absent, 'photograph')} of the lists not in {folder}: no longer to be had, or failed."
        )
    return gather(root, [Part(rows[part], folder, part) for part in rows], lambda row: names[str(row.number)])


def _entries(path: Path, *columns: str) -> list[tuple[dict[str, str], str]]:
    """Return lines of a table separated by tabs, by its header."""
    try:
        table = csv.DictReader(StringIO(read_text(path), newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
    except FileNotFoundError:
        raise FgirError(f"{path} does not exist; restore it from the archive.") from None
    missing = set(columns) - set(table.fieldnames or ())
    if missing:
        raise FgirError(f"{path} has no column {min(missing)}; restore it from the archive.")
    return [(entry, f"{path} line {number}") for number, entry in enumerate(table, start=2)]
