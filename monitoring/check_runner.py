"""One registered health check: its calls, each under a deadline and never two at once."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
from asyncio import CancelledError
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from datetime import UTC, datetime
from time import monotonic
from typing import Any, NamedTuple, cast

from monitoring.check_result import CheckResult, Status, critical, to_plain, to_result


class Outcome(NamedTuple):
    """What a check said, or why it did not."""

    result: CheckResult
    seconds: float
    """How long the call took, or has taken so far."""
    checked_at: datetime
    finished: float
    """`checked_at` on the monotonic clock."""
    cached: bool = False


class Call:
    """One call of a check, for which several runs may wait.

    It is settled once, by the check's answer or by the deadline, whichever comes first.
    """

    def __init__(self, timeout: float) -> None:
        self.started = monotonic()
        self.deadline = self.started + timeout
        self.future: Future[Outcome] = Future()
        # From here on a waiter that is cancelled cannot cancel it for the others.
        self.future.set_running_or_notify_cancel()
        self.task: asyncio.Task[None] | None = None
        """Where it runs, if it does in an event loop of the service."""

    def remaining(self) -> float:
        """Seconds until the deadline."""
        return max(0.0, self.deadline - monotonic())

    def is_over(self) -> bool:
        """Whether its deadline has passed (which event loops round)."""
        return self.future.done() or monotonic() >= self.deadline

    def is_lost(self) -> bool:
        """Whether the event loop it ran in was closed before it ended."""
        return self.task is not None and self.task.get_loop().is_closed()


class Check:
    """A check and what it said last."""

    def __init__(
        self,
        name: str,
        function: Callable[[], Any],
        *,
        is_critical: bool,
        timeout: float,
        cache_seconds: float,
    ) -> None:
        self.name = name
        self.is_critical = is_critical
        self.timeout = timeout
        self.last: Outcome | None = None
        self._function = function
        self._cache_seconds = cache_seconds
        self._is_async = _is_async(function)
        self._call: Call | None = None
        """The call that has not returned yet, though its deadline may have passed."""
        self._noted: Status = "healthy"
        # Reentrant: the garbage collector may end a lost call, and settle it, at any point.
        self._lock = threading.RLock()

    def begin(self, *, in_loop: bool) -> Call | Outcome:
        """Call the check, or join the call that is under way.

        Gives an outcome when there is nothing to wait for: a cached one, or that the last call is
        overdue. With `in_loop` an async check becomes a task of the running event loop; all else
        runs in a daemon thread of its own, so that it cannot delay the exit of the process.
        """
        with self._lock:
            last, call = self.last, self._call
            if last is not None and monotonic() - last.finished < self._cache_seconds:
                return last._replace(cached=True)
            if call is not None and not call.is_lost():
                return self._overdue(call) if call.is_over() else call
            call = self._call = Call(self.timeout)
        if in_loop and self._is_async:
            call.task = asyncio.get_running_loop().create_task(self._run_in_loop(call))
        else:
            self._start_thread(call)
        return call

    def expire(self, call: Call) -> Outcome:
        """Give a call's outcome: when there is none yet, that it did not answer in time."""
        message = f"did not answer within {self.timeout:g} s"
        self._settle(call, critical(message), returned=False)
        return call.future.result()

    def take_change(self) -> tuple[Status, CheckResult] | None:
        """Give the status before and the result now, once after each change of status."""
        with self._lock:
            if self.last is None or self.last.result.status == self._noted:
                return None
            before, self._noted = self._noted, self.last.result.status
            return before, self.last.result

    def _overdue(self, call: Call) -> Outcome:
        seconds = monotonic() - call.started
        message = f"has been running for {seconds:.1f} s; it is not called again until it returns"
        self.last = _outcome(call, critical(message))
        return self.last

    def _settle(self, call: Call, result: CheckResult, *, returned: bool) -> None:
        with self._lock:
            is_newest = self._call is call  # a lost one is not
            if returned:
                self._forget(call)
            if call.future.done():
                return
            outcome = _outcome(call, result)
            if is_newest:
                self.last = outcome
            call.future.set_result(outcome)

    def _forget(self, call: Call) -> None:
        """The call has returned, so that a new one may begin."""
        if self._call is call:
            self._call = None

    def _start_thread(self, call: Call) -> None:
        context = copy_context()  # the caller's ids are in the check's log lines
        thread = threading.Thread(
            target=context.run,
            args=(self._run_in_thread, call),
            name=f"health-{self.name}",
            daemon=True,
        )
        try:
            thread.start()
        except RuntimeError as error:
            reason = f"its thread cannot be started: {error}"
            self._settle(call, critical(reason), returned=True)

    def _run_in_thread(self, call: Call) -> None:
        try:
            if self._is_async:
                result = to_result(asyncio.run(self._answer(call)))
            else:
                result = to_result(self._function())
        except BaseException as error:  # noqa: BLE001 -- the boundary: sys.exit() is a failure too
            result = critical(to_plain(error))
        self._settle(call, result, returned=True)

    async def _run_in_loop(self, call: Call) -> None:
        try:
            result = to_result(await self._answer(call))
        except BaseException as error:
            if _is_from_outside(error):
                self._forget(call)
                raise
            result = critical(to_plain(error))
        self._settle(call, result, returned=True)

    async def _answer(self, call: Call) -> Any:
        """Await the check, and cancel it at its deadline."""
        task = _current_task()

        def give_up() -> None:
            # Settled first: what the check makes of the cancellation counts no more.
            self.expire(call)
            task.cancel()

        timer = asyncio.get_running_loop().call_later(call.remaining(), give_up)
        try:
            return await self._function()
        finally:
            timer.cancel()


def wait(check: Check, call: Call) -> Outcome:
    """Block until the call is settled, at the latest until its deadline."""
    with contextlib.suppress(TimeoutError):
        return call.future.result(call.remaining())
    return check.expire(call)


async def wait_async(check: Check, call: Call) -> Outcome:
    """Wait until the call is settled, at the latest until its deadline."""
    with contextlib.suppress(TimeoutError):
        return await asyncio.wait_for(asyncio.wrap_future(call.future), call.remaining())
    return check.expire(call)


def _outcome(call: Call, result: CheckResult) -> Outcome:
    now = monotonic()
    return Outcome(result, now - call.started, datetime.now(UTC), now)


def _is_async(function: Callable[[], Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 -- an object whose __call__ is async
    )


def _current_task() -> asyncio.Task[Any]:
    return cast("asyncio.Task[Any]", asyncio.current_task())  # None only outside of coroutines


def _is_from_outside(error: BaseException) -> bool:
    """Whether it is not the check's: the loop is being ended, or somebody pressed Ctrl-C."""
    if isinstance(error, CancelledError):
        return _current_task().cancelling() > 0
    is_main = threading.current_thread() is threading.main_thread()
    return isinstance(error, KeyboardInterrupt) and is_main
