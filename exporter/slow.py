"""Sources that may take long to answer: what they said last is shown while they are asked again.

A sensor behind a slow bus takes milliseconds, a busy service takes seconds. Where reading is quick
it happens in the scrape, as everywhere; where it took long, the next reading gets a thread of its
own, and the scrape waits for it a moment only. What is shown is never older than `MAX_AGE_SECONDS`,
and its age is a metric.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from time import monotonic

from exporter.collectors import Collector
from exporter.families import Family, Filled

SLOW_SECONDS = 0.005
PATIENCE_SECONDS = 0.02
MAX_AGE_SECONDS = 300.0

LONG_PATIENCE_SECONDS = 0.4
"""Where there is nothing to show meanwhile, as when scrapes are ten minutes apart: a little less
than what the scrape engine grants any collector."""


class SlowCollector:
    """A collector that holds up no scrape for long."""

    def __init__(
        self,
        collector: Collector,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        long_patience_seconds: float = LONG_PATIENCE_SECONDS,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self.name = collector.name
        self._collector = collector
        self._patience_seconds = patience_seconds
        self._long_patience_seconds = long_patience_seconds
        self._now = now
        self._thread: threading.Thread | None = None
        self._seconds = 0.0
        self._read_at = 0.0
        self._items: list[Family | Filled] | None = None
        self._error: BaseException | None = None

    def collect(self) -> Iterable[Family | Filled]:
        """Read the source, or give what it said when it was asked last.

        Raises what the source raised, and TimeoutError when it has said nothing for too long.
        """
        if self._thread is not None and not self._thread.is_alive():
            self._thread = None  # it has answered since the last scrape: asked again, for now
        if self._thread is None and self._seconds < SLOW_SECONDS:
            self._read()
        else:
            self._read_aside()
        if self._is_too_old():
            raise TimeoutError("the source has not answered for minutes")
        if self._error is not None:
            raise self._error.with_traceback(None)  # or it would grow from scrape to scrape
        return self._items or ()

    def snapshot_age_seconds(self) -> float | None:
        """How old what is shown is; none where each scrape reads anew."""
        if self._items is None or (self._thread is None and self._seconds < SLOW_SECONDS):
            return None
        return self._now() - self._read_at

    def suspend(self) -> None:
        """Suspend the collector, where it can be."""
        if hasattr(self._collector, "suspend"):
            self._collector.suspend()

    def resume(self) -> None:
        """Resume the collector, where it can be."""
        if hasattr(self._collector, "resume"):
            self._collector.resume()

    def close(self) -> None:
        """Close the collector, unless a call has not returned: that ends with the process."""
        reads = self._thread is not None and self._thread.is_alive()
        if not reads and hasattr(self._collector, "close"):
            self._collector.close()

    def _is_too_old(self) -> bool:
        return self._now() - self._read_at > MAX_AGE_SECONDS

    def _read_aside(self) -> None:
        patience_seconds = self._patience_seconds
        if self._thread is None:
            if self._is_too_old():
                patience_seconds = max(patience_seconds, self._long_patience_seconds)
            # A daemon thread: a source that hangs must not keep the process.
            self._thread = threading.Thread(target=self._read, name=self.name, daemon=True)
            self._thread.start()
        self._thread.join(patience_seconds)
        if not self._thread.is_alive():
            self._thread = None

    def _read(self) -> None:
        started = self._now()
        try:
            self._items = list(self._collector.collect())
            self._error = None
        except Exception as error:  # noqa: BLE001 -- raised again where the result is wanted
            self._error = error
        self._read_at = self._now()
        self._seconds = self._read_at - started


def snapshot_families(collectors: Iterable[object]) -> Iterable[Family]:
    """Say how old the readings are that are shown."""
    ages = [
        ((one.name,), age)
        for one in collectors
        if isinstance(one, SlowCollector) and (age := one.snapshot_age_seconds()) is not None
    ]
    yield Family(
        "perfwatch_collector_snapshot_age_seconds",
        "How long ago a collector whose source is slow has read what it shows.",
        "gauge",
        ("collector",),
        ages,
    )
