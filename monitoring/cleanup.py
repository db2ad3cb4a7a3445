"""Scheduled, bounded removal of what a service owns: its leftover files and expired sessions.

    with CleanupService() as cleanup:
        cleanup.add_folder(
            CleanupRule("reports", Path("/var/lib/shop/reports"), ("report-*.json",), max_files=100)
        )

Which files may be removed at all: `monitoring.owned_folder`; which of them are: `CleanupRule`.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias

from monitoring.cleanup_account import CleanupAccount, CleanupRun
from monitoring.cleanup_rules import NAME, CleanupRule
from monitoring.cleanup_sweep import Allowance, RuleRun, sweep
from monitoring.correlation import as_text, correlation_context, new_id, uncorrelated
from monitoring.metrics import Family, to_prometheus

if TYPE_CHECKING:
    from prometheus_client.core import Metric

__all__ = ["CleanupRule", "CleanupRun", "CleanupService", "ExpiringRegistry", "RuleRun"]

_Task: TypeAlias = Callable[[Allowance], RuleRun]

STOP_SECONDS = 5.0


class ExpiringRegistry(Protocol):
    """Whatever keeps sessions, or other entries that expire."""

    def remove_expired(self, dry_run: bool) -> int:
        """Remove what has expired, or only count it in a dry run; give how many these are.

        Called from the cleanup's thread. What it raises is a failure of this registry alone.
        """
        ...


class CleanupService:
    """Removes by rules, at intervals, in a daemon thread between `start` and `stop`.

    A run removes at most `max_removals` files, works at most `max_seconds`, and ends between two
    files when it is told to stop; what is left is done in later runs, each of which begins with
    another rule, so that none has to wait for ever. A dry run counts what would be removed, in
    results, logs and metrics alike, and removes nothing.

    The first run is `first_delay_seconds` after the start: by default at random within a tenth of
    the interval, so that machines started together do not all run together. `clock` gives seconds
    for durations, `now` Unix time. Raises ValueError for numbers that make no sense.
    """

    def __init__(  # noqa: PLR0913 -- each has a default, all but one a name
        self,
        interval_seconds: float = 3600.0,
        *,
        dry_run: bool = False,
        max_removals: int = 10_000,
        max_seconds: float = 30.0,
        first_delay_seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,  # noqa: TID251 -- a date, not a duration
    ) -> None:
        for name, value in (
            ("interval_seconds", interval_seconds),
            ("max_removals", max_removals),
            ("max_seconds", max_seconds),
        ):
            if not 0 < value < math.inf:
                raise ValueError(f"{name} must be more than 0, got {value!r}")
        if first_delay_seconds is None:
            from random import uniform

            first_delay_seconds = uniform(0, interval_seconds / 10)  # noqa: S311 -- no secret
        elif not 0 <= first_delay_seconds < math.inf:
            raise ValueError(f"first_delay_seconds must be 0 or more, got {first_delay_seconds!r}")
        self._interval = interval_seconds
        self._first_delay = first_delay_seconds
        self._dry_run = dry_run
        self._max_removals = max_removals
        self._max_seconds = max_seconds
        self._clock = clock
        self._now = now
        self._tasks: deque[tuple[str, _Task]] = deque()
        self._account = CleanupAccount(dry_run=dry_run)
        self._running = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def add_folder(self, rule: CleanupRule) -> None:
        """Take up a rule, from the next run on. Raises ValueError when its name is taken."""
        self._account.open(rule.name, rule.folder)

        def task(allowance: Allowance) -> RuleRun:
            return sweep(rule, allowance, self._now, dry_run=self._dry_run)

        self._tasks.append((rule.name, task))

    def add_registry(self, name: str, registry: ExpiringRegistry) -> None:
        """Take up a registry, from the next run on. Raises ValueError when its name is taken."""
        if not NAME.fullmatch(name):
            raise ValueError(
                f"registry {name!r}: a name has 1 to 64 letters, digits, `_`, `.` or `-`"
            )
        self._account.open(name, None)

        def task(_: Allowance) -> RuleRun:
            return RuleRun(name, removed=int(registry.remove_expired(self._dry_run)))

        self._tasks.append((name, task))

    def run_once(self) -> CleanupRun:
        """Run now, in this thread; when a run is under way, after it. Never raises."""
        with self._running, correlation_context(correlation_id=new_id()):
            if self._thread is None or not self._thread.is_alive():
                self._stopping.clear()  # what ended a thread is over
            started, began = self._now(), self._clock()
            allowance = Allowance(
                self._max_removals, self._max_seconds, self._clock, self._stopping
            )
            results = tuple(
                _attempt(name, task, allowance)
                for name, task in self._tasks.copy()
                if not allowance.interruption()
            )
            self._tasks.rotate(-1)
            run = CleanupRun(started, self._clock() - began, self._dry_run, results)
            self._account.book(run)
        return run

    def start(self) -> None:
        """Start the thread. Raises RuntimeError when it is running, or the system has none."""
        if self._thread is not None and self._thread.is_alive():
            raise RuntimeError("the cleanup is running already: stop it first")
        self._stopping.clear()
        thread = threading.Thread(target=self._serve, name="perfwatch-cleanup", daemon=True)
        # It outlives the work in which it may happen to be started.
        with uncorrelated():
            thread.start()
        self._thread = thread

    def stop(self, timeout: float | None = STOP_SECONDS) -> bool:
        """End the run under way between two files, and the thread; False if it takes longer.

        A thread that hangs in a file system blocks no exit of the process.
        """
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout)
        return self._thread is None or not self._thread.is_alive()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def statistics(self) -> dict[str, Any]:
        """Give all that was done, by rule, as JSON's types; what is unknown is null."""
        return self._account.statistics()

    def families(self) -> tuple[Family, ...]:
        """Give the metrics `perfwatch_cleanup_*`; cheap: they change only with a run."""
        return self._account.families()

    def collect(self) -> Iterator[Metric]:
        """Give the same for a registry of prometheus_client."""
        return to_prometheus(self.families())

    def _serve(self) -> None:
        delay = self._first_delay
        self._account.plan(self._now() + delay)
        while not self._stopping.wait(delay):
            self.run_once()
            delay = self._interval
            self._account.plan(self._now() + delay)
        self._account.plan(None)


def _attempt(name: str, task: _Task, allowance: Allowance) -> RuleRun:
    try:
        return task(allowance)
    except Exception as error:  # noqa: BLE001 -- the boundary of a rule, and of others' registries
        reason = f"{type(error).__name__}: {as_text(error)}"
        return RuleRun(name, failures=1, reason=reason)
