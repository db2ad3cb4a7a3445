"""Checks at work: all at the same time, and what one does harms no other."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest

from monitoring.health_check import HealthMonitor, healthy
from tests.health import LONG, LOOPS, HeldAsync, others, run_in

ERRORS = [
    (ValueError("bad line"), "ValueError: bad line"),
    (OSError(5, "Input/output error"), "OSError: [Errno 5] Input/output error"),
    (AssertionError(), "AssertionError"),
    (SystemExit(3), "SystemExit: 3"),
    (GeneratorExit(), "GeneratorExit"),
    (asyncio.CancelledError(), "CancelledError"),
    (TimeoutError("own"), "TimeoutError: own"),
]


@pytest.fixture
def monitor() -> HealthMonitor:
    """A monitor with one check that is well, whatever happens to others."""
    monitor = HealthMonitor()
    monitor.register_check("well", timeout=LONG)(lambda: True)
    return monitor


def add_raising(monitor: HealthMonitor, error: BaseException) -> None:
    """Register a check of each kind that raises it."""

    @monitor.register_check("sync", timeout=LONG)
    def raise_it() -> None:
        raise error

    @monitor.register_check("async", timeout=LONG)
    async def raise_it_later() -> None:
        await asyncio.sleep(0)
        raise error


@pytest.mark.parametrize(
    ("error", "says"), [*ERRORS, (KeyboardInterrupt(), "KeyboardInterrupt")], ids=repr
)
def test_whatever_a_check_raises_is_its_result(
    monitor: HealthMonitor, error: BaseException, says: str
) -> None:
    """Even sys.exit() in somebody's library; and the runner's threads end quietly."""
    add_raising(monitor, error)
    assert others(monitor.run_all_checks()) == {"sync": says, "async": says}


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(("error", "says"), ERRORS, ids=repr)
def test_whatever_a_check_raises_leaves_the_event_loop_alone(
    monitor: HealthMonitor, error: BaseException, says: str, loop: str
) -> None:
    """SystemExit, which asyncio passes on to whoever runs the loop, too."""
    add_raising(monitor, error)

    async def main() -> None:
        assert others(await monitor.arun_all_checks()) == {"sync": says, "async": says}

    run_in(loop, main)


def test_ctrl_c_is_not_a_result() -> None:
    """In the main thread's event loop it means the process, whose code it happens to hit."""
    monitor = HealthMonitor()

    @monitor.register_check("slow")
    async def slow() -> None:
        raise KeyboardInterrupt

    with asyncio.Runner() as runner:
        # asyncio complains of the task that nobody awaits any more.
        runner.get_loop().set_exception_handler(lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            runner.run(monitor.arun_all_checks())
    assert next(iter(monitor.families())).samples == []


def test_a_keyboard_interrupt_of_a_check_in_another_threads_loop_is_its_result() -> None:
    """There it cannot come from the keyboard."""
    monitor = HealthMonitor()

    @monitor.register_check("slow", timeout=LONG)
    async def slow() -> None:
        raise KeyboardInterrupt

    thread = threading.Thread(target=lambda: asyncio.run(monitor.arun_all_checks()))
    thread.start()
    thread.join(LONG)
    assert monitor.last_report is not None
    assert monitor.last_report["checks"]["slow"]["message"] == "KeyboardInterrupt"


def test_checks_run_at_the_same_time() -> None:
    """All of them, of both kinds: each of these waits for all the others."""
    monitor = HealthMonitor()
    barrier = threading.Barrier(3)

    @monitor.register_check("async", timeout=LONG)
    async def meet_in_a_loop() -> None:
        barrier.wait(LONG)

    for name in ("one", "two"):
        monitor.register_check(name, timeout=LONG)(lambda: healthy(str(barrier.wait(LONG))))
    assert monitor.run_all_checks()["overall_status"] == "healthy"


@pytest.mark.parametrize("loop", LOOPS)
def test_checks_run_at_the_same_time_in_an_event_loop(loop: str) -> None:
    """Those that are async in the caller's loop, the others beside it."""
    monitor = HealthMonitor()
    seen = []

    async def main() -> None:
        turn = asyncio.Event()
        running = asyncio.get_running_loop()

        @monitor.register_check("first", timeout=LONG)
        async def first() -> None:
            seen.append(asyncio.get_running_loop() is running)
            await turn.wait()

        @monitor.register_check("second", timeout=LONG)
        def second() -> None:
            running.call_soon_threadsafe(turn.set)

        report = await monitor.arun_all_checks()
        assert report["overall_status"] == "healthy"

    run_in(loop, main)
    assert seen == [True]


def test_the_caller_s_context_is_the_check_s() -> None:
    """The ids of a request are in the log lines of the checks it causes."""
    monitor = HealthMonitor()
    request: ContextVar[str] = ContextVar("request", default="none")

    @monitor.register_check("sync", timeout=LONG)
    def check() -> Any:
        return healthy(request.get())

    @monitor.register_check("async", timeout=LONG)
    async def check_async() -> Any:
        return healthy(request.get())

    def messages(report: dict[str, Any]) -> set[str]:
        return {check["message"] for check in report["checks"].values()}

    request.set("r1")
    assert messages(monitor.run_all_checks()) == {"r1"}
    request.set("r2")
    assert messages(asyncio.run(monitor.arun_all_checks())) == {"r2"}


def test_a_partial_and_an_object_with_an_async_call_are_async_checks() -> None:
    """Not only what is written with `async def`."""
    monitor = HealthMonitor()

    async def check(message: str) -> Any:
        return healthy(message)

    held = HeldAsync()
    held.let_go = True
    monitor.register_check("partial", timeout=LONG)(functools.partial(check, "fine"))
    monitor.register_check("object", timeout=LONG)(held)
    assert monitor.run_all_checks()["overall_status"] == "healthy"


@pytest.mark.parametrize("said", [True, False])
def test_a_young_result_is_used_again(said: bool) -> None:
    """A failure too: what is down is not asked more often than what is up."""
    monitor = HealthMonitor()
    calls = []

    @monitor.register_check("stock", cache_seconds=LONG)
    def stock() -> bool:
        calls.append(1)
        return said

    first = monitor.run_all_checks()["checks"]["stock"]
    again = asyncio.run(monitor.arun_all_checks())["checks"]["stock"]
    assert len(calls) == 1
    assert again == {**first, "cached": True}


def test_an_old_result_is_not_used_again() -> None:
    """The time counts from when it was given."""
    monitor = HealthMonitor()
    calls = []
    monitor.register_check("stock", cache_seconds=1e-9)(lambda: calls.append(1))
    monitor.run_all_checks()
    assert monitor.run_all_checks()["checks"]["stock"]["cached"] is False
    assert len(calls) == 2


def test_a_system_without_threads_left_makes_a_check_critical(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The run itself goes on, and the next one tries again."""
    monitor = HealthMonitor()
    monitor.register_check("stock")(lambda: True)

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        check = monitor.run_all_checks()["checks"]["stock"]
    assert check["message"] == "its thread cannot be started: can't start new thread"
    assert monitor.run_all_checks()["overall_status"] == "healthy"


@pytest.mark.parametrize("method", ["run_all_checks", "get_readiness_status"])
def test_a_blocking_run_is_refused_in_an_event_loop(method: str) -> None:
    """It would stop the whole service for as long as the slowest check takes."""
    monitor = HealthMonitor()

    async def main() -> None:
        run: Callable[[], Any] = getattr(monitor, method)
        with pytest.raises(RuntimeError, match="await arun_all_checks"):
            run()

    asyncio.run(main())
