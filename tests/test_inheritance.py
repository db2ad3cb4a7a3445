"""Correlation ids go where the work goes: into threads, pools and processes."""

from __future__ import annotations

import gc
import pickle
import subprocess
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, ContextVar
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from monitoring.correlation import correlation_context, correlation_ids
from monitoring.inheritance import carry_correlation, install

PATIENCE_SECONDS = 15

other: ContextVar[str] = ContextVar("other")


@pytest.fixture(autouse=True)
def _installed() -> None:
    install()


def run(thread: threading.Thread) -> None:
    """Start a thread and wait for its end."""
    thread.start()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


class Overriding(threading.Thread):
    """A thread with a `run` of its own."""

    found: dict[str, str]

    def run(self) -> None:
        """Note the ids."""
        self.found = correlation_ids()


def test_a_thread_has_the_ids_of_its_start() -> None:
    """Not those of its making, and not what its starter binds later."""
    thread = Overriding()
    with correlation_context(user_id="ann") as ids:
        thread.start()
    with correlation_context(user_id="bob"):
        thread.join()
    assert thread.found == ids
    with correlation_context():
        outside = Overriding()
    run(outside)
    assert outside.found == {}


def test_a_timer_has_the_ids_of_its_start() -> None:
    """It waits in `run`, which is overridden."""
    found: list[dict[str, str]] = []
    with correlation_context() as ids:
        timer = threading.Timer(0, lambda: found.append(correlation_ids()))
        timer.start()
    timer.join()
    assert found == [ids]


def test_a_thread_inherits_the_ids_only() -> None:
    """Python decides about other context variables; and what it binds stays in it."""
    found: list[Any] = []

    def work() -> None:
        found.append((correlation_ids(), other.get("unset")))
        correlation_context(user_id="bob").__enter__()

    with correlation_context(user_id="ann") as ids:
        without = Context()
        without.run(other.set, "set")
        without.run(run, threading.Thread(target=work))
        run(threading.Thread(target=work))
        assert correlation_ids() == ids
    inherited = getattr(sys.flags, "thread_inherit_context", False)
    assert found == [({}, "set" if inherited else "unset"), (ids, "unset")]


class InContext(threading.Thread):
    """Runs as Python 3.14 runs a thread that is given a context."""

    context = Context()

    def _bootstrap(self) -> None:
        self.context.run(super()._bootstrap)  # type: ignore[misc]


def test_a_thread_with_a_context_keeps_its_ids() -> None:
    """They are those that somebody chose for it; a context without ids stays without."""
    found: list[dict[str, str]] = []
    thread = InContext(target=lambda: found.append(correlation_ids()))
    with correlation_context("ann") as ids:
        run(thread)
        assert thread.context.run(correlation_ids) == {}
        thread = InContext(target=lambda: found.append(correlation_ids()))
        thread.context = Context()
        thread.context.run(correlation_context("bob").__enter__)
        chosen = thread.context.run(correlation_ids)
        run(thread)
        assert thread.context.run(correlation_ids) == chosen
    assert found == [ids, chosen]
    assert chosen["user_id"] == "bob"


def test_a_thread_is_freed_at_once() -> None:
    """No reference cycle keeps it, and its work, until the garbage collector comes."""
    gc.disable()
    try:
        with correlation_context():
            thread = Overriding()
            run(thread)
        assert "run" not in vars(thread)
        gone = weakref.ref(thread)
        del thread
        assert gone() is None
    finally:
        gc.enable()


def test_a_thread_cannot_be_started_twice() -> None:
    """That is Python's error as ever, and nothing is left behind by it."""
    with correlation_context():
        thread = Overriding()
        run(thread)
        with pytest.raises(RuntimeError, match="only be started once"):
            thread.start()
    assert set(vars(thread)).isdisjoint({"run"})


def test_a_start_that_fails_leaves_the_thread_as_it_was() -> None:
    """Whoever tries again starts the same thread, here one whose `run` was replaced."""
    found: list[dict[str, str]] = []

    class Unready(threading.Thread):
        def __init__(self) -> None:
            pass

    def replaced() -> None:
        found.append(correlation_ids())

    thread = Unready()
    with correlation_context("ann"):
        with pytest.raises(RuntimeError, match="not called"):
            thread.start()
        assert "run" not in vars(thread)
        thread.run = replaced  # type: ignore[method-assign]
        with pytest.raises(RuntimeError, match="not called"):
            thread.start()
        assert thread.run is replaced
    threading.Thread.__init__(thread)
    with correlation_context("bob") as ids:
        run(thread)
    assert found == [ids]
    assert thread.run is replaced


def test_run_may_be_called_without_a_start() -> None:
    """It is a method like any other then."""
    thread = Overriding()
    with correlation_context() as ids:
        thread.run()
    assert thread.found == ids


def test_a_function_carries_the_ids_of_its_making() -> None:
    """Exactly these: no id of where it is called, and none stays there."""
    with correlation_context("ann") as ids:
        carried = carry_correlation(_ids_and_arguments)
    bare = carry_correlation(_ids_and_arguments)
    with correlation_context(session_id="s") as outer:
        assert carried(1, key=2) == (ids, (1,), {"key": 2})
        assert pickle.loads(pickle.dumps(carried))() == (ids, (), {})
        assert bare() == ({}, (), {})
        assert correlation_ids() == outer


def _ids_and_arguments(*args: Any, **kwargs: Any) -> tuple[Any, ...]:
    return correlation_ids(), args, kwargs


async def coroutine() -> None:
    """A coroutine function."""


def generator() -> Iterator[int]:
    """A generator function."""
    yield 1


async def asynchronous_generator() -> AsyncIterator[int]:
    """An asynchronous generator function."""
    yield 1


@pytest.mark.parametrize("function", [coroutine, generator, asynchronous_generator])
def test_what_runs_after_its_call_cannot_carry(function: Callable[..., Any]) -> None:
    """The ids would be gone by then; the error says what to do."""
    with pytest.raises(TypeError, match=r"correlation_context\(\*\*correlation_ids\(\)\)"):
        carry_correlation(function)


def test_to_install_again_changes_nothing() -> None:
    """The methods are replaced once, also when somebody has wrapped them since."""
    before = [threading.Thread.start, BaseProcess.start, ThreadPoolExecutor.submit]
    install()
    assert [threading.Thread.start, BaseProcess.start, ThreadPoolExecutor.submit] == before
    assert threading.Thread.start.__doc__ == threading.Thread.start.__wrapped__.__doc__  # type: ignore[attr-defined]


LATE = """
import sys
import threading
from monitoring.correlation import correlation_context, correlation_ids, uncorrelated
from monitoring.inheritance import install

start = threading.Thread.start
import monitoring.inheritance
assert threading.Thread.start is start, "the import has a side effect"
install()
assert threading.Thread.start is not start
assert "concurrent.futures.process" not in sys.modules, "the start became slower"

from concurrent.futures import ProcessPoolExecutor

if __name__ == "__main__":
    with ProcessPoolExecutor(1) as pool, correlation_context() as ids:
        assert pool.submit(correlation_ids).result() == ids
        uncorrelated().__enter__()
        assert pool.submit(correlation_ids).result() == {}
"""


def test_what_is_loaded_after_the_installation_inherits(tmp_path: Path) -> None:
    """The import changes nothing, and the installation loads no pool of processes."""
    script = tmp_path / "late.py"
    script.write_text(LATE)
    completed = subprocess.run(
        [sys.executable, "-W", "ignore", script],
        cwd=Path(__file__).parent.parent,
        env={"PYTHONPATH": "."},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert (completed.returncode, completed.stderr) == (0, "")
