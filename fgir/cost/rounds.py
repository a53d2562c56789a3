"""Time rounds until one is steady or a limit is reached."""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from fgir.cost.disturbance import share_waited, waited

# Between rounds: what disturbed the last one may have gone by the next.
REST_SECONDS = 2.0


class Round(NamedTuple):
    """Hold timed batches or passes, one after another.

    seconds: of each, float64 (n,); waited: share of the round's time that a thread waited for a core, None if unknown.
    """

    seconds: np.ndarray
    waited: float | None


class Measured(NamedTuple):
    """Hold what a figure is made of: the last round where that was steady, else all rounds together."""

    seconds: np.ndarray
    waited: float | None
    rounds: int
    steady: bool


def timed(measure: Callable[[], list[float]]) -> Round:
    """Return one round: the seconds that ``measure`` returns, and how long a thread waited for a core meanwhile."""
    before, start = waited(), time.perf_counter()
    seconds = measure()
    return Round(np.array(seconds), share_waited(before, waited(), time.perf_counter() - start))


def is_steady(one: Round, tolerance: float) -> bool:
    """Say whether a round says how fast the machine is.

    The interquartile range and the difference of the medians of its two halves are at most ``tolerance`` times the
    median, and no thread waited for a core in more than that share of its time: a machine that others use evenly gives
    figures that lie close together and are wrong.
    """
    low, median, high = np.quantile(one.seconds, (0.25, 0.5, 0.75))
    half = len(one.seconds) // 2
    drift = abs(np.median(one.seconds[:half]) - np.median(one.seconds[half:]))
    return bool(max(high - low, drift) <= tolerance * median and (one.waited or 0.0) <= tolerance)


def until_steady(measure: Callable[[], Round], limit: int, tolerance: float) -> Measured:
    """Repeat a round until one is steady, at most ``limit`` times, with REST_SECONDS between them."""
    rounds: list[Round] = []
    while len(rounds) < max(1, limit):
        if rounds:
            time.sleep(REST_SECONDS)
        rounds.append(measure())
        if is_steady(rounds[-1], tolerance):
            return Measured(*rounds[-1], len(rounds), steady=True)
    shares = [one.waited for one in rounds if one.waited is not None]
    return Measured(
        np.concatenate([one.seconds for one in rounds]), max(shares, default=None), len(rounds), steady=False
    )
