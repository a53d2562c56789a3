"""Place labels beside the points of a plot, each where it hides nothing."""

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

_DIRECTIONS = ((-1, 1), (0, 1), (1, 1), (-1, 0), (1, -1), (1, 0), (0, -1), (-1, -1))
_DISTANCES = (7, 14, 24, 36, 50)
# From here on a line leads from the label to its point.
_FAR = 14
_ALIGN = {-1: "right", 0: "center", 1: "left"}
_ALIGN_VERTICALLY = {-1: "top", 0: "center", 1: "bottom"}
_MARKER_RADIUS = 5.0
_GAP = 3.0


def label_points(axes: "Axes", labels: Sequence[tuple[float, float, str]], obstacles: Sequence["Bbox"]) -> list[str]:
    """Write (x, y, text) labels into axes whose limits are final; return those for which there was no room.

    ``obstacles`` are in display coordinates, as boxes_of gives them. A label takes the nearest free place around its
    point; upper left comes first, because nothing lies there on a Pareto front.
    """
    taken, crowded = list(obstacles), []
    for x, y, text in labels:
        lead = {"arrowstyle": "-", "color": "#999999", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3}
        note = axes.annotate(
            text, (x, y), (0, 0), textcoords="offset points", fontsize=7.5, in_layout=False, arrowprops=lead
        )
        box = _place(axes, note, taken)
        if box is None:
            note.remove()
            crowded.append(text)
        else:
            taken.append(box)
    return crowded


def boxes_of(axes: "Axes", points: Sequence[tuple[float, float, float]]) -> list["Bbox"]:
    """Return display boxes of markers with vertical error bars: (x, y, half length of the bar) each."""
    from matplotlib.transforms import Bbox

    radius = _MARKER_RADIUS * axes.figure.dpi / 72
    boxes = []
    for x, y, bar in points:
        (left, low), (_, high) = axes.transData.transform([(x, y - bar), (x, y + bar)])
        middle = (low + high) / 2
        boxes.append(Bbox.from_extents(left - radius, middle - radius, left + radius, middle + radius))
        boxes.append(Bbox.from_extents(left - 1, low, left + 1, high))
    return boxes


def boxes_of_steps(axes: "Axes", corners: Sequence[tuple[float, float]]) -> list["Bbox"]:
    """Return display boxes of the lines between corners (x, y), each horizontal or vertical."""
    from matplotlib.transforms import Bbox

    display = axes.transData.transform(corners)
    return [
        Bbox.from_extents(*display[[i, i + 1]].min(axis=0) - 1, *display[[i, i + 1]].max(axis=0) + 1)
        for i in range(len(corners) - 1)
    ]


def _place(axes: "Axes", note: "Annotation", taken: Sequence["Bbox"]) -> "Bbox | None":
    from matplotlib.text import Text

    note.get_window_extent()  # binds the text to its point; below, only the text moves
    for distance, (right, up) in product(_DISTANCES, _DIRECTIONS):
        note.set_position((right * distance, up * distance))
        note.set(ha=_ALIGN[right], va=_ALIGN_VERTICALLY[up])
        # Of the text alone: the leading line may cross what it likes.
        box = Text.get_window_extent(note).padded(_GAP)
        inside = axes.bbox.x0 <= box.x0 and box.x1 <= axes.bbox.x1 and axes.bbox.y0 <= box.y0 and box.y1 <= axes.bbox.y1
        if inside and not any(box.overlaps(other) for other in taken):
            if note.arrow_patch is not None:
                note.arrow_patch.set_visible(distance >= _FAR)
            return box
    return None
