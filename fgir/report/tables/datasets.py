"""Run ``fgir datasets``: list the catalogue and what of it is here, show an entry, check all its images."""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fgir.data.presence import gigabytes, how, present
from fgir.data.readers.mirrored import origin
from fgir.data.sources import folder
from fgir.data.sources.archive import in_place_of_files, is_present, root_of
from fgir.specs import RECIPE, SourceSpec
from fgir.study import read_study
from fgir.study.address import STATISTICS, STATISTICS_FIGURE
from fgir.study.catalogue import Archived, Dataset, Folder, load_datasets
from fgir.utils.errors import FgirError, nearest
from fgir.utils.terminal import console
from fgir.utils.words import counted

if TYPE_CHECKING:
    from fgir.data.faults import Fault

_STUDY = "config/config.yaml"
_TOLD = 20
_FIGURES = ("classes", "train_val", "test", "GB")
# Columns that the table needs with its titles; without them it fits 80.
_WIDE = 98


def add_verbs(verbs: Any) -> None:
    """Add the verb datasets."""
    verb = verbs.add_parser(
        "datasets",
        help="list the datasets, show one, or check one: every image, every count",
        description="Without a NAME: all datasets and what of them is on this machine.",
        epilog="fgir datasets show cub says where it comes from; fgir datasets check cub opens every image of it.",
    )
    verb.add_argument("what", nargs="?", metavar="list|show|check", default="list", help="list, if nothing is given")
    verb.add_argument("name", nargs="?", metavar="NAME", help="of the dataset to show or to check")
    verb.add_argument(
        "--study",
        type=Path,
        help=f"study whose catalogue, folder of downloads and results folder these are (default {_STUDY})",
    )
    verb.add_argument("--datasets-file", type=Path, help="catalogue (default the study's)")
    verb.add_argument("--archives", type=Path, help="folder of downloads (default the study's)")
    verb.add_argument("--results", type=Path, help="folder of the statistics (default the study's)")
    verb.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    _complete(options)
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


def _complete(options: argparse.Namespace) -> None:
    """Fill in what the study says where no option does; a study that nobody named may be absent."""
    if not options.study and not Path(_STUDY).exists():
        found = dict(datasets_file="config/datasets.yaml", archives="data", results="results")
    else:
        study = read_study(options.study or _STUDY)
        found = {name: getattr(study, name) for name in ("datasets_file", "archives", "results")}
    for name, path in found.items():
        setattr(options, name, getattr(options, name) or Path(path))


def _print_list(entries: dict[str, Dataset], archives: Path) -> None:
    from rich import box
    from rich.table import Table

    terminal = console()
    wide = terminal.width >= _WIDE
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for header in ("dataset", *(["title"] if wide else []), *_FIGURES, "licence", "had", "here"):
        table.add_column(header, justify="right" if header in _FIGURES else "left", no_wrap=True)
    for name, entry in entries.items():
        counts = [f"{count:,}" if count else "" for count in (entry.classes, entry.train_val, entry.test)]
        size = gigabytes(entry)
        figures = [*counts, f"{size:.3g}" if size else "", _short(entry.licence, 12)]
        title = [_short(entry.title, 17)] if wide else []
        table.add_row(name, *title, *figures, how(entry), present(name, entry, archives))
    terminal.print(table)
    terminal.print("fgir datasets show NAME: where it comes from and on what terms.")
    terminal.print("fgir datasets check NAME: open and count every image.")


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
        if package := entry.packaged:
            size = f", {package.gb:g} GB" if package.gb else ""
            print(f"package:   {package.name} {package.version} of the Python package index{size}")
            print(f"           sha256:{package.sha256}")
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
        listing = folder.listing(spec, root)
        parts = Counter(image.part or "not in a part" for image in listing.images)
        counts = ", ".join(f"{count:,} {part}" for part, count in sorted(parts.items()))
        print(f"found:     {counted(len(listing.classes), 'class')}; images: {counts}")
        for note in listing.notes:
            print(f"           {note}")


def _check(name: str, entry: Any, options: argparse.Namespace) -> None:
    if present(name, entry, options.archives) != "yes":
        raise FgirError(f"{name} is not (wholly) on this machine; fgir datasets show {name} says how to get it.")
    from fgir.data.faults import sentences, write_list
    from fgir.data.remarks import of_sizes
    from fgir.data.sources.registry import acquire
    from fgir.data.statistics import check, rows
    from fgir.report.figures.dataset import write_figure
    from fgir.results.parquet import write_rows

    spec = SourceSpec(recipe=RECIPE["source"], dataset=name, entry=entry, archives=str(options.archives))
    root = acquire(spec)
    found = check(spec, root)
    table = options.results / STATISTICS.format(dataset=name)
    write_rows("statistics", rows(name, found), table)
    figure = options.results / STATISTICS_FIGURE.format(dataset=name)
    drawn = any(found.measured)
    if drawn:
        write_figure(entry.title or name, found, root, figure)
    for note in (*found.listing.notes, *of_sizes(found.listing.images, found.measured)):
        print(note)
    for fault in found.faults[:_TOLD]:
        print(_sentence(fault))
    if len(found.faults) > _TOLD:
        print(f"and {counted(len(found.faults) - _TOLD, 'fault')} more")
    images, classes = len(found.listing.images), len(found.listing.classes)
    faults = counted(len(found.faults), "fault")
    print(f"{name}: {counted(images, 'image')} of {counted(classes, 'class')}, {faults}")
    for sentence in sentences(found.reported, name):
        print(sentence)
    if found.twins:
        print(f"{counted(found.twins, 'image')} more than once in the same class and part")
    if listed := write_list([*found.faults, *found.reported], table):
        print(listed)
    print(f"Statistics: {table}")
    print(f"Figure:     {figure}" if drawn else "No image can be read, so there is no figure.")
    if found.faults:
        sys.exit(1)


def _sentence(fault: "Fault") -> str:
    if fault.text.endswith("."):
        return fault.text
    # The name of a file is no word to begin with a capital.
    named = fault.image and fault.text.startswith(fault.image)
    return f"{fault.text if named else fault.text[0].upper() + fault.text[1:]}."
