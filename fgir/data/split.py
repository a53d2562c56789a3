"""The split: images that train, choose the learning rate and test, drawn from seeds alone."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fgir.data.checks import check_count
from fgir.data.faults import Seen, of_twins, report
from fgir.results.parquet import read_table, write_table
from fgir.specs import SplitSpec
from fgir.utils.errors import FgirError
from fgir.utils.words import counted

if TYPE_CHECKING:
    import pyarrow as pa

TRAIN, VAL, TEST, LEFT_OUT = 0, 1, 2, 3
PART_NAMES = np.array(["train", "val", "test"])
# One stream of random numbers for each choice, so that one does not follow from another.
_CHOOSE_TEST, _LIMIT_TRAIN, _LIMIT_TEST, _CHOOSE_TRAIN = 0, 1, 2, 3


def write_split(spec: SplitSpec, manifest: str | Path, out: str | Path) -> None:
    """Divide the images of a manifest into train, val and test; images beyond ``limit_per_class`` are absent.

    The test part is the official one, or a seeded stratified choice. Raises FgirError where classes or counts are not
    the catalogue's, a class lacks a part, or test images are also in train: their list is left beside ``out``.
    """
    import pyarrow as pa

    table = read_table("manifest", manifest)
    labels = table["label"].to_numpy()
    _check_classes(spec, labels, manifest)
    official = table["part"].to_pylist()
    is_test = _test_images(spec, official, table)
    check_count(int((~is_test).sum()), spec.train_val, "train_val image", "train_val", spec.dataset, manifest)
    check_count(int(is_test.sum()), spec.test, "test image", "test", spec.dataset, manifest)
    if spec.leaks == "refuse" or None in official:
        # What is only reported was reported of an official test part when the manifest was made.
        _check_leaks(spec, table, is_test, Path(out))
    parts = np.full(len(labels), LEFT_OUT)
    names = _names(table)
    for label, images in enumerate(_by_class(labels, spec.classes)):
        _divide(spec, label, names[label], images[~is_test[images]], images[is_test[images]], parts)
    keeps_val = _keeps_official_val(spec, official)
    if keeps_val:
        parts[:] = _official_parts(spec, official, manifest)
    if spec.split_rule == "first" and not spec.limit_per_class:
        check_count(int((parts == TRAIN).sum()), spec.train, "train image", "train", spec.dataset, manifest)
        check_count(int((parts == VAL).sum()), spec.val, "val image", "val", spec.dataset, manifest)
    kept = np.flatnonzero(parts != LEFT_OUT)
    chosen = table.select(["image", "path", "label"]).take(pa.array(kept))
    chosen = chosen.append_column("part", pa.array(PART_NAMES[parts[kept]].tolist(), pa.string()))
    chosen = chosen.append_column("digest", table["digest"].take(pa.array(kept)))
    rule = pa.array([_rule_text(spec, None not in official, keeps_val)] * len(kept), pa.string())
    write_table(chosen.append_column("rule", rule), out)


def _keeps_official_val(spec: SplitSpec, parts: list[str | None]) -> bool:
    """Say whether val is the dataset's own part; a limit or another rule divides anew."""
    own = spec.val_part == "official" or (spec.val_part == "auto" and "val" in parts)
    return own and spec.split_rule == "first" and not spec.limit_per_class


def _rule_text(spec: SplitSpec, official: bool, keeps_val: bool) -> str:
    """Return the rule in words, as every row of the split records it."""
    test = "official" if official else f"stratified {spec.test_fraction:g}, seed {spec.test_seed}"
    limit = f"{spec.limit_per_class} a class, seed {spec.split_seed}" if spec.limit_per_class else "none"
    train = {
        "first": f"the first int({spec.train_fraction:g} n) rows of each class",
        "stratified": f"stratified {spec.train_fraction:g}, seed {spec.split_seed}",
    }
    chosen = "official" if keeps_val else train[spec.split_rule]
    return f"test: {test}; limit: {limit}; train: {chosen}"


def test_count(images: int, fraction: float) -> int:
    """Return how many of a class become test without an official part: round(n p), two left to train and val."""
    return max(1, min(round(images * fraction), images - 2))


