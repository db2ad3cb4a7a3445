"""The run of a shutdown: all cleanups in their order, within the grace period, and the account."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

from monitoring.process_end import LOG_SECONDS
from monitoring.shutdown_cleanups import (
    OK,
    Attempt,
    Cleanup,
    CleanupResult,
    allowance,
    run_cleanup,
    start_thread,
)
from monitoring.structured_logging import StructuredLogger

LATE_SECONDS = 1.0
"""For a cleanup that is added when all others are over, and the grace period too."""

log = StructuredLogger("perfwatch.shutdown")


class ShutdownRun:
    """Runs cleanups in a thread of its own, once it has begun."""

    def __init__(self, grace_seconds: float) -> None:
        self.grace_seconds = grace_seconds
        self.reason: str | None = None
        """Why it has begun, if it has."""
        self.loop: asyncio.AbstractEventLoop | None = None
        """For async cleanups that were registered outside any event loop."""
        self.results: list[CleanupResult] = []
        self.over = threading.Event()
        self._lock = threading.Lock()
        self._pending: list[Cleanup] = []
        self._deadline = math.inf
        self._running = False
        self._callbacks: list[Callable[[], object]] = []
        self._log_is_read = True

    def add(self, cleanup: Cleanup) -> None:
        """Take a cleanup; run it at once when all others are over."""
        with self._lock:
            self._pending.append(cleanup)
            if self.reason is None or self._running:
                return
            self._running = True
            self.over.clear()
            self._deadline = max(self._deadline, monotonic() + LATE_SECONDS)
        start_thread(self._run_late, "late cleanup", daemon=False)

    def remove(self, subject: object) -> bool:
        """Forget what was registered; whether it was still to be run."""
        with self._lock:
            kept = [cleanup for cleanup in self._pending if cleanup.subject != subject]
            found = len(kept) < len(self._pending)
            self._pending = kept
        return found

    def begin(self, reason: str) -> bool:
        """Whether this call has begun it."""
        with self._lock:
            if self.reason is not None:
                return False
            self.reason = reason
            self._running = True
            self._deadline = monotonic() + self.grace_seconds
        # No daemon thread: when the main thread ends meanwhile, Python waits for the cleanups.
        start_thread(self._run_all, "graceful shutdown", daemon=False)
        return True

    def when_over(self, call: Callable[[], object]) -> None:
        """Call when all cleanups are over, at once if they are."""
        with self._lock:
            if not self.over.is_set():
                self._callbacks.append(call)
                return
        call()

    def _run_all(self) -> None:
        started = monotonic()
        self._log(log.info, "stopping", reason=self.reason, grace_seconds=self.grace_seconds)
        self._run_pending()
        self._log(
            log.info,
            "stopped",
            reason=self.reason,
            seconds=round(monotonic() - started, 3),
            cleanups=[result.summary() for result in self.results],
        )
        self._finish()

    def _run_late(self) -> None:
        self._run_pending()
        self._finish()

    def _run_pending(self) -> None:
        while (chosen := self._take_next()) is not None:
            result = run_cleanup(*chosen, self.loop)
            self.results.append(result)
            if result.status != OK:
                self._log(log.error, "cleanup failed", **result.summary())

    def _take_next(self) -> tuple[Cleanup, float] | None:
        """The next cleanup, and how many seconds it may take."""
        with self._lock:
            if not self._pending:
                self._running = False
                return None
            cleanup = min(self._pending, key=lambda cleanup: cleanup.rank)
            self._pending.remove(cleanup)
            remaining = self._deadline - monotonic()
            return cleanup, allowance(cleanup, remaining, len(self._pending))

    def _finish(self) -> None:
        with self._lock:
            if self._running:  # a late cleanup has come, and finishes in its turn
                return
            self.over.set()
            callbacks, self._callbacks = self._callbacks, []
        for call in callbacks:
            with contextlib.suppress(RuntimeError):  # its event loop is closed: nobody waits
                call()

    def _log(self, write: Callable[..., None], event: str, **fields: Any) -> None:
        """Log in a thread: a pipe that nobody reads must cost no more than one attempt."""
        if self._log_is_read:
            attempt = Attempt(lambda: write(event, **fields))
            self._log_is_read = attempt.run(LOG_SECONDS, "shutdown: log")
