"""Draw a dataset at a glance: how many images its classes have, how large they are, and some of them."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from fgir.data.decode import decode, silence
from fgir.data.sources.image import SourceImage
from fgir.data.statistics import Checked
from fgir.report.figures.style import COLOURS, save
from fgir.utils.errors import FgirError
from fgir.utils.words import counted

_COLUMNS, _ROWS = 8, 3
_SIDE = 128
# Letters that stand above a picture without touching the next.
_LINE = 18
_MOST_BARS = 40
# Of the widths and heights, a side. One image must be seen on white, and differ from many.
_SQUARES = 30
_SHADES = ("#7fb8da", "#08306b")
_PARTS = {"train_val": COLOURS[0], "test": COLOURS[1], "all, without official parts": COLOURS[0]}


def write_figure(title: str, found: Checked, root: Path, out: Path) -> None:
    """Draw class balance, image sizes and a grid of images of classes spread over all, the same each time.

    FgirError where no image can be read.
    """
    if not any(found.measured):
        raise FgirError("No image of the dataset can be read, so there is nothing to draw.")
    # What the image library says of them was said when they were looked at.
    silence()
    save(lambda: _figure(title, found, root), [out])


def _figure(title: str, found: Checked, root: Path) -> Any:
    from matplotlib.figure import Figure

    samples = _samples(found)
    rows = -(-len(samples) // _COLUMNS)
    figure = Figure(figsize=(9, 3 + 1.2 * rows), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=(2.8, 1.2 * rows))
    top, bottom = parts
    balance, sizes = top.subplots(1, 2, width_ratios=(3, 2))
    _draw_balance(balance, found)
    _draw_sizes(top, sizes, found)
    places = bottom.subplots(rows, _COLUMNS, squeeze=False).flat
    for axes, image in zip(places, samples, strict=False):
        axes.imshow(_small(root / image.path))
        axes.set_title(_fitted(image.class_name), fontsize=6.5)
    for axes in bottom.axes:
        axes.axis("off")
    figure.suptitle(title)
    return figure


def _fitted(name: str) -> str:
    """Return a name in at most two lines; of a longer one beginning and end, since look-alikes often differ at the
    end.
    """
    if len(name) > 2 * _LINE:
        name = f"{name[: _LINE - 1]}…{name[1 - _LINE :]}"
    elif len(name) <= _LINE:
        return name
    # At the last gap that lets both lines fit.
    gaps = [place for place in range(len(name) - _LINE, _LINE + 1) if place and name[place - 1] in " _-./"]
    place = gaps[-1] if gaps else _LINE
    return f"{name[:place].rstrip()}\n{name[place:].lstrip()}"


def _draw_balance(axes: Any, found: Checked) -> None:
    import numpy as np
    from matplotlib.ticker import MaxNLocator

    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for image in found.listing.images:
        part = "all, without official parts" if image.part is None else "test" if image.part == "test" else "train_val"
        counts[part][image.class_name] += 1
    drawn = [part for part in _PARTS if part in counts]
    for place, part in enumerate(drawn):
        heights = np.sort([counts[part][name] for name in found.listing.classes])[::-1]
        ranks, width = np.arange(1, len(heights) + 1), 0.8 / len(drawn)
        if len(heights) > _MOST_BARS:
            axes.plot(ranks, heights, color=_PARTS[part], label=part)
        else:
            axes.bar(ranks + width * (place - (len(drawn) - 1) / 2), heights, width, color=_PARTS[part], label=part)
    axes.set(
        xlabel=f"{counted(len(found.listing.classes), 'class')}, each part's largest first",
        ylabel="images",
        ylim=(0, None),
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)


def _draw_sizes(figure: Any, axes: Any, found: Checked) -> None:
    import numpy as np
    from matplotlib.colors import LinearSegmentedColormap, LogNorm
    from matplotlib.ticker import LogLocator, StrMethodFormatter

    widths = np.array([image.width for image in found.measured if image], dtype=float)
    heights = np.array([image.height for image in found.measured if image], dtype=float)
    bins = np.linspace(0, 1.05 * max(widths.max(), heights.max()), _SQUARES + 1)
    most = np.histogram2d(widths, heights, bins=[bins, bins])[0].max()
    # Up to the fullest square: a scale up to all images would leave nearly white what the largest sets do not fill.
    norm, shades = LogNorm(vmin=1, vmax=max(2, most)), LinearSegmentedColormap.from_list("sizes", _SHADES)
    *_, drawn = axes.hist2d(widths, heights, bins=[bins, bins], cmin=1, norm=norm, cmap=shades)
    bar = figure.colorbar(drawn, ax=axes, label="images")
    bar.locator = LogLocator(subs=(1, 2, 5))
    bar.formatter = StrMethodFormatter("{x:,.0f}")
    bar.minorticks_off()
    axes.set(xlabel="width, pixels", ylabel="height, pixels", aspect="equal")


def _samples(found: Checked) -> list[SourceImage]:
    """Return readable images: one of each of classes spread over all; with few classes, more of each."""
    by_class: dict[str, list[SourceImage]] = defaultdict(list)
    for image, measured in zip(found.listing.images, found.measured, strict=True):
        if measured:
            by_class[image.class_name].append(image)
    names, wanted = [name for name in found.listing.classes if name in by_class], _COLUMNS * _ROWS
    if len(names) > wanted:
        names = [names[step * len(names) // wanted] for step in range(wanted)]
    turns = -(-wanted // len(names))
    chosen = []
    for turn in range(turns):
        for images in map(by_class.__getitem__, names):
            first, end = turn * len(images) // turns, (turn + 1) * len(images) // turns
            chosen += images[first:end][:1]
    return chosen[:wanted]


def _small(path: Path) -> Any:
    small = decode(path)
    small.thumbnail((_SIDE, _SIDE))
    return small
