"""One child's turn: started, watched while it counts, ended."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import NamedTuple

from exporter.perf.child import Child, OutputError
from exporter.perf.command import stat_command
from exporter.perf.counters import Counters
from exporter.perf.findings import Findings
from exporter.perf.intake import Account, Intake
from exporter.perf.patience import Patience
from exporter.perf.wakeup import Wakeup


class Order(NamedTuple):
    """How to count."""

    program: str
    aggregation: str
    interval_seconds: float


class Ending(NamedTuple):
    """Why a child is to be ended, or has ended."""

    reason: str
    is_failure: bool = False
    """Otherwise the next one may start at once."""


UNWANTED = Ending("nobody wants it")


class Turn:
    """A child that counts, from its start on. Raises OSError where it cannot be started."""

    def __init__(  # noqa: PLR0913 -- what is counted, where it goes, and what it waits for
        self,
        order: Order,
        findings: Findings,
        counters: Counters,
        account: Account,
        *,
        wakeup: Wakeup,
        patience: Patience,
        now: Callable[[], float],
    ) -> None:
        def command(descriptor: int) -> list[str]:
            return stat_command(
                order.program,
                findings.groups,
                aggregation=order.aggregation,
                interval_seconds=order.interval_seconds,
                descriptor=descriptor,
                json=findings.json,
            )

        self._interval_seconds = order.interval_seconds
        self._wakeup = wakeup
        self._patience = patience
        self._now = now
        self.intake = Intake(
            findings, counters, account, aggregation=order.aggregation, patience=patience, now=now
        )
        self.child = Child(
            command, interval_seconds=order.interval_seconds, wakeup=wakeup.descriptor
        )
        self._started_at = now()

    def watch(self, look: Callable[[], Ending | None]) -> Ending:
        """Count what it prints until it fails, or `look` gives a reason to end it.

        That is asked after each interval, and when it is woken.
        """
        while True:
            if self.child.wait(self._seconds_to_wait()):
                self._wakeup.clear()
            try:
                lines = self.child.read_lines()
                self.intake.take(lines)
            except OutputError as error:
                return Ending(f"it printed {error}", is_failure=True)
            if not lines:
                self.intake.settle()
            if self.intake.is_settling:
                continue
            if (ending := look()) is not None:
                return ending
            if self.child.has_closed:
                return Ending("it ended", is_failure=True)
            if self._silent_for() >= self._patience.silent_for(self._interval_seconds):
                return Ending("it gives no samples", is_failure=True)

    def end(self) -> None:
        """End it, and count what it has counted since the last interval."""
        lines = self.child.end(self._patience.last_seconds)
        with contextlib.suppress(OutputError):
            self.intake.take(lines)
        self.intake.settle()

    def _seconds_to_wait(self) -> float:
        if self.intake.is_settling:
            return self._patience.settling_seconds
        return self._patience.silent_for(self._interval_seconds) - self._silent_for()

    def _silent_for(self) -> float:
        return self._now() - (self.intake.sampled_at or self._started_at)
