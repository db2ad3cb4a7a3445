"""The pauses between something that failed and the next attempt at it."""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """Pauses that grow, each a random one between half and the whole of its length."""

    def __init__(
        self,
        first_seconds: float,
        longest_seconds: float,
        *,
        good_seconds: float = 60.0,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """After `good_seconds` of success the next pause is the first one again.

        `jitter` gives numbers from 0 up to 1.
        """
        self._first = self._next = first_seconds
        self._longest = longest_seconds
        self._good_seconds = good_seconds
        self._jitter = jitter

    def next_seconds(self, good_seconds: float) -> float:
        """Give the next pause, after something that has gone well for so long."""
        if good_seconds >= self._good_seconds:
            self._next = self._first
        seconds = self._next * (1 + self._jitter()) / 2
        self._next = min(2 * self._next, self._longest)
        return seconds
