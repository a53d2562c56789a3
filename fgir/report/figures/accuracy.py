"""Draw accuracy against cost, a figure a dataset: top-1 over MACs an image and over throughput."""

from collections.abc import Sequence
from itertools import cycle, product
from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any, NamedTuple

from fgir.report.figures.labels import boxes_of, boxes_of_steps, label_points
from fgir.report.figures.style import COLOURS, GREY, check_suffixes, looks_of, save
from fgir.report.tables.display import (
    Row,
    condition,
    error_bar,
    is_random,
    is_unsteady,
    settings_of,
    sizes,
    state,
    varies,
)
from fgir.results.measures import MEASURES, Measure
from fgir.results.parquet import read_rows
from fgir.utils.errors import FgirError, nearest

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Opacity of a point whose throughput is unsteady.
_PALE = 0.4
_FILLS = ("full", "none", "left")


class _Look(NamedTuple):
    """Give the look of a backbone's points in a setting."""

    colour: str
    fill: str
    marker: str


def write_figure(summary: Path, dataset: str, paths: Sequence[Path]) -> None:
    """Draw a dataset of the summary into files, each in the format of its suffix (.png, .svg, .pdf).

    FgirError where the summary has no such dataset. Cells without accuracy are counted in the figure, not drawn.
    """
    check_suffixes(paths)
    rows = read_rows("summary", summary)
    datasets = {row["dataset"] for row in rows}
    if dataset not in datasets:
        raise FgirError(f'{summary} has no dataset "{dataset}"{nearest(dataset, datasets)}')
    draw([row for row in rows if row["dataset"] == dataset], paths)


def draw(rows: Sequence[Row], paths: Sequence[Path]) -> None:
    """Draw the rows of one dataset into files, each in the format of its suffix; the same rows give the same bytes."""
    save(lambda: _figure(list(rows)), paths)


def _figure(rows: list[Row]) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 4.8), layout="constrained", dpi=150)
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, sharey=True)
    test_sizes = sorted({row["test_size"] for row in rows})
    drawn = [row | {"marker_size": _marker_size(row, test_sizes)} for row in rows if row["top1"] is not None]
    looks, letters = _looks(rows), _letters(rows)
    macs, throughput = MEASURES["macs"], MEASURES["throughput"]
    for axes, cost in ((left, macs), (right, throughput)):
        _draw_panel(axes, [_point(row, cost) for row in drawn if row[cost.column] is not None], looks, letters)
    left.set(xlabel=f"{macs.title}, all views", ylabel=f"{MEASURES['top1'].name}, %")
    quartiles = any(row["throughput_q1"] is not None for row in drawn)
    right.set(xlabel=f"{throughput.title}{_conditions(drawn)}{'; bars: quartiles' * quartiles}")
    _draw_chance(left, right, drawn)
    figure.suptitle(_title(rows), x=0.01, ha="left", fontsize=10.5)
    figure.legend(handles=_legend(rows, looks, letters), loc="outside right center", handlelength=1.2)
    _draw_front(figure, left, [_point(row, macs) for row in drawn if row[macs.column] is not None], rows)
    return figure


def _point(row: Row, cost: Measure) -> Row:
    """Return the row with its place on the axis of a column: x, its quartiles if it has them, and is it steady."""
    column = cost.column
    low, high = row.get(f"{column}_q1"), row.get(f"{column}_q3")
    quartiles = None if low is None or high is None else (low / cost.scale, high / cost.scale)
    return row | {"x": row[column] / cost.scale, "quartiles": quartiles, "pale": is_unsteady(row, column)}


def _looks(rows: Sequence[Row]) -> dict[tuple[str, str], _Look]:
    """Return the look of each backbone and setting.

    Colour and fill distinguish backbones, or settings where there is only one backbone; markers distinguish settings.
    """
    backbones = list(dict.fromkeys(row["backbone"] for row in rows))
    of_settings = looks_of(settings_of(rows))
    if len(backbones) == 1:
        return {(backbones[0], name): _Look(look.colour, "full", look.marker) for name, look in of_settings.items()}
    styles = [(colour, fill) for fill, colour in product(_FILLS, COLOURS)]
    return {
        (backbone, name): _Look(colour, fill, look.marker)
        for backbone, (colour, fill) in zip(backbones, cycle(styles), strict=False)
        for name, look in of_settings.items()
    }


def _letters(rows: Sequence[Row]) -> dict[str, str]:
    """Return a letter for each adaptation and kind of crops of the rows where they differ: all else may be equal."""
    if not varies(rows, state):
        return {}
    states = dict.fromkeys(filter(None, map(state, rows)))
    return dict(zip(states, (a + b for a, b in product(("", *ascii_lowercase), ascii_lowercase)), strict=False))


