"""Draw resolution: top-1 against test size, multiply-adds and latency, a line for each train size and adaptation."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fgir.report.figures.style import COLOURS, GREY, check_suffixes, save
from fgir.report.tables.display import Row, is_adapted
from fgir.report.tables.resolution import BUDGETS, TOP1, Grid, chosen, grids, standard_error
from fgir.results.measures import Measure
from fgir.results.parquet import read_rows
from fgir.utils.progress import inform

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Of the adaptations in their order; without adaptation the line is solid.
_DASHES = ((0, (5, 2)), (0, (1, 1.5)), (0, (5, 1.5, 1, 1.5)), (0, (8, 2, 2, 2)))
_HOLLOW = ("o", "s", "^", "D")
# More rows of panels than this would be no figure but a book.
_ROWS = 8


def write_resolution(summary: Path, dataset: str, paths: Sequence[Path]) -> None:
    """Draw a dataset of the summary file; FgirError where the summary lacks it, and as ``draw_resolution``."""
    check_suffixes(paths)
    if left_out := draw_resolution(chosen(read_rows("summary", summary), dataset=[dataset]), paths):
        inform(left_out)


def draw_resolution(rows: Sequence[Row], paths: Sequence[Path]) -> str | None:
    """Draw a row of panels for each grid of ``grids`` into files; return a sentence where some have no room.

    Errors of a bar are deviations over seeds; the band is the standard error of the test images. FgirError as
    ``grids``, and at a suffix that cannot be drawn.
    """
    found = grids(rows)
    save(lambda: _figure(found[:_ROWS]), paths)
    if len(found) <= _ROWS:
        return None
    return f"Drawn are {_ROWS} of {len(found)} tables; name some with --dataset, --backbone or --setting."


def _figure(found: Sequence[Grid]) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 0.5 + 3.3 * len(found)), layout="constrained", dpi=150)
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(found), 3, sharey="row", squeeze=False)
    trains = sorted({row["train_size"] for grid in found for row in grid.rows})
    adaptations = [*dict.fromkeys(row["adaptation"] for grid in found for row in grid.rows if is_adapted(row))]
    colours, dashes = (
        dict(zip(trains, cycle(COLOURS), strict=False)),
        dict(zip(adaptations, cycle(range(4)), strict=False)),
    )
    for grid, axes in zip(found, panels, strict=True):
        for panel, cost in zip(axes, (None, *BUDGETS), strict=True):
            _draw_panel(panel, grid.rows, cost, colours, dashes)
        axes[0].set_title(grid.title, loc="left", fontsize=9.5)
        axes[0].set_ylabel(f"{TOP1.name}, %")
    figure.legend(handles=_legend(found, colours, dashes), loc="outside right upper")
    return figure


def _draw_panel(
    axes: "Axes", rows: Sequence[Row], cost: Measure | None, colours: dict[int, str], dashes: dict[str, int]
) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    column, scale = (cost.column, cost.scale) if cost else ("test_size", 1.0)
    axes.set_xlabel(cost.title if cost else "test size, px")
    drawn = [row for row in rows if None not in (row[TOP1.column], row[column])]
    if not drawn:
        axes.set_xticks([])
        axes.text(0.5, 0.5, "nothing measured yet", transform=axes.transAxes, ha="center", color=GREY)
        return
    for train, colour in colours.items():
        for adaptation in dict.fromkeys(row["adaptation"] for row in drawn):
            line = [row for row in drawn if (row["train_size"], row["adaptation"]) == (train, adaptation)]
            # By test size also over a cost: at a disturbed timing the line turns back, and shows it.
            _draw_line(
                axes, sorted(line, key=lambda row: row["test_size"]), column, scale, colour, dashes.get(adaptation)
            )
    if cost:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    else:
        axes.set_xticks(sorted({row["test_size"] for row in drawn}))
        axes.tick_params(axis="x", labelrotation=90 if len(axes.get_xticks()) > 6 else 0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _draw_line(axes: "Axes", line: Sequence[Row], column: str, scale: float, colour: str, dash: int | None) -> None:
    x = [row[column] / scale for row in line]
    y = [row[TOP1.column] for row in line]
    look: dict[str, Any] = {"color": colour, "linestyle": "-", "marker": "o", "markersize": 4}
    if dash is not None:
        look |= {"linestyle": _DASHES[dash], "marker": _HOLLOW[dash], "markerfacecolor": "white"}
    bars = [row[TOP1.deviation] or 0.0 for row in line]
    axes.errorbar(x, y, yerr=bars if any(bars) else None, elinewidth=1, capsize=2, linewidth=1.3, **look)
    errors = [standard_error(row) for row in line]
    if None not in errors and dash is None:
        low, high = zip(
            *((value - (error or 0), value + (error or 0)) for value, error in zip(y, errors, strict=True)), strict=True
        )
        axes.fill_between(x, low, high, color=colour, alpha=0.12, linewidth=0)


def _legend(found: Sequence[Grid], colours: dict[int, str], dashes: dict[str, int]) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    rows = [row for grid in found for row in grid.rows]
    entries: list[Any] = [
        Line2D([], [], color=colour, label=f"trained at {train} px") for train, colour in colours.items()
    ]
    if dashes:
        entries.append(Line2D([], [], color=GREY, marker="o", markersize=4, label="not adapted"))
    for name, dash in dashes.items():
        look: dict[str, Any] = {"linestyle": _DASHES[dash], "marker": _HOLLOW[dash], "markerfacecolor": "white"}
        entries.append(Line2D([], [], color=GREY, markersize=4, label=name, **look))
    if any(row[TOP1.deviation] is not None for row in rows):
        entries.append(Line2D([], [], color=GREY, linestyle="none", marker="|", label="deviation over seeds"))
    if any(standard_error(row) is not None for row in rows):
        images = sorted({f"{row['test_images']:,}" for row in rows if row["test_images"]})
        label = f"standard error of\n{images[0] if len(images) == 1 else 'the'} test images"
        entries.append(Patch(color=GREY, alpha=0.2, linewidth=0, label=label + "\n(not adapted)" * bool(dashes)))
    return entries
