"""``fgir datasets``: what the catalogue has, what of it is here, and what a look at all its images finds."""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from fgir.address import STATISTICS, STATISTICS_FIGURE
from fgir.catalogue import Archived, Dataset, Folder, load_datasets
from fgir.data.presence import gigabytes, how, present
from fgir.data.readers.mirrored import origin
from fgir.data.sources import folder
from fgir.data.sources.archive import in_place_of_files, is_present, root_of
from fgir.errors import FgirError, nearest
from fgir.specs import RECIPE, SourceSpec

_TOLD = 20
_FIGURES = ("classes", "train_val", "test", "GB")
# Columns that the table needs with its titles; without them it fits 80.
_WIDE = 98


def add_verb(verbs: Any) -> None:
    """Add the verb datasets."""
    verb = verbs.add_parser(
        "datasets",
        help="list the datasets, show one, or check one: every image, every count",
        description="Without a NAME: all datasets and what of them is on this machine.",
        epilog="fgir datasets show cub says where it comes from; fgir datasets check cub opens every image of it.",
    )
    verb.add_argument("what", nargs="?", metavar="list|show|check", default="list", help="list, if nothing is given")
    verb.add_argument("name", nargs="?", metavar="NAME", help="of the dataset to show or to check")
    verb.add_argument("--datasets-file", type=Path, default=Path("config/datasets.yaml"))
    verb.add_argument("--archives", type=Path, default=Path("data"), help="folder of downloads (default data)")
    verb.add_argument(
        "--results", type=Path, default=Path("results"), help="folder of the statistics (default results)"
    )
    verb.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    entries = load_datasets(options.datasets_file)
    if options.what not in ("list", "show", "check"):
        if options.name:
            raise FgirError(f'there is no "{options.what}"; say list, show NAME or check NAME.')
        options.what, options.name = "show", options.what
    if options.what == "list":
        _print_list(entries, options.archives)
        return
    if options.name not in entries:
        hint = nearest(options.name, entries) if options.name else "; name one."
        raise FgirError(f'{options.datasets_file} has no dataset "{options.name or ""}"{hint}')
    {"show": _print_entry, "check": _check}[options.what](options.name, entries[options.name], options)


def _print_list(entries: dict[str, Dataset], archives: Path) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if Console().is_terminal else 100, highlight=False)
    wide = console.width >= _WIDE
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for header in ("dataset", *(["title"] if wide else []), *_FIGURES, "licence", "had", "here"):
        table.add_column(header, justify="right" if header in _FIGURES else "left", no_wrap=True)
    for name, entry in entries.items():
        counts = [f"{count:,}" if count else "" for count in (entry.classes, entry.train_val, entry.test)]
        size = gigabytes(entry)
        figures = [*counts, f"{size:.3g}" if size else "", _short(entry.licence, 12)]
        title = [_short(entry.title, 17)] if wide else []
        table.add_row(name, *title, *figures, how(entry), present(name, entry, archives))
    console.print(table)
    console.print("fgir datasets show NAME: where it comes from and on what terms.")
    console.print("fgir datasets check NAME: open and count every image.")


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _print_entry(name: str, entry: Dataset, options: argparse.Namespace) -> None:
    disk = gigabytes(entry)
    lines: dict[str, object] = {
        "": entry.title or name,
        "homepage": entry.homepage,
        "licence": entry.licence,
        "terms": entry.terms,
        "citation": entry.citation,
        "classes": entry.classes,
        "train_val": f"{entry.train_val}, of which {entry.val} val" if entry.val else entry.train_val,
        "test": entry.test,
        "on disk": f"{disk:.3g} GB" if disk else "not known",
        "had": f"{how(entry)}; here: {present(name, entry, options.archives)}",
    }
    for key, value in lines.items():
        if value:
            print(f"{key + ':' if key else '':<11}{value}" if key else value)
    if isinstance(entry, Folder):
        _print_folder(name, entry)
    if isinstance(entry, Archived):
        root = root_of(name, entry, options.archives)
        for file in entry.files:
            size = f", {file.gb:g} GB" if file.gb else ""
            print(f"file:      {root / file.file}{size}: {'here' if is_present(file, root) else 'not here'}")
            for text in [*file.urls, file.checksum]:
                if text:
                    print(f"           {text}")
        _print_mirrors(entry, root)
        if entry.by_hand:
            print(f"by hand:   {entry.by_hand}")
    for trap in entry.traps:
        print(f"beware:    {trap}")


def _print_mirrors(entry: Archived, root: Path) -> None:
    for mirror in entry.mirrors:
        commit = f"/tree/{mirror.revision}" if mirror.revision else ", its newest commit"
        print(f"mirror:    https://huggingface.co/datasets/{mirror.repo}{commit}")
    if entry.mirrors:
        print("           third-party copies, tried after the official source; one counts if it equals that.")
    other = in_place_of_files(entry, root)
    if other:
        copy = origin(other)
        print(f"here:      {other}" + (f", from {copy}, a third-party copy" if copy else ", in another layout"))


def _print_folder(name: str, entry: Folder) -> None:
    root = Path(entry.path).expanduser()
    print(f"folder:    {root}{'' if root.is_dir() else ': not here'}")
    if root.is_dir():
        spec = SourceSpec(recipe=RECIPE["source"], dataset=name, entry=entry, archives="")
        images = list(folder.rows(spec, root))
        parts = Counter(image.part or "not in a part" for image in images)
        told = ", ".join(f"{count:,} {part}" for part, count in sorted(parts.items()))
        print(f"found:     {len({image.class_name for image in images})} classes; images: {told}")


def _check(name: str, entry: Any, options: argparse.Namespace) -> None:
    if present(name, entry, options.archives) != "yes":
        raise FgirError(f"{name} is not (wholly) on this machine; fgir datasets show {name} says how to get it.")
    from fgir.data.sources.registry import acquire
    from fgir.data.statistics import check, rows
    from fgir.schema import write_rows
    from fgir.tables.dataset_figure import write_figure

    spec = SourceSpec(recipe=RECIPE["source"], dataset=name, entry=entry, archives=str(options.archives))
    root = acquire(spec)
    found = check(spec, root)
    table = options.results / STATISTICS.format(dataset=name)
    write_rows("statistics", rows(name, found), table)
    figure = options.results / STATISTICS_FIGURE.format(dataset=name)
    write_figure(entry.title or name, found, root, figure)
    for fault in found.faults[:_TOLD]:
        print(fault)
    if len(found.faults) > _TOLD:
        print(f"and {len(found.faults) - _TOLD} faults more")
    print(f"{name}: {len(found.images):,} images of {len(found.classes):,} classes, {len(found.faults)} faults")
    if found.leaks:
        test, train = found.leaks[0]
        print(f"{len(found.leaks)} test images are also in train_val, e.g. {test} is {train}")
    if found.twins:
        print(f"{found.twins} images stand twice in the same part")
    print(f"Statistics: {table}\nFigure:     {figure}")
    if found.faults or (found.leaks and entry.leaks == "refuse"):
        sys.exit(1)
