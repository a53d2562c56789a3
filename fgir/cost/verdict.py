"""Judge whether a timing is steady and, if not, how far apart its figures lie and what disturbed it."""

from typing import Any, NamedTuple

import numpy as np

from fgir.cost.disturbance import GpuUse, Start
from fgir.cost.rounds import Measured


class Figure(NamedTuple):
    """Hold a figure of a timing, in ``unit`` (images/s). values: that of each batch or pass, float64 (n,)."""

    unit: str
    value: float
    values: np.ndarray
    measured: Measured

    @classmethod
    def median(cls, unit: str, values: np.ndarray, measured: Measured) -> "Figure":
        """Make the figure that is the median of ``values``."""
        return cls(unit, float(np.median(values)), values, measured)

    def quartiles(self) -> tuple[float, float]:
        """Return the lower and the upper quartile of the values."""
        low, high = np.quantile(self.values, (0.25, 0.75)).tolist()
        return low, high

    def columns(self, name: str) -> dict[str, float]:
        """Return the columns ``name``, ``name_q1`` and ``name_q3``."""
        low, high = self.quartiles()
        return {f"{name}_q1": low, name: self.value, f"{name}_q3": high}


def verdict(figures: dict[str, Figure], start: Start, use: GpuUse, tolerance: float) -> dict[str, Any]:
    """Return the columns ``unsteady``, ``waited``, ``status`` and ``error`` of a timing with these figures, by column.

    A figure is unsteady where no round of it was steady; all are where others computed on the GPU at the start in more
    than ``tolerance`` of the time.
    """
    disturbed = (use.utilization or 0.0) > 100 * tolerance
    unsteady = [name for name, figure in figures.items() if disturbed or not figure.measured.steady]
    shares = [figure.measured.waited for figure in figures.values() if figure.measured.waited is not None]
    waited = max(shares, default=None)
    error = None
    if unsteady:
        error = (
            f"Unsteady: {'; '.join([*(_spread(figures[name]) for name in unsteady), *_causes(start, use, waited)])}."
        )
    return {"unsteady": unsteady, "waited": waited, "status": "unsteady" if unsteady else "ok", "error": error}


def _spread(figure: Figure) -> str:
    low, high = figure.quartiles()
    rounds = figure.measured.rounds
    counted = f" of {rounds} rounds" if rounds > 1 else ""
    return f"{_short(figure.value)} {figure.unit} (quartiles {_short(low)} to {_short(high)}{counted})"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _causes(start: Start, use: GpuUse, waited: float | None) -> list[str]:
    causes = []
    if waited is not None:
        causes.append(f"a thread waited {100 * waited:.0f} % of the time for a core")
    if start.load is not None:
        causes.append(f"load at the start {start.load:.1f} a core")
    if use.utilization:
        causes.append(f"the GPU was {use.utilization:.0f} % busy at the start")
    if use.processes:
        held = "" if use.memory is None else f" with {use.memory / 1e9:.1f} GB"
        causes.append(f"other processes on the GPU: {use.processes}{held}")
    return causes
