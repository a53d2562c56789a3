"""Small datasets of the user's own images, for tests."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fgir.specs import SourceSpec, SplitSpec
from fgir.study.catalogue import Folder


def write_image(path: Path, seed: int) -> None:
    """Write a reproducible image, unlike that of any other seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (10, 12, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def class_tree(root: Path, counts: Mapping[str, int], first_seed: int = 0) -> Path:
    """Write ``root/<class>/<number>.png``."""
    seed = first_seed
    for name, count in counts.items():
        for number in range(count):
            write_image(root / name / f"{number}.png", seed)
            seed += 1
    return root


def train_and_test(root: Path) -> Path:
    """Write two classes of five train and three test images each."""
    class_tree(root / "train", {"cat": 5, "dog": 5})
    class_tree(root / "test", {"cat": 3, "dog": 3}, first_seed=100)
    return root


def folder_spec(root: Path, **keys: Any) -> SourceSpec:
    """The spec of a folder dataset named "mine"."""
    entry = Folder(source="folder", path=str(root), **keys)
    return SourceSpec(recipe=1, dataset="mine", entry=entry, archives="unused")


def split_spec(**keys: Any) -> SplitSpec:
    """The spec of a split: two classes, official parts, rule first with 0.8, unless ``keys`` say otherwise."""
    defaults = {"train_val": None, "test": None, "test_fraction": None, "test_seed": 0, "limit_per_class": None}
    defaults |= {"train": None, "val": None, "val_part": "first", "leaks": "refuse"}
    defaults |= {"split_rule": "first", "train_fraction": 0.8, "split_seed": 0, "classes": 2}
    return SplitSpec(recipe=1, dataset="mine", **(defaults | keys))


def files_in(folder: Path) -> list[str]:
    """Every file and folder below ``folder``, hidden ones included."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
