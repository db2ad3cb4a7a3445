"""Checks that several ask for at once, and what is left of them when those who asked are gone."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from monitoring.health_check import HealthMonitor
from tests.child import REPOSITORY
from tests.health import LONG, LOOPS, Held, HeldAsync, join_check, run_in

Run = Callable[[HealthMonitor], dict[str, Any]]


def run_blocking(monitor: HealthMonitor) -> dict[str, Any]:
    """From a thread."""
    return monitor.run_all_checks()


def run_async(monitor: HealthMonitor) -> dict[str, Any]:
    """From an event loop."""
    return asyncio.run(monitor.arun_all_checks())


class Caller(threading.Thread):
    """A thread that runs all checks and keeps the report."""

    def __init__(self, monitor: HealthMonitor, run: Run) -> None:
        super().__init__(daemon=True)
        self._monitor = monitor
        self._run = run
        self.report: dict[str, Any] = {}
        self.start()

    def run(self) -> None:
        """Run them."""
        self.report = self._run(self._monitor)


@pytest.mark.parametrize("first", [run_blocking, run_async])
@pytest.mark.parametrize("second", [run_blocking, run_async])
def test_concurrent_callers_share_a_running_check(first: Run, second: Run) -> None:
    """Neither is it called twice, nor does anybody fail for it."""
    monitor = HealthMonitor()
    held = Held()
    passed = threading.Semaphore(0)
    monitor.register_check("held", timeout=LONG)(held)
    monitor.register_check("passing", timeout=LONG)(passed.release)
    callers = []
    for run in (first, second):
        callers.append(Caller(monitor, run))
        # The checks begin in this order: whoever has come here waits for the held one.
        assert passed.acquire(timeout=LONG)
        join_check("passing")
    held.let_go.set()
    for caller in callers:
        caller.join(LONG)
        assert caller.report["overall_status"] == "healthy"
    assert held.calls == 1


@pytest.mark.parametrize("loop", LOOPS)
def test_an_async_check_is_shared_by_the_runs_of_a_loop(loop: str) -> None:
    """It is one task, whoever waits for it; a caller that gives up takes it from nobody."""
    monitor = HealthMonitor()
    held = HeldAsync()
    monitor.register_check("held", timeout=LONG)(held)

    async def main() -> None:
        gone, here = (asyncio.create_task(monitor.arun_all_checks()) for _ in range(2))
        await held.entered.wait()
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        held.let_go = True
        assert (await here)["overall_status"] == "healthy"

    run_in(loop, main)
    assert (held.calls, held.cancelled) == (1, 0)


@pytest.mark.parametrize("loop", LOOPS)
def test_the_end_of_the_event_loop_is_no_result(loop: str) -> None:
    """The check under way is cancelled with all else, and no log says that it failed."""
    monitor = HealthMonitor()
    held = HeldAsync()
    monitor.register_check("held", timeout=LONG)(held)

    async def main() -> None:
        run = asyncio.create_task(monitor.arun_all_checks())
        await held.entered.wait()
        del run

    run_in(loop, main)
    assert held.cancelled == 1
    assert next(iter(monitor.families())).samples == []
    held.let_go = True
    assert run_async(monitor)["overall_status"] == "healthy"


def test_a_call_whose_loop_was_closed_is_forgotten() -> None:
    """It can never return: the next run calls the check anew."""
    monitor = HealthMonitor()
    held = HeldAsync()
    monitor.register_check("held", timeout=LONG)(held)
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # asyncio complains of the task left behind
    run = loop.create_task(monitor.arun_all_checks())
    while not held.calls:
        loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    held.let_go = True
    assert run_async(monitor)["overall_status"] == "healthy"
    assert held.calls == 2
    assert not run.done()
    del run
    gc.collect()  # which ends the first call after all: too late to count
    assert list(next(iter(monitor.families())).samples) == [(("held",), 0)]


PROGRAM = """
import asyncio, sys, threading
from monitoring.health_check import HealthMonitor

monitor = HealthMonitor()
monitor.register_check("sync", timeout=0.05)(threading.Event().wait)

@monitor.register_check("async", timeout=0.05)
async def stubborn():
    while {stubborn}:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if not threading.current_thread().name.startswith("health"):
                raise

report = {run}
sys.exit(report["summary"]["critical"])
"""


@pytest.mark.parametrize(
    "run", ["monitor.run_all_checks()", "asyncio.run(monitor.arun_all_checks())"]
)
def test_a_hanging_check_does_not_delay_the_exit(run: str) -> None:
    """Neither a thread's, nor one that ignores its cancellation in a loop of its own."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(run=run, stubborn=True)],
        cwd=REPOSITORY,
        capture_output=True,
        timeout=15,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, b"")
