"""How every figure looks, and how it is written."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fgir.files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which people with any colour vision tell apart; without yellow, too pale for small markers.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
GREY = "#666666"
_STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "savefig.dpi": 150,
    # The same rows give the same bytes.
    "svg.hashsalt": "fgir",
    "svg.fonttype": "path",
}


def save(figure_of: Callable[[], "Figure"], paths: Sequence[Path]) -> None:
    """Make a figure in this style, and write it to files, each in the format of its suffix (.png, .svg).

    The same figure gives the same bytes.
    """
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)  # type: ignore[arg-type]
        figure = figure_of()
        for path in paths:
            kind = Path(path).suffix.lstrip(".")
            # matplotlib would stamp SVG files with the date, and both with its version.
            metadata = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
            with replacing(path) as temporary:
                figure.savefig(temporary, format=kind, metadata=metadata)
