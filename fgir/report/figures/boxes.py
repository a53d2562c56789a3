"""Draw accuracy, training time and throughput by setting as box plots: a row of panels for each pair of sizes."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from fgir.report.figures.box_notes import has_box, notes, nothing_to_draw, title
from fgir.report.figures.box_points import Boxes, Panel, boxes
from fgir.report.figures.style import GREY, looks_of, save
from fgir.report.tables.display import Row, condition, in_lines, in_order, sides, sizes
from fgir.utils.errors import FgirError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Points beside each other are kept apart by steps of the golden ratio: even, and the same at every drawing.
_GOLDEN = 0.6180339887498949
_SPREAD = 0.44
# More points than this are drawn small.
_MANY = 30
# More rows of panels than this are no figure that can be read.
_MOST_CONDITIONS = 6
_LETTERS_AN_INCH = 17


def draw_boxes(
    rows: Sequence[Row], paths: Sequence[Path], of: str = "backbones", over: Sequence[str] | None = None
) -> None:
    """Draw rows of a summary into files, each in the format of its suffix; the same rows give the same bytes.

    ``of`` and ``over``: see box_points.boxes. FgirError where no metric has two figures that differ, or there are more
    pairs of sizes than fit a figure.
    """
    conditions = _conditions(rows)
    if len(conditions) > _MOST_CONDITIONS:
        names = ", ".join(dict.fromkeys(sizes(row, "-") for row in sorted(rows, key=sides)))
        raise FgirError(
            f"A figure has room for {_MOST_CONDITIONS} pairs of train and test size; name some with --size: {names}."
        )
    content = boxes(rows, of, over)
    drawn = [panel for panel in content.panels if panel.differs()]
    if not drawn:
        raise FgirError(nothing_to_draw(content, rows))
    save(lambda: _figure(rows, content, drawn, conditions), paths)


def _conditions(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(map(condition, sorted(rows, key=sides))))


def _figure(rows: Sequence[Row], content: Boxes, panels: Sequence[Panel], conditions: Sequence[str]) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    places = {place for panel in panels for place in panel.values}
    conditions = [where for where in conditions if any(place[0] == where for place in places)]
    settings = in_order(setting for panel in panels for _, setting in panel.values)
    width = 7.0 if len(panels) == 1 else 3.6 * len(panels)
    height = 1.1 + (0.4 + 0.48 * len(settings)) * len(conditions)
    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.06), dpi=150)
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(conditions), len(panels), sharex=True, sharey=True, squeeze=False)
    for line, where in zip(grid, conditions, strict=True):
        for axes, panel in zip(line, panels, strict=True):
            _draw_panel(axes, panel, where, settings)
        if len(conditions) > 1:
            line[0].set_title(where, loc="left", fontsize=9, fontweight="bold")
    for axes, panel in zip(grid[-1], panels, strict=True):
        axes.set_xlabel(f"{panel.measure.name}, normalised\n({panel.metric.better})")
    grid[0][0].set_yticks(range(len(settings)), [in_lines(setting) for setting in settings])
    # The first setting on top.
    grid[0][0].set_ylim(len(settings) - 0.5, -0.5)
    figure.suptitle(title(rows, content, panels, conditions), x=0.01, ha="left", fontsize=10.5)
    lines = [fill(note, int(_LETTERS_AN_INCH * width)) for note in notes(rows, content, panels, conditions)]
    figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=8, color=GREY)
    return figure


def _draw_panel(axes: "Axes", panel: Panel, where: str, settings: Sequence[str]) -> None:
    from matplotlib.colors import to_rgba

    looks = looks_of(settings)
    for place, setting in enumerate(settings):
        points = panel.values.get((where, setting), {})
        figures, doubtful = list(points.values()), panel.doubtful.get((where, setting), set())
        if not figures:
            axes.text(0.5, place, "none", ha="center", va="center", color=GREY)
            continue
        colour = looks[setting].colour
        boxed = has_box(figures)
        spread = _SPREAD if boxed else 0
        heights = [place + spread * ((index * _GOLDEN) % 1 - 0.5) for index in range(len(figures))]
        size = 24 if not boxed else 13 if len(figures) <= _MANY else 5
        faces = [to_rgba(colour, 0.0 if point in doubtful else 0.6) for point in points]
        edges = [to_rgba(colour, 0.9 if point in doubtful else 0.0) for point in points]
        axes.scatter(figures, heights, s=size, facecolors=faces, edgecolors=edges, linewidths=0.8, zorder=2)
        if not boxed:
            continue
        axes.boxplot(
            figures,
            positions=[place],
            orientation="horizontal",
            widths=0.62,
            showfliers=False,
            patch_artist=True,
            boxprops={"facecolor": (colour, 0.18), "edgecolor": colour, "linewidth": 1},
            whiskerprops={"color": colour, "linewidth": 1},
            capprops={"color": colour, "linewidth": 1},
            medianprops={"color": "black", "linewidth": 1.6},
            zorder=3,
        )
    axes.set_xlim(-0.03, 1.03)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "¼", "½", "¾", "1"])
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
