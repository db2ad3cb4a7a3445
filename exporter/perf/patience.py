"""How long the life of perf waits for what."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple


class Patience(NamedTuple):
    """Bounds, most of them in seconds."""

    last_seconds: float = 1.0
    """For perf to print what it has counted since the last interval, when it is to end."""
    silent_intervals: float = 5
    silent_seconds: float = 5.0
    settling_seconds: float = 0.05
    """After the last line of an interval, where it is not known to be the last one."""
    senseless_lines: int = 1000
    """In a row."""
    uncounted_intervals: int = 10
    """In a row, of an event that is counted together with others."""
    first_pause_seconds: float = 1.0
    longest_pause_seconds: float = 60.0
    """Before perf is started again: twice as long each time."""
    good_seconds: float = 60.0
    """Of delivering, after which the next pause is the first one again."""
    retry_seconds: float = 300.0
    """Where nothing can be counted."""
    leaving_seconds: float = 5.0
    """At the end of the process, for perf to end: longer than one that hangs may be tried out."""

    def silent_for(self, interval_seconds: float) -> float:
        """Give how long perf may give no sample before it counts as hanging."""
        return max(self.silent_intervals * interval_seconds, self.silent_seconds)


class Backoff:
    """The pauses between a child that failed and the next one."""

    def __init__(self, patience: Patience, *, jitter: Callable[[], float] = random.random) -> None:
        """`jitter` gives numbers from 0 up to 1."""
        self._patience = patience
        self._jitter = jitter
        self._longest = patience.first_pause_seconds

    def next_seconds(self, good_seconds: float) -> float:
        """Give the next pause, after a child that has delivered for so long."""
        if good_seconds >= self._patience.good_seconds:
            self._longest = self._patience.first_pause_seconds
        seconds = self._longest * (1 + self._jitter()) / 2
        self._longest = min(2 * self._longest, self._patience.longest_pause_seconds)
        return seconds
