"""The user's own images: ``train/<class>/``, ``test/<class>/`` and maybe ``val/<class>/``, one tree, or CSV lists.

Imported at Snakemake's parse time: standard library only.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fgir.data.sources.csv_lists import check_files, left_out, read_lists
from fgir.data.sources.image import Listing, SourceImage
from fgir.data.sources.names import alike_in, plain
from fgir.data.sources.walk import PassedOver, folders_alone, folders_in, images_below, pass_over_beside
from fgir.specs import SourceSpec
from fgir.study.catalogue import PARTS, Folder
from fgir.utils.errors import FgirError
from fgir.utils.words import counted, shown

# So few folders may be parts under other names: to look into more would slow down the planning.
_MOST_PARTS = 4
_NAMED = 5


class _Part(NamedTuple):
    """A folder of class folders."""

    folder: str
    """Its name; of one tree, nothing."""
    name: str | None
    """train, val or test; None of one tree."""


def acquire(spec: SourceSpec) -> Path:
    """Return the folder itself; FgirError where it is missing."""
    assert isinstance(spec.entry, Folder)
    return _root(spec.dataset, spec.entry)


def listing(spec: SourceSpec, root: Path) -> Listing:
    """Return every image: part after part, class after class, sorted by path; CSV files in their own order.

    With a val part, the parts are train, val and test; without one, train_val and test. FgirError as ``class_names``.
    """
    entry = spec.entry
    assert isinstance(entry, Folder)
    names = class_names(spec.dataset, entry)
    if _is_listed(spec.dataset, entry):
        check_files(root, entry)
        images = list(read_lists(root, entry))
        return Listing(names, images, left_out(root, entry, images))
    parts, passed = _parts(spec.dataset, entry, root), PassedOver()
    if parts[0].name:
        pass_over_beside(str(root), "", {part.folder for part in parts}, passed, "beside the parts")
    empty: dict[str, str] = {}
    images = [image for part in parts for image in _images(root, part, parts, passed, empty)]
    if empty:
        raise FgirError(_without_images(empty))
    return Listing(names, images, [*passed.notes(), *_doubtful(names, images, parts)])


def rows(spec: SourceSpec, root: Path) -> Iterator[SourceImage]:
    """Yield every image of the listing."""
    yield from listing(spec, root).images


def class_names(name: str, entry: Folder) -> list[str]:
    """Return class names of dataset ``name``: sorted class folders, or the class ids of CSV files from 0.

    Raises FgirError where the folder or a part is missing, a class stands in one part alone, or a CSV file is wrong.
    """
    root = _root(name, entry)
    if _is_listed(name, entry):
        ids = {int(image.class_name) for image in read_lists(root, entry)}
        return [str(number) for number in sorted(ids)]
    parts = _parts(name, entry, root)
    found = {part: folders_in(str(root / part.folder)) for part in parts}
    names = found[parts[0]]
    for part in parts[1:]:
        _compare(root, parts[0], names, part, found[part])
    if len(names) < 2:
        raise FgirError(f"{root / parts[0].folder} holds {_class_folders(len(names))}; at least two are needed.")
    return names


def _compare(root: Path, train: _Part, names: list[str], part: _Part, others: list[str]) -> None:
    """Raise FgirError where classes are in one of two parts alone; val may lack some, as no figure depends on it."""
    for has, lacks, alone in ((train, part, set(names) - set(others)), (part, train, set(others) - set(names))):
        if alone and (has is part or part.name != "val"):
            first, *more = sorted(alone)
            which = f"Class {shown(first)} is" if not more else f"Classes {shown(first)} and {len(more):,} more are"
            there = others if has is train else names
            if not there:
                raise FgirError(f"{root / lacks.folder} holds no class folders; give it those of {root / has.folder}.")
            twin = next((name for name in there if plain(name) == plain(first)), None)
            spelled = f'; "{shown(twin)}", which is there, differs in capitals or signs: rename one' if twin else ""
            raise FgirError(
                f"{which} in {root / has.folder} but not in {root / lacks.folder}"
                f"{spelled or '; a class needs images in both'}."
            )


def _images(
    root: Path, part: _Part, parts: list[_Part], passed: PassedOver, empty: dict[str, str]
) -> Iterator[SourceImage]:
    """Yield every image of a part; a class folder without any goes into ``empty``, with what was passed over in it."""
    folder, inside = root / part.folder, f"{part.folder}/" if part.folder else ""
    classes = folders_in(str(folder))
    pass_over_beside(str(folder), inside, set(classes), passed, "beside the class folders")
    has_val = any(other.name == "val" for other in parts)
    label = "train_val" if part.name == "train" and not has_val else part.name
    for name in classes:
        own = PassedOver()
        images = images_below(str(folder / name), inside + name, own)
        passed.join(own)
        if not images:
            empty[str(folder / name)] = own.text()
        yield from (SourceImage(path, name, label) for path in images)


def _without_images(empty: dict[str, str]) -> str:
    """Return the sentence on class folders without images: each with what is in it instead."""
    texts = [f"{folder} holds no images{f', only {text}' if text else ''}" for folder, text in empty.items()]
    more = f"; and {len(texts) - _NAMED:,} more class folders" if len(texts) > _NAMED else ""
    return f"{'; '.join(texts[:_NAMED])}{more}; add some or remove the folder."


def _doubtful(names: list[str], images: list[SourceImage], parts: list[_Part]) -> Iterator[str]:
    """Return what is read as it stands and may be meant otherwise: nested classes, names that look the same."""
    depth = 2 if parts[0].name else 1
    direct = {image.class_name for image in images if image.path.count("/") == depth}
    nested = [name for name in names if name not in direct]
    if nested:
        example = next(image.path for image in images if image.class_name == nested[0])
        which = counted(len(nested), "class has", "classes have")
        yield (
            f"{which} images in folders of the class folder alone, e.g. {shown(example)}, read as of class "
            f"{shown(nested[0])}. If those folders are the classes, move them up."
        )
    alike = [pair for pair in alike_in(names)]
    if alike:
        which = counted(len(alike), "pair of classes has names", "pairs of classes have names")
        yield f"{which} that differ in capitals or signs alone, e.g. {shown(alike[0][0])} and {shown(alike[0][1])}."


def _root(name: str, entry: Folder) -> Path:
    # Not Path.expanduser, which ends in an error of its own where there is no such user.
    root, correct = Path(os.path.expanduser(entry.path)), f'correct "path" of dataset "{name}" in the catalogue'
    try:
        if root.is_dir():
            return root
        what = f"{root} is no folder" if root.exists() else f"The folder {root} does not exist"
    except OSError as error:
        raise FgirError(f"{root} cannot be read ({error.strerror}); correct its permissions, or {correct}.") from None
    raise FgirError(f"{what}; {correct}.")


def _is_listed(name: str, entry: Folder) -> bool:
    if entry.test_csv and not entry.train_csv:
        raise FgirError(f'Dataset "{name}" has test_csv but no train_csv; name the CSV file of its train_val part.')
    if entry.train_csv:
        _check_fraction(name, entry, "test_csv" if entry.test_csv else None, "name its CSV file by test_csv")
    return entry.train_csv is not None


def _parts(name: str, entry: Folder, root: Path) -> list[_Part]:
    """Return the parts in the order train, val, test; one tree as one part without a name."""
    folders = folders_in(str(root))
    there: dict[str, str] = {}
    for folder in folders:
        part = PARTS.get(folder.lower())
        if part in there:
            raise FgirError(f"{root} has both {there[part]}/ and {folder}/, which are both its {part} part; join them.")
        if part:
            there[part] = folder
    if not there or _is_class(root, folders, there, entry):
        _check_tree(root, folders)
        _check_fraction(name, entry, None, "move the class folders into train/ and test/")
        return [_Part("", None)]
    _check_whole(root, there, [folder for folder in folders if folder not in there.values()])
    parts = [_Part(there[part], part) for part in ("train", "val", "test") if part in there]
    names = [f"{part.folder}/" for part in parts]
    _check_fraction(name, entry, f"the parts {', '.join(names[:-1])} and {names[-1]}")
    return parts


def _is_class(root: Path, folders: list[str], there: dict[str, str], entry: Folder) -> bool:
    """Say whether a lone folder "train", with images right inside, is a class beside "bus" and "car"."""
    if len(there) > 1 or len(folders) < 2 or entry.test_fraction is None:
        return False
    return not folders_in(str(root / next(iter(there.values()))))


def _check_whole(root: Path, there: dict[str, str], others: list[str]) -> None:
    if "train" in there and "test" in there:
        return
    missing = "test" if "train" in there else "train"
    has = " and ".join(f"{folder}/" for folder in there.values())
    advice = "add it, or let it hold class folders alone and add test_fraction: 0.25 to the entry"
    if missing == "test" and "val" in there:
        advice = (
            f"rename {there['val']}/ to test/ (the learning rate is then chosen on a part of {there['train']}/), "
            "or add it"
        )
    elif 0 < len(others) <= _MOST_PARTS:
        advice = (
            f"if {' or '.join(f'{shown(folder)}/' for folder in others)} is it, rename it to {missing}; else {advice}"
        )
    raise FgirError(f"{root} has {has} but no {missing}/; {advice}.")


def _check_tree(root: Path, folders: list[str]) -> None:
    """Raise FgirError where class folders look like parts of unknown names, or like a folder around the dataset."""
    if not folders:
        raise FgirError(f"{root} holds 0 class folders; at least two are needed.")
    if len(folders) > _MOST_PARTS:
        return
    below = {folder: folders_alone(str(root / folder)) for folder in folders}
    first = below[folders[0]]
    for folder, names in below.items():
        known = {PARTS.get(name.lower()) for name in names}
        if {"train", "test"} <= known or {"train", "val"} <= known:
            raise FgirError(f"{root / folder} holds the parts {' and '.join(sorted(names))}; let path end in {folder}.")
    if len(folders) == 1 and len(first) > 1:
        raise FgirError(
            f"{root} holds 1 class folder, {folders[0]}; if the class folders are in that, let path end in it."
        )
    if len(folders) > 1 and len(first) > 1 and all(names == first for names in below.values()):
        raise FgirError(
            f"{root} holds {', '.join(folders)}, each with the folders {', '.join(first[:3])}…: these look "
            "like parts, not classes; name them train, val and test."
        )


def _check_fraction(name: str, entry: Folder, official: str | None, instead: str = "") -> None:
    """Raise FgirError where a dataset has both a test part, ``official``, and test_fraction, or neither.

    ``instead`` is the other way to give it a test part.
    """
    if official and entry.test_fraction is not None:
        raise FgirError(f'Dataset "{name}" has {official}, and test_fraction; remove test_fraction from its entry.')
    if not official and entry.test_fraction is None:
        raise FgirError(f'Dataset "{name}" has no test part; {instead}, or add test_fraction: 0.25 to its entry.')


def _class_folders(number: int) -> str:
    return counted(number, "class folder")
