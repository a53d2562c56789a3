"""ImageNet-1k (ILSVRC 2012): train/<synset>/, and val/<synset>/ or val/ with the development kit; val is the test part.

Labels in the order of the synsets' names.
"""

import os
from pathlib import Path

from fgir.data.readers.layout import find
from fgir.data.readers.lists import located_lines
from fgir.data.readers.matlab import load
from fgir.data.sources.image import Listing, SourceImage
from fgir.data.sources.walk import is_hidden
from fgir.utils.errors import FgirError


def read(root: Path) -> Listing:
    """Return class after class of train, sorted by name; then val, likewise or in the order of its numbers."""
    train, val = find(root, "train"), find(root, "val")
    synsets = _folders(train)
    if len(synsets) < 2:
        raise FgirError(f"{train} holds no folders of synsets; unpack the archives inside ILSVRC2012_img_train.tar.")
    images = [SourceImage(path, name, "train_val") for name in synsets for path in _files(root, train / name)]
    tests = _sorted_val(root, val, synsets) if _folders(val) else _flat_val(root, val, synsets)
    return Listing(synsets, images + tests)


def _sorted_val(root: Path, val: Path, synsets: list[str]) -> list[SourceImage]:
    strange = sorted(set(_folders(val)) - set(synsets))
    if strange:
        raise FgirError(f"{val / strange[0]} is no synset of train; remove it, or restore train.")
    return [SourceImage(path, name, "test") for name in _folders(val) for path in _files(root, val / name)]


def _flat_val(root: Path, val: Path, synsets: list[str]) -> list[SourceImage]:
    """Return the val part of one folder: line n of the ground truth is of the image of that number."""
    truth = find(root, "data/ILSVRC2012_validation_ground_truth.txt")
    (entries,) = load(truth.with_name("meta.mat"), "synsets")
    names = {str(entry["ILSVRC2012_ID"]): str(entry["WNID"]) for entry in entries}
    present, known, found = set(_files(root, val)), set(synsets), []
    for image, (number, where) in enumerate(located_lines(truth), start=1):
        path = f"{val.relative_to(root).as_posix()}/ILSVRC2012_val_{image:08d}.JPEG"
        if path not in present:
            raise FgirError(f"{where}: {root / path} does not exist; restore it from the archive.")
        if names.get(number) not in known:
            raise FgirError(f"{where}: synset {number} is not in meta.mat, or has no folder in train; restore them.")
        found.append(SourceImage(path, names[number], "test"))
    beyond = sorted(path for path in present - {image.path for image in found} if path.endswith(".JPEG"))
    if beyond:
        raise FgirError(f"{root / beyond[0]} has no line in {truth}; restore the development kit, or remove the image.")
    return found


def _folders(folder: Path) -> list[str]:
    return sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and not is_hidden(entry.name))


def _files(root: Path, folder: Path) -> list[str]:
    inside = folder.relative_to(root).as_posix()
    files = (entry.name for entry in os.scandir(folder) if entry.is_file() and not is_hidden(entry.name))
    return [f"{inside}/{name}" for name in sorted(files)]
