"""The figure of a dataset at a glance."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fgir.data.look import Measured
from fgir.data.sources.image import Listing, SourceImage
from fgir.data.statistics import Checked
from fgir.report.figures.dataset import _fitted, _samples, write_figure
from fgir.utils.errors import FgirError


def found(classes: int, images: int, part: str | None = "train_val", readable: bool = True) -> Checked:
    names = [f"class{number}" for number in range(classes)]
    files = [SourceImage(f"{name}-{number}.png", name, part) for name in names for number in range(images)]
    measured = [Measured(12, 10, "0") if readable else None for _ in files]
    return Checked(Listing(names, files), measured, faults=[], reported=[], twins=0)


@pytest.mark.parametrize(("classes", "images", "shown"), [(2, 30, 24), (8, 3, 24), (5, 2, 10), (30, 1, 24)])
def test_the_grid_is_filled_from_classes_by_turns(classes: int, images: int, shown: int) -> None:
    chosen = _samples(found(classes, images))

    assert len(chosen) == len(set(chosen)) == shown
    assert len({image.class_name for image in chosen}) == min(classes, 24)


@pytest.mark.parametrize("part", ["train_val", None])
def test_the_figure_is_drawn_the_same_each_time(tmp_path: Path, part: str | None) -> None:
    content = found(2, 3, part)
    for image in content.listing.images:
        Image.fromarray(np.zeros((10, 12, 3), np.uint8)).save(tmp_path / image.path)

    for name in ("a.png", "b.png"):
        write_figure("Animals", content, tmp_path, tmp_path / name)

    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_size_of_one_image_is_seen_on_white_though_others_have_hundreds(tmp_path: Path) -> None:
    content = found(2, 500)
    for image in content.listing.images:
        Image.fromarray(np.zeros((10, 12, 3), np.uint8)).save(tmp_path / image.path)
    # A tenth of them have a size of their own; their squares are apart.
    sizes = [Measured(40 + number // 10, 40 + 7 * (number // 10) % 100, "0") for number in range(0, 1000, 10)]
    measured = [*sizes, *[Measured(140, 140, "0")] * 900]

    write_figure("Animals", content._replace(measured=measured), tmp_path, tmp_path / "out.png")

    top, right = 400, 900
    pixels = np.asarray(Image.open(tmp_path / "out.png").convert("RGB")).astype(int)[:top, right:]
    blue = pixels[pixels[..., 2] - pixels[..., 0] > 60]
    # A square has some 11 x 11 pixels; the bar beside it is blue too, but narrow.
    assert len(blue) > 60 * 100
    assert blue[:, 0].max() < 180


def test_without_a_readable_image_there_is_nothing_to_draw(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match="nothing to draw"):
        write_figure("Animals", found(2, 3, readable=False), tmp_path, tmp_path / "a.png")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Boeing 737-200", "Boeing 737-200"),
        ("DejaVuSansMono-BoldOblique", "DejaVuSansMono-\nBoldOblique"),
        ("Amanita muscaria var. guessowii", "Amanita muscaria\nvar. guessowii"),
        ("a" * 30, "a" * 18 + "\n" + "a" * 12),
    ],
)
def test_a_class_name_is_whole_in_two_lines(name: str, shown: str) -> None:
    assert _fitted(name) == shown


def test_longer_names_are_cut_with_a_mark_and_still_differ_at_both_ends() -> None:
    names = [f"{kind}, a variety of the common garden pea with {colour}" for kind in ("A", "B") for colour in "xy"]

    shown = [_fitted(name) for name in names]

    assert len(set(shown)) == 4
    assert all("…" in text and max(map(len, text.split("\n"))) <= 18 for text in shown)


def test_signs_that_the_font_lacks_are_one_line_and_no_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    content = found(2, 3)
    for image in content.listing.images:
        Image.fromarray(np.zeros((10, 12, 3), np.uint8)).save(tmp_path / image.path)

    write_figure("\u83cc \U0001f344", content, tmp_path, tmp_path / "out.png")

    assert "Signs that matplotlib's font lacks are drawn as boxes: \u83cc \U0001f344" in capsys.readouterr().err
    assert not [one for one in recwarn if "Glyph" in str(one.message)]
