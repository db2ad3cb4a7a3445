"""Graceful shutdown inside one process: order, time, failures, and who may register when."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import functools
import threading
from collections.abc import Callable, Iterator

import pytest

from monitoring.graceful_shutdown import GracefulShutdown
from monitoring.shutdown_cleanups import FAILED, OK, SKIPPED, TIMED_OUT, CleanupResult
from tests.stopping import Service


@pytest.fixture
def shutdown() -> GracefulShutdown:
    """A shutdown with time enough."""
    return GracefulShutdown()


@pytest.fixture
def forever() -> Iterator[Callable[[], object]]:
    """A call that hangs until the test is over."""
    released = threading.Event()
    yield released.wait
    released.set()


def run(shutdown: GracefulShutdown) -> tuple[CleanupResult, ...]:
    """Shut down and wait for the end."""
    shutdown.initiate_shutdown("test")
    assert shutdown.wait()
    return shutdown.results


def statuses(results: tuple[CleanupResult, ...]) -> dict[str, str]:
    """What became of each cleanup, in order."""
    return {result.name: result.status for result in results}


def test_the_lowest_priority_runs_first_and_then_the_last_registered(
    shutdown: GracefulShutdown,
) -> None:
    """As parts are opened one on top of the other; the decorator has two forms."""
    called: list[str] = []

    @shutdown.register_cleanup
    def bottom() -> None:
        called.append("bottom")

    @shutdown.register_cleanup(priority=101)
    def after_all() -> None:
        called.append("after all")

    @shutdown.register_cleanup(priority=-1.5, timeout=5, name="at once")
    def first() -> None:
        called.append("first")

    @shutdown.register_cleanup()
    async def top() -> None:
        called.append("top")

    assert list(statuses(run(shutdown))) == ["at once", "top", "bottom", "after_all"]
    assert called == ["first", "top", "bottom", "after all"]
    first()  # what is registered stays the function it was
    assert called[-1] == "first"


def test_whatever_a_cleanup_raises_the_others_run(shutdown: GracefulShutdown) -> None:
    """Also what would end a thread, a process, or the attempt to say what it was."""

    class Mute(Exception):  # noqa: N818 -- named after what it does
        def __str__(self) -> str:
            raise ValueError("no words")

    for error in (OSError("disk is full"), SystemExit(3), KeyboardInterrupt(), Mute()):

        def fail(error: BaseException = error) -> None:
            raise error

        shutdown.register_cleanup(name=type(error).__name__)(fail)
    results = run(shutdown)
    assert [(result.status, result.error) for result in reversed(results)] == [
        (FAILED, "OSError: disk is full"),
        (FAILED, "SystemExit: 3"),
        (FAILED, "KeyboardInterrupt"),
        (FAILED, "Mute"),
    ]


def test_one_that_hangs_is_left_behind_when_its_time_is_over(
    shutdown: GracefulShutdown, forever: Callable[[], object]
) -> None:
    """Sync or async: the next one runs."""

    @shutdown.register_cleanup
    def last() -> None:
        pass

    @shutdown.register_cleanup(timeout=0.05)
    async def hang_async() -> None:
        await asyncio.Event().wait()

    shutdown.register_cleanup(timeout=0.05, name="hang")(forever)
    results = run(shutdown)
    assert statuses(results) == {"hang": TIMED_OUT, "hang_async": TIMED_OUT, "last": OK}
    assert results[0].error == "did not end within 0.05 s: left behind"


def test_one_that_hangs_cannot_take_all_of_the_grace_period(
    forever: Callable[[], object],
) -> None:
    """Without a timeout, too, it leaves some of it to those that follow."""
    shutdown = GracefulShutdown(grace_seconds=2)
    shutdown.register_cleanup(lambda: None)
    shutdown.register_cleanup(lambda: None)
    shutdown.register_cleanup(forever)
    assert [result.status for result in run(shutdown)] == [TIMED_OUT, OK, OK]


def test_what_comes_after_the_grace_period_is_skipped_and_said_to_be() -> None:
    """C code that keeps the interpreter for itself can hold up everything."""
    shutdown = GracefulShutdown(grace_seconds=0.1)
    called = []
    shutdown.register_cleanup(lambda: called.append("too late"), name="close")
    shutdown.register_cleanup(lambda: ctypes.PyDLL(None).usleep(500_000))
    assert run(shutdown)[1] == CleanupResult("close", SKIPPED, 0.0, "the grace period was over")
    assert called == []


def test_only_the_first_call_shuts_down(shutdown: GracefulShutdown) -> None:
    """Many threads may say so at the same time."""
    calls = threading.Semaphore(0)
    shutdown.register_cleanup(calls.release)
    start = threading.Barrier(8)

    def initiate() -> None:
        start.wait()
        shutdown.initiate_shutdown()

    assert (shutdown.is_shutting_down, shutdown.wait(0)) == (False, False)
    threads = [threading.Thread(target=initiate) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shutdown.is_shutting_down
    assert len(run(shutdown)) == 1
    assert calls.acquire(blocking=False)
    assert not calls.acquire(blocking=False)


def test_one_that_is_registered_during_the_shutdown_takes_its_place(
    shutdown: GracefulShutdown,
) -> None:
    """Before those of its priority, as it came last."""
    called: list[str] = []

    @shutdown.register_cleanup(priority=1)
    def first() -> None:
        shutdown.register_cleanup(lambda: called.append("late"))
        shutdown.register_cleanup(priority=200)(lambda: called.append("last"))

    shutdown.register_cleanup(lambda: called.append("early"))
    run(shutdown)
    assert called == ["late", "early", "last"]


def test_one_that_is_registered_after_all_others_is_run_at_once() -> None:
    """A start that is overtaken by the stop leaves nothing open, even after the grace period."""
    shutdown = GracefulShutdown(grace_seconds=0.01)
    run(shutdown)
    for number in (1, 2):
        shutdown.register_cleanup(name=f"late {number}")(lambda: None)
        assert shutdown.wait()
    assert statuses(shutdown.results) == {"late 1": OK, "late 2": OK}


def test_one_that_comes_while_the_end_is_being_logged_is_waited_for() -> None:
    """No cleanup is lost between two states."""
    with Service("""
        shutdown = GracefulShutdown()

        class Late(logging.Handler):
            def emit(self, record):
                if "stopped" in record.getMessage():
                    named = {thread.name: thread for thread in threading.enumerate()}
                    shutdown.register_cleanup(named["graceful shutdown"].join, name="late")

        logging.getLogger().addHandler(Late())
        shutdown.initiate_shutdown()
        shutdown.wait()
        say([result.name for result in shutdown.results])
        """) as service:
        assert service.wait() == 0
        assert service.said == ["['late']"]


def test_context_managers_are_left_in_reverse(shutdown: GracefulShutdown) -> None:
    """As in a with block; what they give is there to be used."""
    left: list[str] = []

    @contextlib.contextmanager
    def part(name: str) -> Iterator[str]:
        yield name
        left.append(name)

    assert shutdown.enter(part("engine")) == "engine"
    assert shutdown.enter(part("server"), priority=100, timeout=5, name="server") == "server"
    results = run(shutdown)
    assert left == ["server", "engine"]
    assert [result.name for result in results] == ["server", "part"]


def test_what_is_no_context_manager_is_refused(shutdown: GracefulShutdown) -> None:
    """With a word on what to do instead."""
    with pytest.raises(TypeError, match=r"contextlib.closing\(\) for what only has a close"):
        shutdown.enter(object())  # type: ignore[arg-type]


def test_what_is_unregistered_is_not_run(shutdown: GracefulShutdown) -> None:
    """Functions, methods and context managers: who has closed a part himself says so."""
    lock = threading.Lock()
    shutdown.enter(lock)
    lock.release()
    event = threading.Event()
    shutdown.register_cleanup(event.set)
    assert shutdown.unregister(event.set)
    assert not shutdown.unregister(event.set)
    assert shutdown.unregister(lock)
    assert run(shutdown) == ()
    assert not event.is_set()


def test_cleanups_are_called_what_they_are(shutdown: GracefulShutdown) -> None:
    """The names in the log lead to the code."""
    event = threading.Event()
    shutdown.register_cleanup(event.set)
    shutdown.register_cleanup(functools.partial(event.set))
    shutdown.enter(threading.RLock())
    assert [result.name for result in run(shutdown)] == ["RLock", "Event.set", "Event.set"]


def test_a_function_that_returns_an_awaitable_is_awaited(shutdown: GracefulShutdown) -> None:
    """It is easily written, in a lambda for one."""
    awaited = threading.Event()

    async def close() -> None:
        await asyncio.sleep(0)
        awaited.set()

    shutdown.register_cleanup(lambda: close())  # noqa: PLW0108 -- the point
    assert [result.status for result in run(shutdown)] == [OK]
    assert awaited.is_set()


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_senseless_times_are_refused(seconds: float) -> None:
    """A period has to be one."""
    with pytest.raises(ValueError, match="grace_seconds must be a number above 0"):
        GracefulShutdown(seconds)
    if seconds != float("inf"):
        with pytest.raises(ValueError, match="timeout must be a number of seconds above 0"):
            GracefulShutdown().register_cleanup(timeout=seconds)(lambda: None)


def test_only_functions_can_be_registered(shutdown: GracefulShutdown) -> None:
    """The result of a call, most often a mistake, is refused."""
    with pytest.raises(TypeError, match="a cleanup must be a function, got 5"):
        shutdown.register_cleanup(5)  # type: ignore[call-overload]


def test_leaving_the_block_shuts_down() -> None:
    """However it is left; an error goes its way."""
    shutdown = GracefulShutdown()
    shutdown.register_cleanup(lambda: None)
    with pytest.raises(OSError, match="broken"), shutdown:
        raise OSError("broken")
    assert [result.status for result in shutdown.results] == [OK]
    with shutdown as same:
        assert same is shutdown


def test_without_threads_the_cleanups_run_all_the_same(shutdown: GracefulShutdown) -> None:
    """A process that has used up its threads is a likely one to be stopped."""
    shutdown.register_cleanup(lambda: None)
    before = threading.stack_size(1 << 50)
    try:
        results = run(shutdown)
    finally:
        threading.stack_size(before)
    assert [result.status for result in results] == [OK]
