"""Trends: the newest durations, and what they say."""

from __future__ import annotations

import json
import math
from statistics import linear_regression

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.trend import (
    MAX_AGE_SECONDS,
    MIN_POINTS,
    Window,
    least_squares_slope,
    nearest_rank,
    summarise,
)

seconds = st.floats(0, 1e4, allow_subnormal=False)


def filled(count: int, size: int = 512) -> Window:
    """A window in which the point of each second has that second as its duration."""
    window = Window(size)
    for number in range(count):
        window.record((float(number), float(number)))
    return window


def test_a_window_keeps_the_newest_points_oldest_first() -> None:
    """The oldest ones make room."""
    assert filled(5).points(5) == [(n, n) for n in range(5)]
    assert filled(50, size=20).points(50) == [(n, n) for n in range(30, 50)]


def test_a_window_keeps_no_old_points() -> None:
    """A point is in it up to its fifteenth minute, and not a moment more."""
    window = filled(3)
    assert window.points(1 + MAX_AGE_SECONDS) == [(1, 1), (2, 2)]
    assert window.points(1.001 + MAX_AGE_SECONDS) == [(2, 2)]
    assert window.points(10 * MAX_AGE_SECONDS) == []


def test_a_window_too_small_for_a_trend_is_an_error() -> None:
    """It would be useless for ever."""
    Window(MIN_POINTS)
    with pytest.raises(ValueError, match="at least 10 points, got 9"):
        Window(MIN_POINTS - 1)


def test_too_few_points_are_no_trend() -> None:
    """One slow request is no trend."""
    assert summarise(filled(MIN_POINTS - 1).points(0), 9) is None
    assert summarise(filled(MIN_POINTS).points(0), 9) is not None


def test_a_trend_says_how_much_how_often_and_where_to() -> None:
    """One request a second, each a second slower than the one before."""
    assert summarise(filled(101).points(100), 100) == {
        "count": 101,
        "rate_per_second": 1,
        "slope_seconds_per_minute": pytest.approx(60),
        "p50_seconds": 50,
        "p95_seconds": 95,
        "p99_seconds": 99,
        "max_seconds": 100,
    }


def test_the_rate_falls_while_nothing_comes() -> None:
    """It is over the time until now, not until the last request."""
    trend = summarise(filled(101).points(400), 400)
    assert trend is not None
    assert trend["rate_per_second"] == pytest.approx(0.25)


def test_points_at_one_moment_have_neither_rate_nor_slope() -> None:
    """Nothing can be said: the keys are absent, and no number stands for them."""
    trend = summarise([(7.0, 0.5)] * 20, 7.0)
    assert trend is not None
    assert set(trend) == {"count", "p50_seconds", "p95_seconds", "p99_seconds", "max_seconds"}


@pytest.mark.parametrize(
    ("percent", "count", "rank"),
    [(1, 1, 1), (99, 1, 1), (50, 2, 1), (50, 3, 2), (7, 100, 7), (95, 20, 19), (99, 512, 507)],
)
def test_percentiles_are_nearest_rank(percent: int, count: int, rank: int) -> None:
    """Exactly: also where 0.07 times 100 is more than 7 in floating point."""
    assert nearest_rank(range(1, count + 1), percent) == rank


@given(st.lists(seconds, min_size=1), st.integers(1, 100))
def test_a_percentile_is_the_smallest_value_that_covers_its_share(
    values: list[float], percent: int
) -> None:
    """That is the definition of the nearest rank."""
    values.sort()
    found = nearest_rank(values, percent)
    assert 100 * sum(value <= found for value in values) >= percent * len(values)
    assert 100 * sum(value < found for value in values) < percent * len(values)


@given(
    st.lists(st.tuples(st.integers(0, 900), seconds), min_size=2), st.sampled_from([0, 0.1, 1e7])
)
def test_the_slope_is_the_one_of_the_standard_library(
    points: list[tuple[int, float]], uptime: float
) -> None:
    """Also after months of uptime, when times are large and their differences small."""
    points.sort()
    times = [uptime + time / 10 for time, _ in points]
    durations = [duration for _, duration in points]
    slope = least_squares_slope(times, durations)
    if len(set(times)) == 1:
        assert slope is None
    else:
        expected = linear_regression(times, durations).slope
        assert slope == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(st.lists(st.tuples(seconds, seconds)))
def test_a_trend_is_always_finite_and_json(points: list[tuple[float, float]]) -> None:
    """Whatever was recorded."""
    points.sort()
    trend = summarise(points, points[-1][0] if points else 0)
    assert trend is None or all(map(math.isfinite, trend.values()))
    json.dumps(trend, allow_nan=False)
