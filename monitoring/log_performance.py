"""How long an operation took and what it used, as one record at its end.

`performance_context` is for a block of code and `performance_tracked` for a function.
"""

from __future__ import annotations

import functools
import inspect
import os
import threading
from asyncio import CancelledError
from collections.abc import Callable, Generator
from time import perf_counter, thread_time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

import structlog

from monitoring.correlation import as_text
from monitoring.log_events import alert

if TYPE_CHECKING:
    import psutil

_Tracked = TypeVar("_Tracked", bound=Callable[..., Any])

_MEBIBYTE = 1024 * 1024


class Operation(SimpleNamespace):
    """Takes further fields for the record as attributes: `operation.records_processed = 5`."""

    def add(self, /, **fields: Any) -> None:
        """Set several fields at once."""
        vars(self).update(fields)


class PerformanceContext:
    """What `performance_context` gives: for `with` and `async with`, one at a time."""

    def __init__(self, name: str, alert_threshold_ms: float | None, logger: str) -> None:
        self._name = as_text(name)
        self._alert_threshold_ms = alert_threshold_ms
        self._logger = as_text(logger)
        self._operation: Operation | None = None

    def __enter__(self) -> Operation:
        """Start measuring."""
        if self._operation is not None:
            raise RuntimeError(
                "this performance context is being measured already: make a new one for each `with`"
            )
        operation = self._operation = Operation()
        self._memory = _resident_mb()
        self._thread = threading.get_ident()
        self._cpu = thread_time()
        self._started = perf_counter()
        return operation

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        performance = self._measure()
        duration_ms = performance["duration_ms"]
        data = {**vars(self._operation), "operation": self._name}
        self._operation = None
        log = structlog.stdlib.get_logger(self._logger)
        if kind is None:
            data["status"] = "ok"
            log.info("operation finished", data=data, performance=performance)
        elif issubclass(kind, CancelledError | GeneratorExit):
            data["status"] = "cancelled"
            log.info("operation cancelled", data=data, performance=performance)
        else:
            data |= {"status": "failed", "error": kind.__name__}
            log.error("operation failed", data=data, performance=performance)
        threshold_ms = self._alert_threshold_ms
        if threshold_ms is not None and duration_ms > threshold_ms:
            figures = {"duration_ms": duration_ms, "threshold_ms": threshold_ms}
            alert("slow operation", {"operation": self._name, **figures})

    async def __aenter__(self) -> Operation:
        return self.__enter__()

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.__exit__(kind)

    def _measure(self) -> dict[str, float]:
        figures = {"duration_ms": round((perf_counter() - self._started) * 1000, 3)}
        if self._thread == threading.get_ident():
            figures["cpu_ms"] = round((thread_time() - self._cpu) * 1000, 3)
        memory = _resident_mb()
        if memory is not None:
            figures["memory_usage_mb"] = round(memory, 3)
            if self._memory is not None:
                figures["memory_delta_mb"] = round(memory - self._memory, 3)
        return figures


def performance_context(
    name: str, alert_threshold_ms: float | None = None, logger: str = "performance"
) -> PerformanceContext:
    """Measure a block of code, in `with` or `async with`, and log one record when it is left.

    Its target takes further fields for `data` as attributes. Under `performance` are duration_ms;
    cpu_ms, the CPU time of this thread, in asyncio also of what else ran on the event loop
    meanwhile; memory_usage_mb and memory_delta_mb, the resident memory of the process and its
    change in units of 2^20 bytes, absent when psutil cannot tell. An exception is named in the
    record and goes on. Above the threshold, in milliseconds, there is an alert besides. Raises
    ValueError on a threshold that is no number of at least 0.
    """
    _check_threshold(alert_threshold_ms)
    return PerformanceContext(name, alert_threshold_ms, logger)


def _check_threshold(milliseconds: object) -> None:
    if milliseconds is None or (isinstance(milliseconds, int | float) and milliseconds >= 0):
        return
    raise ValueError(
        f"alert_threshold_ms is a number of milliseconds, at least 0; got {milliseconds!r}"
    )


@overload
def performance_tracked(function: _Tracked, /) -> _Tracked: ...


@overload
def performance_tracked(
    *,
    name: str | None = None,
    alert_threshold_ms: float | None = None,
    logger: str = "performance",
) -> Callable[[_Tracked], _Tracked]: ...


def performance_tracked(
    function: _Tracked | None = None,
    /,
    *,
    name: str | None = None,
    alert_threshold_ms: float | None = None,
    logger: str = "performance",
) -> _Tracked | Callable[[_Tracked], _Tracked]:
    """Measure each call of a function as `performance_context` does, with or without arguments.

    The name is that of the function with its module when none is given. Coroutine functions are
    measured until their end, generators from their first item to their end, their consumer's
    time included. Raises TypeError for classes and asynchronous generator functions, and
    ValueError as `performance_context` does.
    """
    _check_threshold(alert_threshold_ms)

    def decorate(function: _Tracked) -> _Tracked:
        if isinstance(function, type) or not callable(function):
            raise TypeError(f"performance_tracked decorates functions, not {function!r}")
        given = name if name is not None else _full_name(function)
        measured = functools.partial(PerformanceContext, given, alert_threshold_ms, logger)
        return _tracked(function, measured)

    return decorate if function is None else decorate(function)


def _full_name(function: Callable[..., Any]) -> str:
    bare = getattr(function, "func", function)  # of a functools.partial
    module = getattr(bare, "__module__", "")
    return f"{module}.{getattr(bare, '__qualname__', type(bare).__qualname__)}"


def _tracked(function: _Tracked, measured: Callable[[], PerformanceContext]) -> _Tracked:
    if inspect.isasyncgenfunction(function):
        raise TypeError(
            "performance_tracked cannot track an asynchronous generator function: use "
            "`async with performance_context(...)` around the loop over it"
        )
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def tracked_coroutine(*args: Any, **kwargs: Any) -> Any:
            with measured():
                return await function(*args, **kwargs)

        return cast("_Tracked", tracked_coroutine)
    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def tracked_generator(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            with measured():
                return (yield from function(*args, **kwargs))

        return cast("_Tracked", tracked_generator)

    @functools.wraps(function)
    def tracked(*args: Any, **kwargs: Any) -> Any:
        with measured():
            return function(*args, **kwargs)

    return cast("_Tracked", tracked)


def _resident_mb() -> float | None:
    try:
        return _process(os.getpid()).memory_info().rss / _MEBIBYTE
    except Exception:  # noqa: BLE001 -- a record without the memory is better than none
        return None


@functools.lru_cache(maxsize=1)
def _process(pid: int) -> psutil.Process:
    """Keyed by its id: in a forked child the parent's object would give the parent's memory."""
    import psutil

    return psutil.Process(pid)
