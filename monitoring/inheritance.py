"""Correlation ids go where the work goes: into threads, executors' pools and processes.

asyncio tasks inherit them from Python itself, and so do forked processes. For the rest `install`
replaces `Thread.start`, `submit` of the standard library's executors and
`multiprocessing`'s `Process.start`. Without ids in force these do what they did before. The four
ids are handed on and no other context variable.

What is started inside a context and outlives it keeps the ids: start it in `uncorrelated()`. The
pools of executors are started so, and each item brings the ids of whoever submitted it. For any
other way of handing over work there is `carry_correlation`.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from multiprocessing.process import BaseProcess
from typing import Any, ParamSpec, TypeVar

from monitoring.correlation import bind_ids, correlation_ids, exactly, uncorrelated

_Parameters = ParamSpec("_Parameters")

_Result = TypeVar("_Result")

_MARK = "_hands_on_correlation_ids"

_ATTRIBUTE = "_inherited_correlation_ids"

_POOLS = frozenset({"concurrent.futures.thread", "concurrent.futures.process"})

_installing = threading.Lock()


def install() -> None:
    """Let threads, executors and processes inherit the ids from now on; once is enough."""
    with _installing:
        _replace(threading.Thread, "start", _thread_start)
        _replace(BaseProcess, "start", _process_start)
        for executor in Executor.__subclasses__():
            _adopt(executor)
        # Most services never load the pool of processes, which is expensive: it is met when it
        # is defined.
        Executor.__init_subclass__ = classmethod(_adopt)  # type: ignore[assignment]


def carry_correlation(
    function: Callable[_Parameters, _Result],
) -> Callable[_Parameters, _Result]:
    """Tie a function to the ids in force now: called anywhere, it runs with exactly these.

    The result can be pickled when the function can. Raises TypeError for coroutine and generator
    functions, which run after their call has returned.
    """
    kinds = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    if any(is_kind(function) for is_kind in kinds):
        raise TypeError(
            f"{function!r} runs after its call has returned: asyncio tasks inherit the ids by "
            "themselves; elsewhere use correlation_context(**correlation_ids()) inside it"
        )
    return functools.partial(_run_with, correlation_ids(), function)


def _run_with(
    ids: dict[str, str],
    function: Callable[_Parameters, _Result],
    /,
    *args: _Parameters.args,
    **kwargs: _Parameters.kwargs,
) -> _Result:
    with exactly(ids):
        return function(*args, **kwargs)


def _replace(owner: type, name: str, wrapped: Callable[[Any], Callable[..., Any]]) -> None:
    original = vars(owner)[name]
    if not hasattr(original, _MARK):
        replacement = functools.wraps(original)(wrapped(original))
        setattr(replacement, _MARK, True)
        setattr(owner, name, replacement)


def _adopt(executor: type[Executor], /, **kwargs: Any) -> None:
    """Let an executor class's items inherit; not of others than the standard library's.

    What these do with the functions they are given (hash, compare, send to a cluster) is unknown.
    """
    super(Executor, executor).__init_subclass__(**kwargs)
    if executor.__module__ in _POOLS and "submit" in vars(executor):
        _replace(executor, "submit", _executor_submit)


def _thread_start(original: Callable[[threading.Thread], None]) -> Callable[..., None]:
    def start(self: threading.Thread) -> None:
        ids = correlation_ids()
        if not ids:
            original(self)
            return
        attributes = vars(self)
        before = attributes.get("run")
        run = self.run  # often a subclass's: replacing Thread.run would miss it

        def put_back() -> None:
            attributes.pop("run", None)  # it refers to its thread: a cycle
            if before is not None:
                attributes["run"] = before

        def run_with_ids() -> None:
            put_back()
            # Python 3.14 may have given the thread a context with ids; and that may be in use
            # elsewhere, too.
            with exactly(correlation_ids() or ids):
                run()

        attributes["run"] = run_with_ids
        try:
            original(self)
        except Exception:
            # No thread to be had, or started before: whoever tries again finds all as it was.
            put_back()
            raise

    return start


def _executor_submit(original: Callable[..., Future[Any]]) -> Callable[..., Future[Any]]:
    def submit(self: Executor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        ids = correlation_ids()
        if not ids:
            return original(self, fn, *args, **kwargs)
        # The threads and processes of the pool are started now if ever: they must not inherit.
        with uncorrelated():
            return original(self, functools.partial(_run_with, ids, fn), *args, **kwargs)

    return submit


def _process_start(original: Callable[[BaseProcess], None]) -> Callable[..., None]:
    def start(self: BaseProcess) -> None:
        ids = correlation_ids()
        if not ids:
            original(self)
            return
        vars(self)[_ATTRIBUTE] = _Inherited(ids)
        try:
            original(self)
        finally:
            vars(self).pop(_ATTRIBUTE, None)

    return start


class _Inherited:
    """Sets the ids in the main thread of a spawned process, where it is unpickled."""

    def __init__(self, ids: dict[str, str]) -> None:
        self._ids = ids

    def __reduce__(self) -> tuple[Callable[[dict[str, str]], None], tuple[dict[str, str]]]:
        return _bind_here, (self._ids,)


def _bind_here(ids: dict[str, str]) -> None:
    bind_ids(**ids)
