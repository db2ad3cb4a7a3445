"""An orderly end for a service.

Whatever must be closed is registered where it is made, and is closed once, in order and in time,
when a signal comes or the service says so.
"""

from __future__ import annotations

import _thread
import asyncio
import itertools
import math
import os
import signal
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar, overload

from monitoring.process_end import ProcessEnd
from monitoring.shutdown_cleanups import Cleanup, CleanupResult
from monitoring.shutdown_run import ShutdownRun
from monitoring.signal_watch import SignalWatch, running_loop, signal_name

Function = TypeVar("Function", bound=Callable[[], object])
Value = TypeVar("Value")


class GracefulShutdown:
    """Runs registered cleanups once: the lowest priority first, the last registered first.

    A cleanup is called in a thread of its own; what it awaits runs on the event loop in which it
    was registered (or `install` was called), or on a loop of its own where there is none. One
    after the other, each until its `timeout` (seconds), all within the grace period; one that
    raises, hangs or does not let itself be cancelled is left behind, and the next one runs.

    A cleanup that comes when the shutdown has begun takes its place among those that have not run
    yet; when all have, it is run at once.
    """

    def __init__(self, grace_seconds: float = 30.0) -> None:
        if not 0 < grace_seconds < math.inf:
            raise ValueError(f"grace_seconds must be a number above 0, got {grace_seconds!r}")
        self._run = ShutdownRun(grace_seconds)
        self._numbers = itertools.count()
        self._watch: SignalWatch | None = None
        self._end: ProcessEnd | None = None
        # A signal can be noticed in two ways. Each counts for itself, without a lock.
        self._handled = itertools.count()
        self._noticed = itertools.count()

    @property
    def is_shutting_down(self) -> bool:
        """Whether the shutdown has begun; it stays so."""
        return self._run.reason is not None

    @property
    def results(self) -> tuple[CleanupResult, ...]:
        """What became of each cleanup so far, in the order in which they were run."""
        return tuple(self._run.results)

    @overload
    def register_cleanup(
        self,
        function: Function,
        /,
        *,
        priority: float = 100,
        timeout: float | None = None,
        name: str | None = None,
    ) -> Function: ...

    @overload
    def register_cleanup(
        self, /, *, priority: float = 100, timeout: float | None = None, name: str | None = None
    ) -> Callable[[Function], Function]: ...

    def register_cleanup(
        self,
        function: Any = None,
        /,
        *,
        priority: float = 100,
        timeout: float | None = None,
        name: str | None = None,
    ) -> Any:
        """Register a function, sync or async, without arguments; a decorator in both forms.

        Without a timeout (seconds) it may take what is left of the grace period, less a little for
        those that follow. The function comes back unchanged.
        """

        def register(function: Function) -> Function:
            if not callable(function):
                raise TypeError(f"a cleanup must be a function, got {function!r}")
            self._register(function, function, priority, timeout, name or _name_of(function))
            return function

        return register if function is None else register(function)

    def enter(
        self,
        manager: AbstractContextManager[Value],
        priority: float = 100,
        timeout: float | None = None,
        name: str | None = None,
    ) -> Value:
        """Enter a context manager, register its exit as a cleanup, and give its value.

        The exit is called in another thread: sqlite3 connections, for one, need to be told so.
        """
        if not isinstance(manager, AbstractContextManager):
            raise TypeError(
                f"enter() takes a context manager, got {manager!r}: use `await aenter()` for an"
                " async one, and contextlib.closing() for what only has a close()"
            )
        name = name or _name_of(manager)
        value = manager.__enter__()
        self._register(manager, lambda: manager.__exit__(None, None, None), priority, timeout, name)
        return value

    async def aenter(
        self,
        manager: AbstractAsyncContextManager[Value],
        priority: float = 100,
        timeout: float | None = None,  # noqa: ASYNC109 -- of the exit, not of this call
        name: str | None = None,
    ) -> Value:
        """Enter an async context manager, as `enter` does.

        The exit runs in another task: task groups, timeouts and cancel scopes do not allow that.
        """
        name = name or _name_of(manager)
        value = await manager.__aenter__()
        self._register(
            manager, lambda: manager.__aexit__(None, None, None), priority, timeout, name
        )
        return value

    def unregister(self, subject: object) -> bool:
        """Forget a function or an entered context manager; whether it was still to be run."""
        return self._run.remove(subject)

    def initiate_shutdown(self, reason: str = "") -> None:
        """Begin the shutdown and return at once; from any thread, but not from a signal handler.

        Only the first call counts, also with its reason.
        """
        self._run.loop = self._run.loop or running_loop()
        if self._run.begin(reason) and (end := self._end) is not None:
            end.begin(self._run.grace_seconds)
            self._run.when_over(end.finish)

    def signal_handler(self, signum: int, frame: FrameType | None = None) -> None:  # noqa: ARG002 -- the form of a handler
        """Begin the shutdown at the first signal; end the process at the second one, at once.

        Safe as a signal handler: it takes no lock and logs nothing, as the code it interrupts may
        be holding that very lock.
        """
        if next(self._handled):
            os._exit(128 + signum)
        if self.is_shutting_down:
            return
        try:
            # threading's own way to start a thread takes locks.
            _thread.start_new_thread(self.initiate_shutdown, (signal_name(signum),))
        except RuntimeError:
            os._exit(128 + signum)

    def install(
        self,
        signals: Iterable[int] = (signal.SIGTERM, signal.SIGINT),
        *,
        exit_process: bool = True,
    ) -> None:
        """Shut down at these signals: in the main thread, in its event loop if there is one.

        Without an event loop the process ends with code 0 when the cleanups are over, one second
        later at most; with one, when its main coroutine ends, which should wait for `done()`. In
        any case it is ended, with code 1, two seconds after the grace period, unless the loop has
        been closed by then. With `exit_process=False` the end is the caller's business.

        Raises RuntimeError in other threads, and when it is installed already; ValueError on a
        signal that cannot be caught.
        """
        if self._watch is not None:
            raise RuntimeError("install() was called before: call uninstall() first")
        watch = SignalWatch(signals, self.signal_handler, self._notice)
        self._run.loop = self._run.loop or watch.loop
        self._end = ProcessEnd(watch.loop) if exit_process else None
        self._watch = watch
        watch.open()

    def uninstall(self) -> None:
        """Put back the signal handlers of before; the process is not ended any more."""
        self._put_handlers_back()
        if self._end is not None:
            self._end.release()
            self._end = None

    def _put_handlers_back(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all cleanups are over, at most `timeout` seconds; whether they are.

        Blocks the thread: coroutines use `done()`.
        """
        return self._run.over.wait(timeout)

    async def done(self) -> None:
        """Wait until all cleanups are over."""
        loop = asyncio.get_running_loop()
        over = asyncio.Event()
        self._run.when_over(lambda: loop.call_soon_threadsafe(over.set))
        await over.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.initiate_shutdown("block left" if kind is None else kind.__name__)
        self.wait()
        self.uninstall()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.initiate_shutdown("block left" if kind is None else kind.__name__)
        await self.done()
        # Not uninstalled: asyncio may still wait for a thread that hangs, and the end of the
        # process is seen to until the event loop is closed.
        self._put_handlers_back()

    def _notice(self, signum: int) -> None:
        """React to a signal in an ordinary thread."""
        if next(self._noticed):
            os._exit(128 + signum)
        self.initiate_shutdown(signal_name(signum))

    def _register(
        self,
        subject: object,
        call: Callable[[], object],
        priority: float,
        timeout: float | None,
        name: str,
    ) -> None:
        if timeout is not None and not timeout > 0:
            raise ValueError(f"timeout must be a number of seconds above 0, got {timeout!r}")
        number = next(self._numbers)
        cleanup = Cleanup(subject, call, name, priority, timeout, running_loop(), number)
        self._run.add(cleanup)


def _name_of(subject: object) -> str:
    """What a function or context manager is called; one made of a function is called like it.

    contextlib's know their function only until they are entered.
    """
    origin = getattr(subject, "func", subject)
    name: str = getattr(origin, "__qualname__", type(origin).__qualname__)
    return name.rpartition("<locals>.")[2]
