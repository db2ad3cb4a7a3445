"""Letting only some records pass: a share of them, or so many a minute."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import RLock

from monitoring.after_fork import renewed_after_fork

MINUTE_SECONDS = 60.0


class Gate:
    """Lets some records pass, and says at times how many did not."""

    def __init__(
        self, reason: str, admits: Callable[[float], bool], clock: Callable[[], float]
    ) -> None:
        """`admits` is asked with the time, never by two threads at once."""
        self.reason = reason
        self._admits = admits
        self._clock = clock
        self._dropped = 0
        self._quiet_until: float | None = None
        self.renew()
        renewed_after_fork(self)

    def renew(self) -> None:
        """Take a new lock; one that is held is let go by its holder."""
        # Reentrant: a signal handler may log while its thread is in here.
        self._lock = RLock()

    def passes(self) -> bool:
        """Whether the next record may pass."""
        with self._lock:
            passes = self._admits(self._clock())
            self._dropped += not passes
            return passes

    def account(self) -> int:
        """How many were dropped since this last said so; 0 within a minute of that."""
        with self._lock:
            now = self._clock()
            if not self._dropped or (self._quiet_until is not None and now < self._quiet_until):
                return 0
            self._quiet_until = now + MINUTE_SECONDS
            dropped, self._dropped = self._dropped, 0
            return dropped


def sampling(
    rate: float, random: Callable[[], float] | None, clock: Callable[[], float]
) -> Gate | None:
    """Let a share of the records pass: each with this probability; None lets all pass.

    Raises ValueError on a rate that is not between 0 and 1.
    """
    if type(rate) not in {int, float} or not 0 <= rate <= 1:
        raise ValueError(f"sample_rate is a share between 0 and 1, got {rate!r}")
    if rate == 1:
        return None
    draw = random or _system_random()
    return Gate("sampled", lambda _: draw() < rate, clock)


def _system_random() -> Callable[[], float]:
    from random import random  # most services never sample

    return random


def rate_limit(max_per_minute: int, clock: Callable[[], float]) -> Gate:
    """Let so many records pass in any minute.

    Raises ValueError on what is no whole number of at least 1.
    """
    if type(max_per_minute) is not int or max_per_minute < 1:
        raise ValueError(
            f"max_logs_per_minute is a whole number of at least 1, got {max_per_minute!r}"
        )
    passed: deque[float] = deque(maxlen=max_per_minute)

    def admits(now: float) -> bool:
        if len(passed) == max_per_minute and now - passed[0] < MINUTE_SECONDS:
            return False
        passed.append(now)
        return True

    return Gate("rate limited", admits, clock)
