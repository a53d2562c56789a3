"""A dataset at a glance: how many images its classes have, how large they are, and some of them."""

from pathlib import Path
from typing import Any

from fgir.data.statistics import Checked
from fgir.errors import FgirError
from fgir.files import replacing

_COLUMNS, _ROWS = 8, 3
_SIDE = 128


def write_figure(title: str, found: Checked, root: Path, out: Path) -> None:
    """Draw class balance, image sizes and a grid of images of classes spread over all, the same each time."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6.6), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=(1, 1.25))
    top, bottom = parts
    balance, sizes = top.subplots(1, 2)
    _draw_balance(balance, found)
    _draw_sizes(top, sizes, found)
    for axes, (name, picture) in zip(bottom.subplots(_ROWS, _COLUMNS).flat, _samples(found, root), strict=False):
        axes.imshow(picture)
        axes.set_title(name[:16], fontsize=7)
    for axes in bottom.axes:
        axes.axis("off")
    figure.suptitle(title)
    with replacing(out) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def _draw_balance(axes, found: Checked) -> None:  # type: ignore[no-untyped-def]
    for part, colour in (("train_val", "#1f77b4"), ("test", "#ff7f0e")):
        counts = dict.fromkeys(found.classes, 0)
        for image in found.images:
            counts[image.class_name] += (image.part == "test") == (part == "test")
        if any(counts.values()):
            axes.step(range(len(counts)), sorted(counts.values(), reverse=True), where="mid", color=colour, label=part)
    axes.set(xlabel=f"{len(found.classes)} classes, largest first", ylabel="images", ylim=(0, None))
    axes.legend(frameon=False)


def _draw_sizes(figure, axes, found: Checked) -> None:  # type: ignore[no-untyped-def]
    from matplotlib.colors import LogNorm

    widths = [one.width for one in found.measured if one]
    heights = [one.height for one in found.measured if one]
    if not widths:
        raise FgirError("No image of the dataset can be read, so there is nothing to draw.")
    edge = 1.05 * max(*widths, *heights)
    bins = [[edge * step / 40 for step in range(41)]] * 2
    *_, drawn = axes.hist2d(widths, heights, bins=bins, cmin=1, norm=LogNorm(), cmap="Blues")
    figure.colorbar(drawn, ax=axes, label="images")
    axes.set(xlabel="width, pixels", ylabel="height, pixels", aspect="equal")


def _samples(found: Checked, root: Path):  # type: ignore[no-untyped-def]
    from PIL import Image

    by_class = {image.class_name: image for image, one in zip(found.images, found.measured, strict=True) if one}
    names = [name for name in found.classes if name in by_class]
    count = min(_COLUMNS * _ROWS, len(names))
    for step in range(count):
        name = names[step * len(names) // count]
        with Image.open(root / by_class[name].path) as picture:
            small = picture.convert("RGB")
            small.thumbnail((_SIDE, _SIDE))
            yield name, small
