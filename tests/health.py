"""Checks that a test holds up, and the event loops to run them in."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

LONG = 60.0
"""A deadline that no test reaches."""

EXPIRED = 0.05
"""A deadline before which nothing has to happen."""

LOOPS = ("asyncio", "uvloop")


def run_in(loop: str, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test in one of the event loops; skips it where that is not installed."""
    factory = asyncio.new_event_loop
    if loop == "uvloop":
        uvloop = pytest.importorskip("uvloop", reason="optional: pip install uvloop")
        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())


class Held:
    """A check that does not return until it is let go; it counts its calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.entered = threading.Event()
        self.let_go = threading.Event()

    def __call__(self) -> bool:
        """Wait."""
        self.calls += 1
        self.entered.set()
        return self.let_go.wait(LONG)


class HeldAsync:
    """The same for asyncio, and whether it was cancelled meanwhile."""

    def __init__(self, *, stubborn: bool = False) -> None:
        """A stubborn one does not end when it is cancelled."""
        self.calls = 0
        self.cancelled = 0
        self.entered = asyncio.Event()
        self.ended = asyncio.Event()
        self.let_go = False
        self._stubborn = stubborn

    async def __call__(self) -> bool:
        """Wait."""
        self.calls += 1
        self.entered.set()
        while not self.let_go:
            try:
                await asyncio.sleep(0.001)
            except asyncio.CancelledError:
                self.cancelled += 1
                if not self._stubborn:
                    self.ended.set()
                    raise
        return True


def others(report: dict[str, Any]) -> dict[str, str]:
    """The messages of the checks beside `well`, which are all critical while that is healthy."""
    checks = dict(report["checks"])
    assert checks.pop("well")["status"] == "healthy"
    assert {check["status"] for check in checks.values()} <= {"critical"}
    return {name: check["message"] for name, check in checks.items()}


def join_check(name: str) -> None:
    """Wait until no call of a check is left in a thread."""
    for thread in threading.enumerate():
        if thread.name == f"health-{name}":
            thread.join(LONG)
            assert not thread.is_alive()
