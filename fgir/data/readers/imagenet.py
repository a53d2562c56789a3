"""ImageNet-1k (ILSVRC 2012): train/<synset>/, and val/<synset>/ or val/ with the development kit; val is the test part.

Labels in the order of the synsets' names.
"""

import os
from pathlib import Path

from fgir.data.readers.layout import find
from fgir.data.readers.lists import located_lines
from fgir.data.readers.matlab import load
from fgir.data.sources.image import Listing, SourceImage
from fgir.errors import FgirError


def read(root: Path) -> Listing:
    """Class after class of train, sorted by name; then val, likewise or in the order of its numbers."""
    train, val = find(root, "train"), find(root, "val")
    synsets = _folders(train)
    if len(synsets) < 2:
        raise FgirError(f"{train} holds no folders of synsets; unpack the archives inside ILSVRC2012_img_train.tar.")
    images = [SourceImage(path, name, "train_val") for name in synsets for path in _files(root, train / name)]
    tests = _sorted_val(root, val, synsets) if _folders(val) else _flat_val(root, val)
    return Listing(synsets, images + tests)


def _sorted_val(root: Path, val: Path, synsets: list[str]) -> list[SourceImage]:
    strange = sorted(set(_folders(val)) - set(synsets))
    if strange:
        raise FgirError(f"{val / strange[0]} is no synset of train; remove it, or restore train.")
    return [SourceImage(path, name, "test") for name in _folders(val) for path in _files(root, val / name)]


def _flat_val(root: Path, val: Path) -> list[SourceImage]:
    truth = find(root, "data/ILSVRC2012_validation_ground_truth.txt")
    (synsets,) = load(truth.with_name("meta.mat"), "synsets")
    names = {int(entry["ILSVRC2012_ID"]): str(entry["WNID"]) for entry in synsets}
    files, numbers = _files(root, val), located_lines(truth)
    if len(files) != len(numbers):
        raise FgirError(f"{val} holds {len(files)} images, but {truth} has {len(numbers)} lines; restore the images.")
    found = []
    for path, (number, where) in zip(files, numbers, strict=True):
        if not number.isdecimal() or int(number) not in names:
            raise FgirError(f"{where}: synset {number} is not in meta.mat; restore the development kit.")
        found.append(SourceImage(path, names[int(number)], "test"))
    return found


def _folders(folder: Path) -> list[str]:
    return sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())


def _files(root: Path, folder: Path) -> list[str]:
    inside = folder.relative_to(root).as_posix()
    return [f"{inside}/{name}" for name in sorted(entry.name for entry in os.scandir(folder) if entry.is_file())]
