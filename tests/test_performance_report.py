"""Trends and the report of a `PerformanceMonitor`, its arguments, and what timing costs."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from exporter.bench.middleware import measure_middleware
from monitoring.performance import PerformanceMonitor
from monitoring.resource_thresholds import ResourceThresholds


class Clock:
    """Shows what it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Read it."""
        return self.now


def test_trends_are_those_of_the_newest_requests_of_each_handler() -> None:
    """As many as the window holds, in its clock's time; handlers with too few are absent."""
    clock = Clock()
    monitor = PerformanceMonitor(["/a", "/b"], window=20, clock=clock)
    for number in range(50):
        clock.now += 1
        monitor.observe("/a", ("GET", "PUT")[number % 2], 200, number / 100, 1)
    for _ in range(9):
        monitor.observe("/b", "GET", 200, 0.1, 1)
    trends = monitor.trends()
    assert set(trends) == {"/a"}
    assert trends["/a"] == {
        "count": 20,
        "rate_per_second": 1,
        "slope_seconds_per_minute": pytest.approx(0.6),
        "p50_seconds": 0.39,
        "p95_seconds": 0.48,
        "p99_seconds": 0.49,
        "max_seconds": 0.49,
    }
    clock.now += 901
    assert monitor.trends() == {}


def test_the_report_joins_everything_by_handler() -> None:
    """Errors are the service's own (5xx); handlers are sorted; JSON takes everything."""
    monitor = PerformanceMonitor(
        ["/b", "/a"], thresholds=ResourceThresholds(resident_bytes=(1, 1e18))
    )
    for code in (200, 404, 500, 503):
        monitor.observe("/b", "GET", code, 0.5, 1)
    monitor.observe("/b", "POST", 200, 3, 1)
    monitor.start("/a", "GET")
    for _ in range(10):
        monitor.observe("/nowhere", "GET", 404, 0.25, 1)
    report = monitor.report()
    assert report["requests"] == {
        "/a": {"count": 0, "errors": 0, "in_flight": 1},
        "/b": {"count": 5, "errors": 2, "in_flight": 0, "mean_seconds": 1},
        "other": {"count": 10, "errors": 0, "in_flight": 0, "mean_seconds": 0.25},
    }
    assert list(report["requests"]) == ["/a", "/b", "other"]
    assert list(report["trends"]) == ["other"]
    assert report["resources"]["resources"]["resident_bytes"]["level"] == "warning"
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_without_thresholds_no_resources_are_reported() -> None:
    """And a monitor that has seen nothing reports nothing."""
    assert PerformanceMonitor().report() == {"requests": {}, "trends": {}}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"namespace": "my-shop"}, "namespace must be letters, digits and _.*'my-shop'"),
        ({"namespace": "1st"}, "not first a digit"),
        ({"duration_bounds": (1, 0.5)}, r"duration_bounds must ascend.*\(1, 0.5\)"),
        ({"duration_bounds": (1, 1)}, "duration_bounds must ascend"),
        ({"size_bounds": (1, float("inf"))}, "size_bounds must ascend and be finite"),
        ({"size_bounds": (1, float("nan"))}, "size_bounds must ascend and be finite"),
        ({"window": 3}, "a window needs at least 10 points, got 3"),
    ],
)
def test_what_cannot_be_is_an_error_at_once(arguments: dict[str, Any], says: str) -> None:
    """Not at the first request."""
    with pytest.raises(ValueError, match=says):
        PerformanceMonitor(**arguments)


def test_the_overhead_can_be_measured() -> None:
    """A finite figure in microseconds; how large it is, is not judged here."""
    assert math.isfinite(measure_middleware())
