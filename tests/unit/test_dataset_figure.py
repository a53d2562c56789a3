"""The figure of a dataset at a glance."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fgir.data.manifest import Measured
from fgir.data.sources.image import SourceImage
from fgir.data.statistics import Checked
from fgir.errors import FgirError
from fgir.tables.dataset_figure import _samples, write_figure


def found(classes: int, images: int, part: str | None = "train_val", readable: bool = True) -> Checked:
    names = [f"class{number}" for number in range(classes)]
    files = [SourceImage(f"{name}-{number}.png", name, part) for name in names for number in range(images)]
    measured = [Measured(12, 10, "0") if readable else None for _ in files]
    return Checked(names, files, measured, faults=[], leaks=[], twins=0)


@pytest.mark.parametrize(("classes", "images", "shown"), [(2, 30, 24), (8, 3, 24), (5, 2, 10), (30, 1, 24)])
def test_the_grid_is_filled_from_classes_by_turns(classes: int, images: int, shown: int) -> None:
    chosen = _samples(found(classes, images))

    assert len(chosen) == len(set(chosen)) == shown
    assert len({image.class_name for image in chosen}) == min(classes, 24)


@pytest.mark.parametrize("part", ["train_val", None])
def test_the_figure_is_drawn_the_same_each_time(tmp_path: Path, part: str | None) -> None:
    content = found(2, 3, part)
    for image in content.images:
        Image.fromarray(np.zeros((10, 12, 3), np.uint8)).save(tmp_path / image.path)

    for name in ("a.png", "b.png"):
        write_figure("Animals", content, tmp_path, tmp_path / name)

    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_without_a_readable_image_there_is_nothing_to_draw(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match="nothing to draw"):
        write_figure("Animals", found(2, 3, readable=False), tmp_path, tmp_path / "a.png")