def _draw_panel(axes: "Axes", points: list[Row], looks: dict[tuple[str, str], _Look], letters: dict[str, str]) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if not points:
        axes.set_xticks([])
        axes.text(0.5, 0.5, "nothing measured yet", transform=axes.transAxes, ha="center", color=GREY)
        return
    for point in points:
        look = looks[point["backbone"], point["setting"]]
        bar = error_bar(point)
        low, high = point["quartiles"] or (point["x"], point["x"])
        axes.errorbar(
            point["x"],
            point["top1"],
            yerr=bar.deviation if bar else None,
            xerr=[[max(0, point["x"] - low)], [max(0, high - point["x"])]] if point["quartiles"] else None,
            alpha=_PALE if point["pale"] else 1,
            color=look.colour,
            marker=look.marker,
            fillstyle=look.fill,
            markersize=point["marker_size"],
            markerfacecoloralt="white",
            elinewidth=1,
            capsize=2,
            linestyle="none",
        )
        if letter := letters.get(state(point)):
            at = (point["x"], point["top1"])
            axes.annotate(letter, at, (6, -3), textcoords="offset points", fontsize=8, color=look.colour)
    places = [x for point in points for x in (point["x"], *(point["quartiles"] or ()))]
    low, high = min(places), max(places)
    axes.set_xscale("log")
    axes.set_xlim(low / 1.6, high * 1.6)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 100 else (1,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _marker_size(row: Row, test_sizes: Sequence[int]) -> float:
    place = test_sizes.index(row["test_size"]) / max(1, len(test_sizes) - 1)
    return 7.0 if len(test_sizes) == 1 else 5.0 + 4.0 * place


def _draw_chance(left: "Axes", right: "Axes", drawn: Sequence[Row]) -> None:
    if not drawn:
        left.set_yticks([])
        return
    chance, low, high = 100 / drawn[0]["classes"], *_range(drawn)
    # Far below all points, the line would only squeeze them.
    if low - chance > 0.5 * (high - low) + 2:
        return
    for axes in (left, right):
        axes.axhline(chance, color=GREY, linewidth=1, linestyle=":")
    left.annotate(
        "chance",
        (0, chance),
        xycoords=left.get_yaxis_transform(),
        xytext=(3, 2),
        textcoords="offset points",
        color=GREY,
    )


def _range(rows: Sequence[Row]) -> tuple[float, float]:
    return min(row["top1"] for row in rows), max(row["top1"] for row in rows)


def _draw_front(figure: "Figure", axes: "Axes", points: list[Row], rows: Sequence[Row]) -> None:
    """Draw the front as steps, and label its cells; the layout must be complete."""
    front = sorted((point for point in points if point["pareto"]), key=lambda point: point["x"])
    if not front:
        return
    # Room for the labels, which lie above the front and to its left.
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    axes.set(xlim=(left * (left / right) ** 0.12, right), ylim=(low, high + 0.1 * (high - low)))
    corners = [(front[0]["x"], front[0]["top1"])]
    for point in front[1:]:
        corners += [(point["x"], corners[-1][1]), (point["x"], point["top1"])]
    corners.append((axes.get_xlim()[1], corners[-1][1]))
    axes.plot(*zip(*corners, strict=True), color=GREY, linewidth=1, zorder=1, scalex=False)
    figure.draw_without_rendering()
    bars = [(point["x"], point["top1"], bar.deviation if (bar := error_bar(point)) else 0.0) for point in points]
    labels = [(point["x"], point["top1"], _label(point, rows)) for point in front]
    label_points(axes, labels, boxes_of(axes, bars) + boxes_of_steps(axes, corners))


def _label(row: Row, rows: Sequence[Row]) -> str:
    # In two lines: there is little room to the left of a front.
    backbone = f"{row['backbone_title']}\n" if varies(rows, lambda other: other["backbone"]) else ""
    size = f" {sizes(row)}" if varies(rows, sizes) else ""
    return "\n".join(filter(None, (backbone + row["setting"] + size, state(row))))


def _legend(rows: Sequence[Row], looks: dict[tuple[str, str], _Look], letters: dict[str, str]) -> list[Any]:
    from matplotlib.lines import Line2D

    def entry(label: str, **style: Any) -> Line2D:
        return Line2D([], [], linestyle="none", markersize=7, markerfacecoloralt="white", label=label, **style)

    backbones = {row["backbone"]: row for row in rows}
    by_backbone = len(backbones) > 1
    settings, entries = settings_of(rows), []
    for setting in settings:
        look = looks[next(iter(backbones)), setting]
        colour, fill = (GREY, "full") if by_backbone else (look.colour, look.fill)
        entries.append(entry(setting, marker=look.marker, color=colour, fillstyle=fill))
    for backbone, row in backbones.items() if by_backbone else ():
        look = looks[backbone, settings[0]]
        entries.append(entry(_name(row), marker="o", color=look.colour, fillstyle=look.fill))
    for name, letter in letters.items():
        entries.append(entry(name, marker=f"$\\mathrm{{{letter}}}$", color=GREY, markeredgewidth=0.2))
    if any(is_unsteady(row, "throughput") for row in rows):
        entries.append(entry("pale: timing unsteady", marker="o", color=GREY, alpha=_PALE))
    return [*entries, Line2D([], [], color=GREY, linewidth=1, label="Pareto front")]


def _name(row: Row) -> str:
    return f"{row['backbone_title']} (random!)" if is_random(row) else row["backbone_title"]


def _title(rows: Sequence[Row]) -> str:
    first = rows[0]
    title = f"{first['dataset_title'] or first['dataset']}, {first['classes']} classes"
    if not varies(rows, lambda row: row["backbone"]):
        title += f", {_name(first)}"
    if not varies(rows, condition):
        title += f", {condition(first)}"
    elif not varies(rows, sizes):
        title += f", {sizes(first)} px"
    if varies(rows, lambda row: row["test_size"]):
        title += "; larger markers: larger test size"
    over = sorted({bar.over for row in rows if (bar := error_bar(row))})
    title += f"; bars: deviation over {' or '.join(over)}" if over else ""
    lost = sum(row["top1"] is None for row in rows)
    return title + (f"; {lost} of {len(rows)} cells without accuracy" if lost else "")


def _conditions(rows: Sequence[Row]) -> str:
    keys = ("device", "precision", "timing_batch_size")
    found = {tuple(row[key] for key in keys) for row in rows if row["throughput"] is not None}
    if len(found) != 1:
        return " (on several devices)" if found else ""
    device, precision, batch = found.pop()
    return f" ({device}, {precision}, batch {batch})"
