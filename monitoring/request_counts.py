"""The account that a `PerformanceMonitor` keeps: what is in flight, what was answered, as families.

Nothing here has a lock: the monitor does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from itertools import accumulate, pairwise
from math import inf
from typing import Any

from monitoring.metrics import Family, HistogramValue
from monitoring.trend import Window

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})

OTHER = "other"
"""Stands for handlers and methods that are not known: what clients invent must not be labels."""

LABELS = ("handler", "method", "code")


class Buckets:
    """The upper bounds of both histograms, infinity at their ends."""

    __slots__ = ("seconds", "sizes")

    def __init__(self, duration_bounds: Sequence[float], size_bounds: Sequence[float]) -> None:
        """Raise ValueError on bounds that do not ascend."""
        self.seconds = _with_infinity("duration_bounds", duration_bounds)
        self.sizes = _with_infinity("size_bounds", size_bounds)


def _with_infinity(parameter: str, bounds: Sequence[float]) -> tuple[float, ...]:
    buckets = (*bounds, inf)
    if not all(lower < upper for lower, upper in pairwise(buckets)):
        raise ValueError(f"{parameter} must ascend and be finite, got {tuple(bounds)!r}")
    return buckets


class Tally:
    """The answered requests of one label set."""

    __slots__ = ("buckets", "bytes", "labels", "position", "seconds", "sizes", "times")

    def __init__(self, labels: tuple[str, str, str], buckets: Buckets) -> None:
        self.labels = labels
        self.buckets = buckets
        self.times = [0] * len(buckets.seconds)
        self.seconds = 0.0
        self.sizes = [0] * len(buckets.sizes)
        self.bytes = 0
        self.position = -1
        """Among the samples of each family; -1 while it has none."""

    def count(self, seconds: float, size: int) -> None:
        """Count one request."""
        # Spelled out: a call for each histogram would cost half as much again.
        self.times[bisect_left(self.buckets.seconds, seconds)] += 1
        self.seconds += seconds
        self.sizes[bisect_left(self.buckets.sizes, size)] += 1
        self.bytes += size


class Endpoint:
    """A handler and a method."""

    __slots__ = ("in_flight", "labels", "tallies", "window")

    def __init__(self, labels: tuple[str, str], window: Window) -> None:
        self.labels = labels
        self.in_flight = 0
        self.tallies: dict[int, Tally] = {}
        """By code."""
        self.window = window


class RequestFamilies:
    """The families of one monitor: what did not change is not made anew."""

    def __init__(self, namespace: str) -> None:
        http = f"{namespace}_http"
        self._heads = (
            (f"{http}_requests_total", "HTTP requests answered.", "counter", LABELS),
            (
                f"{http}_request_duration_seconds",
                "How long answering HTTP requests took.",
                "histogram",
                LABELS,
            ),
            (f"{http}_response_size_bytes", "Bodies of HTTP responses.", "histogram", LABELS),
        )
        self._gauge = (
            f"{http}_requests_in_flight",
            "HTTP requests being served.",
            "gauge",
            LABELS[:2],
        )
        self._samples: tuple[list[Any], ...] = ([], [], [])
        self._answered: tuple[Family, ...] = ()
        self._numbers: list[int] = []
        self._in_flight: tuple[Family, ...] = ()

    def update(
        self, changed: Collection[Tally], endpoints: Sequence[Endpoint]
    ) -> tuple[Family, ...]:
        """Take over what has changed since the last call, and give all."""
        if changed:
            for tally in changed:
                self._place(tally)
            self._answered = tuple(
                Family(*head, tuple(samples))
                for head, samples in zip(self._heads, self._samples, strict=True)
            )
        numbers = [endpoint.in_flight for endpoint in endpoints]
        if numbers != self._numbers:
            self._numbers = numbers
            labels = [endpoint.labels for endpoint in endpoints]
            self._in_flight = (Family(*self._gauge, tuple(zip(labels, numbers, strict=True))),)
        return self._answered + self._in_flight

    def _place(self, tally: Tally) -> None:
        """Put the tally's samples where they belong."""
        counts, times, sizes = self._samples
        if tally.position < 0:
            tally.position = len(counts)
            for samples in self._samples:
                samples.append(None)
        labels, position, buckets = tally.labels, tally.position, tally.buckets
        cumulative = tuple(accumulate(tally.times))
        counts[position] = (labels, cumulative[-1])
        times[position] = (labels, HistogramValue(buckets.seconds, cumulative, tally.seconds))
        cumulative = tuple(accumulate(tally.sizes))
        sizes[position] = (labels, HistogramValue(buckets.sizes, cumulative, tally.bytes))
