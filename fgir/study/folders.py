"""Refuse folders for results and archives that already hold something else."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fgir.study import address
from fgir.study.catalogue import PARTS, Folder
from fgir.utils.errors import FgirError

if TYPE_CHECKING:
    from fgir.study import Study

# Folders of the checkout and of the working folder. Studies in results/ keep their state in work and logs.
OWN = (
    *("fgir", "workflow", "config", "profiles", "slurm", "tests", "docs", "benchmarks"),
    *(".git", ".ci", ".venv", ".snakemake", "work", "logs"),
)
_PATTERNS = (
    *(address.SOURCE, address.WEIGHTS, address.CANDIDATE, address.RUN, address.EVALUATION, address.COST),
    *(address.CELL, address.FIGURE),
)
# The names that a study writes into its results.
_WRITTEN = {*(pattern.split("/")[0] for pattern in _PATTERNS), "work", "logs"}
_EXAMPLES = {"results": "results/mine", "archives": "data"}


def folder_faults(study: "Study", datasets: Sequence[str] | None = None) -> list[str]:
    """Return a sentence for each folder that holds something else.

    The user's own images are looked at for ``datasets``; without it, for all of the study. Links are followed.
    """
    own = list(_own(study))
    return [
        *(own or _shared(study)),
        *_images(study, study.datasets if datasets is None else datasets),
    ]


def file_instead(key: str, folder: Path) -> str | None:
    """Return a sentence where ``folder``, named by ``key``, is a file or lies below one."""
    there = next(path for path in (folder, *folder.parents) if os.path.exists(path))
    return None if there.is_dir() else f"{key}: {folder} cannot be a folder: {there} is a file; name another."


def _own(study: "Study") -> Iterator[str]:
    here, checkout = _real("."), Path(__file__).resolve().parents[2]
    roots = {here, *([checkout] if (checkout / "workflow/Snakefile").is_file() else [])}
    reserved = [root / name for root in roots for name in OWN]
    catalogues = {_real(file).parent: file for file in (study.backbones_file, study.datasets_file)}
    for key in ("results", "archives"):
        path, name = _real(getattr(study, key)), f"as in {key}: {_EXAMPLES[key]}"
        says = f"{key} is {getattr(study, key)},"
        own = next((folder for folder in reserved if path.is_relative_to(folder)), None)
        # Archives may well lie above: beside the checkout, in a folder of data for all.
        if path in (here, Path(path.anchor)) or (key == "results" and here.is_relative_to(path)):
            yield f"{says} which holds this working folder; name a folder of its own, {name}."
        elif own:
            yield f"{says} in {own.name}/, which holds something else; name a folder of its own, {name}."
        elif key == "results" and path in catalogues:
            yield f"{says} the folder of {catalogues[path]}; name a folder of its own, {name}."


def _shared(study: "Study") -> Iterator[str]:
    """Yield a fault if results and archives lie in each other where both would write."""
    results, archives = _real(study.results), _real(study.archives)
    says = f"results is {study.results} and archives {study.archives},"
    if results == archives:
        yield f"{says} the same folder; name two."
    elif archives.is_relative_to(results) and archives.relative_to(results).parts[0] in _WRITTEN:
        yield f"{says} where the study writes its results; name another for archives."
    elif any(results.is_relative_to(archives / dataset) for dataset in study.datasets):
        yield f"{says} where an archive is unpacked; name another for results."


def _images(study: "Study", datasets: Sequence[str]) -> Iterator[str]:
    """Yield a fault for each folder that lies among the user's own images and would be read as some of them."""
    try:
        entries = study.dataset_entries if datasets else {}
    except FgirError:
        return
    for name in datasets:
        entry = entries[name]
        for key in ("results", "archives"):
            if isinstance(entry, Folder) and _is_read(_real(getattr(study, key)), entry):
                says = f"{key} is {getattr(study, key)}, in {entry.path}, the images of dataset"
                yield f'{says} "{name}"; name a folder outside.'


def _is_read(path: Path, entry: Folder) -> bool:
    """Say whether a folder is the dataset's own, or images in it would be read as the dataset's."""
    root = _real(entry.path)
    if path == root:
        return True
    if entry.train_csv or not path.is_relative_to(root):
        return False
    return entry.test_fraction is not None or path.relative_to(root).parts[0].lower() in PARTS


def _real(path: str) -> Path:
    return Path(os.path.realpath(os.path.expanduser(path)))