def train_count(images: int, fraction: float) -> int:
    """Return how many of a class's train_val train: int(n p) as published, yet at least one, and one left to val."""
    return max(1, min(int(images * fraction), images - 1))


def _check_classes(spec: SplitSpec, labels: np.ndarray, manifest: str | Path) -> None:
    found = len(np.unique(labels))
    if found != spec.classes or labels.max(initial=-1) != spec.classes - 1:
        raise FgirError(
            f'{manifest} has {counted(found, "class")}, but dataset "{spec.dataset}" has {spec.classes}; delete the '
            'manifest and rerun, or correct "classes" in the catalogue.'
        )


def _names(table: "pa.Table") -> dict[int, str]:
    """Return the names of the classes by their labels."""
    return dict(zip(table["label"].to_pylist(), table["class_name"].to_pylist(), strict=True))


def _check_leaks(spec: SplitSpec, table: "pa.Table", is_test: np.ndarray, out: Path) -> None:
    """Look for images that are in both parts: where test is drawn, this is first known now."""
    parts = np.where(is_test, "test", "train_val").tolist()
    columns = (table[name].to_pylist() for name in ("path", "class_name", "digest"))
    seen = [Seen(*image) for image in zip(*columns, parts, strict=True)]
    # Images in two classes were found when the manifest was made.
    faults = [fault for fault in of_twins(seen) if fault.kind == "leak"]
    report(faults, spec.dataset, spec.leaks, out)


def _test_images(spec: SplitSpec, parts: list[str | None], table: "pa.Table") -> np.ndarray:
    is_test = np.array([part == "test" for part in parts])
    if None not in parts:
        return is_test
    if spec.test_fraction is None:
        raise FgirError(f'Dataset "{spec.dataset}" has no test part; add test_fraction: 0.25 to its catalogue entry.')
    names = _names(table)
    for label, images in enumerate(_by_class(table["label"].to_numpy(), spec.classes)):
        if len(images) < 2:
            raise FgirError(
                f'Class {names[label]} of dataset "{spec.dataset}" has 1 image; add more or remove the class.'
            )
        order = _shuffled(images, spec.test_seed, label, _CHOOSE_TEST)
        is_test[order[: test_count(len(images), spec.test_fraction)]] = True
    return is_test


def _official_parts(spec: SplitSpec, official: list[str | None], manifest: str | Path) -> np.ndarray:
    numbers = {"train": TRAIN, "val": VAL, "test": TEST}
    strange = next((part for part in official if part not in numbers), "")
    if strange != "":
        raise FgirError(
            f'{manifest}: dataset "{spec.dataset}" has no official val part (found {strange}); set val_part: first.'
        )
    return np.array([numbers[part] for part in official if part])


def _divide(spec: SplitSpec, label: int, name: str, train_val: np.ndarray, test: np.ndarray, parts: np.ndarray) -> None:
    """Enter the part of each image of one class."""
    if not len(train_val) or not len(test):
        missing = "test" if len(train_val) else "train_val"
        raise FgirError(
            f'Class {name} of dataset "{spec.dataset}" has no {missing} image; add one or remove the class.'
        )
    if spec.limit_per_class:
        train_val = np.sort(_shuffled(train_val, spec.split_seed, label, _LIMIT_TRAIN)[: spec.limit_per_class])
        test = _shuffled(test, spec.split_seed, label, _LIMIT_TEST)[: spec.limit_per_class]
    if spec.split_rule == "stratified":
        train_val = _shuffled(train_val, spec.split_seed, label, _CHOOSE_TRAIN)
    cut = train_count(len(train_val), spec.train_fraction)
    parts[train_val[:cut]], parts[train_val[cut:]], parts[test] = TRAIN, VAL, TEST


def _by_class(labels: np.ndarray, classes: int) -> list[np.ndarray]:
    """Return the rows of each class, in their order."""
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.searchsorted(labels[order], np.arange(1, classes)))


def _shuffled(images: np.ndarray, seed: int, label: int, choice: int) -> np.ndarray:
    return np.random.default_rng([seed, label, choice]).permutation(images)
