"""How long calls of an instance take, and how often they fail: by kind, from the closed set."""

from __future__ import annotations

import threading
from bisect import bisect_left
from itertools import accumulate
from math import inf

from exporter.families import Family, HistogramValue
from exporter.iris.access.errors import ErrorKind
from exporter.iris.metrics.sensors import INSTANCE

BOUNDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, inf)

MAX_CALLS = 64
OTHER = "other"
"""Stands for calls beyond so many names."""


class _Tally:
    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * len(BOUNDS)
        self.seconds = 0.0


class CallDurations:
    """The account of one instance's calls. For any thread; `observe` is what a Session is given."""

    def __init__(self, instance: str) -> None:
        self._instance = instance
        self._lock = threading.Lock()
        self._tallies: dict[str, _Tally] = {}
        # From the start: a counter that begins at 1 shows no increase.
        self._errors = dict.fromkeys(map(str, ErrorKind), 0)

    def observe(self, call: str, seconds: float, kind: str) -> None:
        """Count a call, and its error where it has failed."""
        with self._lock:
            if call not in self._tallies and len(self._tallies) >= MAX_CALLS:
                call = OTHER
            tally = self._tallies.setdefault(call, _Tally())
            tally.counts[bisect_left(BOUNDS, seconds)] += 1
            tally.seconds += seconds
        if kind:
            self.count_error(kind)

    def count_error(self, kind: str) -> None:
        """Count an error that no call had."""
        with self._lock:
            self._errors[kind] += 1

    def families(self) -> list[Family]:
        """The histogram of durations, and the errors."""
        with self._lock:
            durations = [
                (
                    (self._instance, call),
                    HistogramValue(BOUNDS, tuple(accumulate(tally.counts)), tally.seconds),
                )
                for call, tally in self._tallies.items()
            ]
            errors = [((self._instance, kind), count) for kind, count in self._errors.items()]
        return [
            Family(
                "iris_call_duration_seconds",
                "How long calls of the instance took, failed ones too.",
                "histogram",
                (INSTANCE, "call"),
                durations,
            ),
            Family(
                "iris_errors_total",
                "Errors of the instance and of the way to it, by kind.",
                "counter",
                (INSTANCE, "kind"),
                errors,
            ),
        ]
