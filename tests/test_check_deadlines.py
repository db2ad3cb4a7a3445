"""Checks that hang: each has its own deadline, and none is called again while it still runs."""

from __future__ import annotations

import asyncio

import pytest

from monitoring.health_check import HealthMonitor
from tests.health import EXPIRED, LONG, LOOPS, Held, HeldAsync, join_check, others, run_in

IN_TIME = f"did not answer within {EXPIRED} s"


@pytest.fixture
def monitor() -> HealthMonitor:
    """A monitor with one check that is well, whatever happens to others."""
    monitor = HealthMonitor()
    monitor.register_check("well", timeout=LONG)(lambda: True)
    return monitor


def test_a_hanging_check_is_critical_and_not_called_again(monitor: HealthMonitor) -> None:
    """Until its call returns: a dead disk does not gather threads."""
    held = Held()
    monitor.register_check("held", timeout=EXPIRED)(held)
    assert others(monitor.run_all_checks()) == {"held": IN_TIME}
    for run in (monitor.run_all_checks, lambda: asyncio.run(monitor.arun_all_checks())):
        assert others(run())["held"].startswith("has been running for ")
    assert held.calls == 1
    held.let_go.set()
    join_check("held")
    monitor.unregister_check("held")
    monitor.register_check("held", timeout=LONG)(held)
    assert monitor.run_all_checks()["overall_status"] == "healthy"


def test_a_check_that_returned_late_is_called_again() -> None:
    """What it said so late counts no more."""
    monitor = HealthMonitor()
    held = Held()
    monitor.register_check("held", timeout=EXPIRED)(held)
    report = monitor.run_all_checks()
    held.let_go.set()
    join_check("held")
    assert monitor.last_report == report
    assert list(next(iter(monitor.families())).samples) == [(("held",), 2)]
    monitor.run_all_checks()
    assert held.calls == 2


@pytest.mark.parametrize("loop", LOOPS)
def test_a_hanging_async_check_is_cancelled(monitor: HealthMonitor, loop: str) -> None:
    """In the caller's event loop at its deadline; the next run calls it anew."""
    held = HeldAsync()
    monitor.register_check("held", timeout=EXPIRED)(held)

    async def main() -> None:
        for times in (1, 2):
            assert others(await monitor.arun_all_checks()) == {"held": IN_TIME}
            await held.ended.wait()
            held.ended.clear()
            assert (held.calls, held.cancelled) == (times, times)

    run_in(loop, main)


def test_a_hanging_async_check_is_cancelled_in_a_loop_of_its_own(monitor: HealthMonitor) -> None:
    """And its thread ends."""
    held = HeldAsync()
    monitor.register_check("held", timeout=EXPIRED)(held)
    for times in (1, 2):
        assert others(monitor.run_all_checks()) == {"held": IN_TIME}
        join_check("held")
        assert (held.calls, held.cancelled) == (times, times)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_check_that_ignores_its_cancellation_holds_up_no_run(
    monitor: HealthMonitor, loop: str
) -> None:
    """It is left behind in the loop, as a hanging thread would be."""
    held = HeldAsync(stubborn=True)
    monitor.register_check("held", timeout=EXPIRED)(held)

    async def main() -> None:
        assert others(await monitor.arun_all_checks()) == {"held": IN_TIME}
        assert others(await monitor.arun_all_checks())["held"].startswith("has been running")
        assert held.calls == 1
        held.let_go = True

    run_in(loop, main)


def test_a_check_that_ignores_its_cancellation_in_a_loop_of_its_own(
    monitor: HealthMonitor,
) -> None:
    """It keeps its thread, and gets no second one."""
    held = HeldAsync(stubborn=True)
    monitor.register_check("held", timeout=EXPIRED)(held)
    assert others(monitor.run_all_checks()) == {"held": IN_TIME}
    assert others(monitor.run_all_checks())["held"].startswith("has been running")
    assert held.calls == 1
    held.let_go = True
    join_check("held")


def test_each_check_has_its_own_deadline(monitor: HealthMonitor) -> None:
    """In whatever order they were registered."""
    held = [Held(), Held(), Held()]
    for number, timeout in enumerate((0.2, 0.1, 0.15)):
        monitor.register_check(str(number), timeout=timeout)(held[number])
    assert others(monitor.run_all_checks()) == {
        "0": "did not answer within 0.2 s",
        "1": "did not answer within 0.1 s",
        "2": "did not answer within 0.15 s",
    }
    for one in held:
        one.let_go.set()
