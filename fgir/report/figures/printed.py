"""Draw a printed table of train and test sizes: the published accuracies as lines, measured ones as points on them."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fgir.report.figures.style import COLOURS, GREY, save
from fgir.report.tables.printed import Entry, Printed
from fgir.utils.errors import FgirError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_printed(table: Printed, paths: Sequence[Path]) -> None:
    """Draw a panel for each part of a table into files; FgirError where its lines or columns are no sizes."""
    if not all(
        str(text).isdigit() for entry in table.entries for text in (entry.published.line, entry.published.column)
    ):
        raise FgirError(f"{table.title} is no table of train and test sizes, and has no figure.")
    save(lambda: _figure(table), paths)


def _figure(table: Printed) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    parts = list(dict.fromkeys(entry.published.part for entry in table.entries))
    trains = sorted({int(entry.published.column or 0) for entry in table.entries})
    colours = dict(zip(trains, cycle(COLOURS), strict=False))
    figure = Figure(figsize=(2 + 4.2 * len(parts), 4.4), layout="constrained", dpi=150)
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(parts), sharey=True, squeeze=False)[0]
    for axes, part in zip(panels, parts, strict=True):
        _draw(axes, [entry for entry in table.entries if entry.published.part == part], colours)
        axes.set_title(part or "", loc="left", fontsize=9.5)
        axes.set_xlabel("test size, px")
    panels[0].set_ylabel("top-1 accuracy, %")
    figure.suptitle(table.title, x=0.01, ha="left", fontsize=10.5)
    figure.legend(handles=_legend(table, colours), loc="outside right upper")
    return figure


def _draw(axes: "Axes", entries: Sequence[Entry], colours: dict[int, str]) -> None:
    for train, colour in colours.items():
        line = [entry for entry in entries if entry.published.column == str(train)]
        line.sort(key=_test_size)
        measured = [(_test_size(entry), entry.ours) for entry in line if entry.ours]
        axes.plot(
            [_test_size(entry) for entry in line],
            [entry.published.top1 for entry in line],
            color=colour,
            linewidth=1.3,
            marker="o" if not measured else None,
            markersize=3,
        )
        for size, row in measured:
            bar = row["top1_std"]
            axes.errorbar(size, row["top1"], yerr=bar, color=colour, marker="D", markersize=5, capsize=2, elinewidth=1)
    axes.set_xticks(sorted({_test_size(entry) for entry in entries}))
    axes.tick_params(axis="x", labelrotation=90)


def _test_size(entry: Entry) -> int:
    return int(entry.published.line or 0)


def _legend(table: Printed, colours: dict[int, str]) -> list[Any]:
    from matplotlib.lines import Line2D

    entries = [Line2D([], [], color=colour, label=f"trained at {train} px") for train, colour in colours.items()]
    if any(entry.ours for entry in table.entries):
        entries.append(Line2D([], [], color=GREY, label="published"))
        entries.append(Line2D([], [], color=GREY, linestyle="none", marker="D", markersize=5, label="measured"))
    return entries
