"""Give every figure its style: colours, markers, and files that are the same bytes each time."""

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fgir.utils.errors import FgirError
from fgir.utils.files import replacing
from fgir.utils.progress import inform
from fgir.utils.words import shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, distinct for people with any colour vision; without yellow, too pale for small markers.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
GREY = "#666666"
# The published settings look the same in every figure; others take what is left, in the order in which they come.
_PUBLISHED = {"frozen": "s", "finetuned": "o", "cal": "^", "cal_nc": "v", "calmix": "P", "calmix_nc": "X"}
_MARKERS = ("D", "*", "p", "h", "<", ">", "d", "H", "8")
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
        with _boxes_named():
            for path in paths:
                kind = Path(path).suffix.lower()
                with replacing(path) as temporary:
                    figure.savefig(temporary, format=kind[1:], metadata=_UNSTAMPED[kind])


class Look(NamedTuple):
    """Give the look of a setting: a colour and a marker of matplotlib."""

    colour: str
    marker: str


def looks_of(settings: Iterable[str]) -> dict[str, Look]:
    """Return the look of each setting: no two markers are equal, colours come again after all have been used."""
    fixed = {name: Look(colour, marker) for (name, marker), colour in zip(_PUBLISHED.items(), COLOURS, strict=False)}
    others = [name for name in dict.fromkeys(settings) if name not in fixed]
    free = [*_MARKERS, *(f"${number}$" for number in range(1, 1 + len(others) - len(_MARKERS)))]
    colours = [*COLOURS[len(fixed) :], *COLOURS]
    return fixed | {name: Look(colours[place % len(colours)], free[place]) for place, name in enumerate(others)}


@contextmanager
def _boxes_named() -> Iterator[None]:
    """Say in one line which signs of names no font has, in place of a warning each."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", message="Glyph .* missing from")
        yield
    codes: set[int] = set()
    for warning in caught:
        if found := re.match(r"Glyph (\d+) ", str(warning.message)):
            codes.add(int(found[1]))
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    if codes:
        inform(
            f"Signs that matplotlib's font lacks are drawn as boxes: {shown(' '.join(map(chr, sorted(codes)[:20])))}"
        )
