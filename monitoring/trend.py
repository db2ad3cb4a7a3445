"""Where latency is heading: the newest durations of one thing, and what they say when asked.

Recording costs one append; everything else is computed on demand.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from itertools import repeat
from operator import itemgetter, mul, sub

MAX_AGE_SECONDS = 900.0
"""Older points say nothing about now."""

MIN_POINTS = 10
"""Fewer make no trend: one slow request would be its p99 and its slope."""

_TIME, _SECONDS = itemgetter(0), itemgetter(1)


class Window:
    """The newest durations with the times at which they ended: so many, and none older than 15 min.

    Times come from one clock and are recorded in their order. A window has no lock: its owner does.
    """

    __slots__ = ("_points", "record")

    def __init__(self, size: int) -> None:
        """Raise ValueError on a size that no trend can be computed from."""
        if size < MIN_POINTS:
            raise ValueError(f"a window needs at least {MIN_POINTS} points, got {size}")
        self._points: deque[tuple[float, float]] = deque(maxlen=size)
        self.record = self._points.append
        """Take a point, (time, duration) in seconds, in the place of the oldest one if need be."""

    def points(self, now: float) -> list[tuple[float, float]]:
        """The points that are not too old, oldest first."""
        points = list(self._points)
        return points[bisect_left(points, now - MAX_AGE_SECONDS, key=_TIME) :]


def summarise(points: Sequence[tuple[float, float]], now: float) -> dict[str, float] | None:
    """Say what a window's points show, with the unit in each key; None when they are too few.

    The rate counts the points after the oldest one over the time since it, so that it falls while
    nothing comes. Percentiles are nearest-rank: durations that were measured, never between two.
    The slope is that of the least-squares line, in seconds of duration per minute. Points that
    all have the time that it is now have neither rate nor slope.
    """
    count = len(points)
    if count < MIN_POINTS:
        return None
    times = list(map(_TIME, points))
    durations = list(map(_SECONDS, points))
    trend: dict[str, float] = {"count": count}
    if now > times[0]:
        trend["rate_per_second"] = (count - 1) / (now - times[0])
    slope = least_squares_slope(times, durations)
    if slope is not None:
        trend["slope_seconds_per_minute"] = slope * 60
    durations.sort()
    for percent in (50, 95, 99):
        trend[f"p{percent}_seconds"] = nearest_rank(durations, percent)
    trend["max_seconds"] = durations[-1]
    return trend


def nearest_rank(ordered: Sequence[float], percent: int) -> float:
    """The smallest value that at least this share of all (1 to 100 percent) does not exceed."""
    # In integers, rounded up: 0.07 * 100 is a bit more than 7.
    return ordered[-(-percent * len(ordered) // 100) - 1]


def least_squares_slope(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    """The slope of the line that fits best, for ascending xs; None when they are all the same."""
    if xs[0] == xs[-1]:
        return None
    # Around their mean, or the squares of a long uptime would swallow the differences.
    offsets = list(map(sub, xs, repeat(sum(xs) / len(xs))))
    spread = sum(map(mul, offsets, offsets))
    # Rounded as they are, the offsets do not quite add up to nothing.
    covariance = sum(map(mul, offsets, ys)) - sum(offsets) * sum(ys) / len(ys)
    return covariance / spread if spread else None
