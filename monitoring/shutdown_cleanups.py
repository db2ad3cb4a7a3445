"""What a shutdown runs: cleanups, each called once, bounded in time and in the harm it can do."""

from __future__ import annotations

import asyncio
import inspect
import math
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Any

OK = "ok"
FAILED = "failed"
TIMED_OUT = "timed out"
SKIPPED = "skipped"

LAST_CHANCE_SECONDS = 0.5
"""What each cleanup leaves to each of those that follow, so that one which hangs leaves them some
time; but never more than a quarter of what is left."""


@dataclass(frozen=True, slots=True)
class Cleanup:
    """One thing to do at the end."""

    subject: object
    """What was registered: a function or a context manager."""
    call: Callable[[], object]
    """May return an awaitable."""
    name: str
    priority: float
    timeout: float | None
    loop: asyncio.AbstractEventLoop | None
    """The event loop in which it was registered."""
    number: int

    @property
    def rank(self) -> tuple[float, int]:
        """The lowest is next: by priority, then last in, first out."""
        return self.priority, -self.number


@dataclass(frozen=True, slots=True)
class CleanupResult:
    """What became of a cleanup."""

    name: str
    status: str
    """`ok`, `failed`, `timed out` or `skipped` (for want of time)."""
    seconds: float = 0.0
    error: str = ""

    def summary(self) -> dict[str, Any]:
        """The result for a log record."""
        return {key: value for key, value in asdict(self).items() if value != ""}


def allowance(cleanup: Cleanup, remaining: float, following: int) -> float:
    """How many seconds a cleanup may take when so many follow it."""
    kept = min(LAST_CHANCE_SECONDS * following, remaining / 4)
    return min(math.inf if cleanup.timeout is None else cleanup.timeout, remaining - kept)


def run_cleanup(
    cleanup: Cleanup, seconds: float, loop: asyncio.AbstractEventLoop | None
) -> CleanupResult:
    """Run a cleanup for at most so many seconds; `loop` is for one that was registered in none."""
    if seconds <= 0:
        return CleanupResult(cleanup.name, SKIPPED, error="the grace period was over")
    started = monotonic()
    attempt = Attempt(cleanup.call, cleanup.loop or loop)
    finished = attempt.run(seconds, f"shutdown: {cleanup.name}")
    duration = round(monotonic() - started, 3)
    if not finished:
        error = f"did not end within {seconds:.3g} s: left behind"
        return CleanupResult(cleanup.name, TIMED_OUT, duration, error)
    return CleanupResult(cleanup.name, FAILED if attempt.error else OK, duration, attempt.error)


class Attempt:
    """A call in a daemon thread of its own, which contains whatever it raises.

    What the call returns is awaited if it is awaitable: as a task on the event loop, or, when that
    does not run, on one of its own.
    """

    def __init__(
        self, call: Callable[[], object], loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        self.error = ""
        self._call = call
        self._loop = loop
        self._task: Future[str] | None = None
        self._abandoned = False
        self._finished = threading.Event()

    def run(self, seconds: float, name: str) -> bool:
        """Wait until the call has ended, at most so many seconds; whether it has."""
        start_thread(self._run, name, daemon=True)
        if self._finished.wait(seconds):
            return True
        self._abandoned = True
        if self._task is not None:
            self._task.cancel()
        return False

    def _run(self) -> None:
        try:
            value = self._call()
            if inspect.isawaitable(value):
                self.error = self._await(value)
        except BaseException as error:  # noqa: BLE001 -- SystemExit ends nothing but this cleanup
            self.error = describe(error)
        finally:
            self._finished.set()

    def _await(self, value: Awaitable[object]) -> str:
        if self._loop is None or not self._loop.is_running():
            return asyncio.run(self._contain(value))
        self._task = asyncio.run_coroutine_threadsafe(self._contain(value), self._loop)
        return self._task.result()

    async def _contain(self, value: Awaitable[object]) -> str:
        """Await; a task that raised SystemExit would end the event loop."""
        if self._abandoned:  # the loop was blocked, or the value came late: it shall not begin now
            asyncio.ensure_future(value).cancel()
            return ""
        try:
            await value
        except BaseException as error:  # noqa: BLE001 -- see above; also when it is cancelled
            return describe(error)
        return ""


def describe(error: BaseException) -> str:
    """The error in words."""
    kind = type(error).__name__
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 -- an error whose text raises is still an error
        text = ""
    return f"{kind}: {text}" if text else kind


def start_thread(call: Callable[[], object], name: str, *, daemon: bool) -> None:
    """Call in a new thread, or, when the system has none to give, right here."""
    try:
        threading.Thread(target=call, name=name, daemon=daemon).start()
    except RuntimeError:
        call()
