"""How every figure looks, and how it is written."""

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fgir.utils.errors import FgirError
from fgir.utils.files import replacing
from fgir.utils.progress import inform
from fgir.utils.words import shown

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


# What each format would stamp into a file: the date, and the versions of matplotlib.
_UNSTAMPED: dict[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def check_suffixes(paths: Sequence[Path]) -> None:
    """Refuse files that cannot be drawn, by the ends of their names, before anything is made. FgirError names one."""
    for path in paths:
        if Path(path).suffix.lower() not in _UNSTAMPED:
            raise FgirError(f"{path} cannot be drawn; name a file that ends in .png, .svg or .pdf.")


def save(figure_of: Callable[[], "Figure"], paths: Sequence[Path]) -> None:
    """Make a figure in this style, and write it to files, each in the format of its suffix (.png, .svg, .pdf).

    The same figure gives the same bytes. FgirError at a suffix of no such format, before anything is written.
    """
    import matplotlib as mpl

    check_suffixes(paths)
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)  # type: ignore[arg-type]
        figure = figure_of()
        with _boxes_told():
            for path in paths:
                kind = Path(path).suffix.lower()
                with replacing(path) as temporary:
                    figure.savefig(temporary, format=kind[1:], metadata=_UNSTAMPED[kind])


@contextmanager
def _boxes_told() -> Iterator[None]:
    """Say in one line which signs of names no font has, in place of a warning each."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", message="Glyph .* missing from")
        yield
    codes: set[int] = set()
    for one in caught:
        if found := re.match(r"Glyph (\d+) ", str(one.message)):
            codes.add(int(found[1]))
        else:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    if codes:
        inform(
            f"Signs that matplotlib's font lacks are drawn as boxes: {shown(' '.join(map(chr, sorted(codes)[:20])))}"
        )
