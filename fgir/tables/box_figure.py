"""Accuracy, training time and throughput by setting, as box plots over datasets and backbones.

Every metric is min-max normalised, x' = (x - min) / (max - min), as in the study (arXiv 2605.18700). Minimum and
maximum are those of a dataset: the settings of an easy, small dataset and of a hard, large one then lie on one scale.
"""

from collections import defaultdict
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fgir.errors import FgirError
from fgir.study import SETTINGS
from fgir.tables.display import Row, sizes
from fgir.tables.style import COLOURS, GREY, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class _Metric(NamedTuple):
    column: str
    name: str
    better: str


_METRICS = (
    _Metric("top1", "top-1 accuracy", "more is better"),
    _Metric("train_hours", "training time", "less is better"),
    _Metric("throughput", "throughput", "more is better"),
)
_COLOUR = dict(zip(SETTINGS, COLOURS, strict=False))
# Points beside each other are told apart by steps of the golden ratio: even, and the same at every drawing.
_GOLDEN = 0.6180339887498949
_SPREAD = 0.44
# Fewer points than this are no box.
_FEW = 4


def draw_boxes(rows: Sequence[Row], paths: Sequence[Path]) -> None:
    """Draw rows of a summary into files, each in the format of its suffix; the same rows give the same bytes.

    FgirError where no dataset has two cells that differ in any of the metrics.
    """
    panels = [(metric, values) for metric in _METRICS if (values := normalised(rows, metric.column))]
    if not panels:
        raise FgirError("There is nothing to draw: no dataset has two cells of different accuracy or cost.")
    save(lambda: _figure(rows, panels), paths)


def normalised(rows: Sequence[Row], column: str) -> dict[str, list[float]]:
    """The figures of a column by setting, 0 for the lowest of its dataset and 1 for the highest.

    Datasets without two different figures, and settings without any, are left out.
    """
    by_dataset: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row[column] is not None:
            by_dataset[row["dataset"]].append(row)
    values: dict[str, list[float]] = {setting: [] for setting in SETTINGS}
    for cells in by_dataset.values():
        low, high = min(cell[column] for cell in cells), max(cell[column] for cell in cells)
        for cell in cells if high > low else ():
            values[cell["setting"]].append((cell[column] - low) / (high - low))
    return {setting: figures for setting, figures in values.items() if figures}


def _figure(rows: Sequence[Row], panels: Sequence[tuple[_Metric, dict[str, list[float]]]]) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    settings = [setting for setting in SETTINGS if any(setting in values for _, values in panels)]
    width, height = (7.0 if len(panels) == 1 else 3.6 * len(panels)), 1.5 + 0.48 * len(settings)
    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.06), dpi=150)
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for panel, (metric, values) in zip(axes, panels, strict=True):
        _draw_panel(panel, metric, [values.get(setting, []) for setting in settings], settings)
    axes[0].set_yticks(range(len(settings)), settings)
    # The first setting on top.
    axes[0].set_ylim(len(settings) - 0.5, -0.5)
    figure.suptitle(_title(rows), x=0.01, ha="left", fontsize=10.5)
    figure.supxlabel(_note(rows, panels), x=0.01, ha="left", fontsize=8, color=GREY)
    return figure


def _draw_panel(axes: "Axes", metric: _Metric, values: list[list[float]], settings: Sequence[str]) -> None:
    for place, (figures, setting) in enumerate(zip(values, settings, strict=True)):
        if not figures:
            axes.text(0.5, place, "none", ha="center", va="center", color=GREY)
            continue
        colour = _COLOUR[setting]  # type: ignore[index]
        few = len(figures) < _FEW
        spread = 0 if few else _SPREAD
        heights = [place + spread * ((index * _GOLDEN) % 1 - 0.5) for index in range(len(figures))]
        axes.scatter(figures, heights, s=24 if few else 5, color=colour, alpha=0.6, linewidths=0, zorder=2)
        if few:
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
    axes.set_xlabel(f"{metric.name}, normalised ({metric.better})")


def _title(rows: Sequence[Row]) -> str:
    drawn = [row for row in rows if any(row[metric.column] is not None for metric in _METRICS)]
    backbones, datasets = ({row[key] for row in drawn} for key in ("backbone", "dataset"))
    sides = ", ".join(dict.fromkeys(sizes(row) for row in sorted(drawn, key=itemgetter("train_size", "test_size"))))
    return f"{_count(backbones, 'backbone')} on {_count(datasets, 'dataset')}, {sides} px"


def _count(names: set[str], word: str) -> str:
    return f"{len(names)} {word}{'s' * (len(names) > 1)}"


def _note(rows: Sequence[Row], panels: Sequence[tuple[_Metric, dict[str, list[float]]]]) -> str:
    note = (
        "0: the lowest cell of its dataset, 1: the highest. A point is a cell; a box, the middle half with the median."
    )
    if _is_uneven(rows):
        note += "\nSettings differ in their backbones or datasets here: their boxes do not compare like with like."
    left_out = [metric for metric in _METRICS if metric not in [drawn for drawn, _ in panels]]
    absent = [metric.name for metric in left_out if all(row[metric.column] is None for row in rows)]
    equal = [metric.name for metric in left_out if metric.name not in absent]
    for names, reason in ((absent, "in none of these rows"), (equal, "does not differ within any dataset")):
        note += f"\nNot drawn, because {reason}: {' and '.join(names)}." if names else ""
    return note


def _is_uneven(rows: Sequence[Row]) -> bool:
    """Has any setting been tried on other backbones or datasets than another?"""
    tried: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in rows:
        if row["top1"] is not None:
            tried[row["setting"]].add((row["backbone"], row["dataset"]))
    return len(set(map(frozenset, tried.values()))) > 1
