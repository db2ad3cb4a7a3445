"""The life of perf: a thread that starts it, counts what it prints, and starts it again.

perf runs as long as somebody reads what it counts. When it has failed, it is started again after
pauses that grow; what had been refused is tried again then, as rights may have changed.
"""

from __future__ import annotations

import atexit
import contextlib
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from time import monotonic

from exporter.backoff import Backoff
from exporter.perf.counters import Counters
from exporter.perf.events import Event
from exporter.perf.intake import Account
from exporter.perf.patience import Patience
from exporter.perf.plan import Plan
from exporter.perf.source import Reading
from exporter.perf.states import States
from exporter.perf.turn import UNWANTED, Ending, Order, Turn
from exporter.perf.wakeup import Wakeup
from monitoring.correlation import uncorrelated
from monitoring.structured_logging import StructuredLogger

log = StructuredLogger("perfwatch.perf")

_perf = threading.Lock()
"""Held while perf runs: after a reload, the new one waits until the old one has ended."""

DEFAULT_PATIENCE = Patience()


class Sampler:
    """Counts events with `perf stat`, from the first reading on, while there are readings."""

    def __init__(  # noqa: PLR0913 -- what is counted, and what a test brings of its own
        self,
        program: str,
        events: Sequence[Event],
        counters: Counters,
        *,
        aggregation: str,
        interval_seconds: float,
        idle_seconds: float,
        read_online: Callable[[], bytes],
        patience: Patience = DEFAULT_PATIENCE,
        now: Callable[[], float] = monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`idle_seconds` without a reading end perf; 0 for never."""
        self._order = Order(program, aggregation, interval_seconds)
        self._counters = counters
        self._idle_seconds = idle_seconds
        self._read_online = read_online
        self._patience = patience
        self._now = now
        self._plan = Plan(program, events, aggregation)
        self._backoff = Backoff(
            patience.first_pause_seconds,
            patience.longest_pause_seconds,
            good_seconds=patience.good_seconds,
            jitter=jitter,
        )
        self._account = Account()
        self._online = b""
        self._states = States()
        self._next_at = self._read_at = now()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wakeup = Wakeup()
        self._is_running = self._is_suspended = self._is_closed = False
        self._is_settled = threading.Event()

    def read(self) -> Reading:
        """Say how it is, and that somebody wants it."""
        is_running = self._is_running  # before: what this reading starts has counted nothing yet
        self._read_at = self._now()
        if not is_running:
            self._start_or_wake()
        sampled_at = self._account.sampled_at
        age = None if sampled_at is None else max(0.0, self._read_at - sampled_at)
        is_young = age is not None and age <= 5 * self._order.interval_seconds + 5
        return Reading(
            is_running and is_young and not self._is_suspended,
            age,
            self._account.restarts,
            self._account.unparsed_lines,
            self._is_suspended,
        )

    def wait(self, seconds: float) -> None:
        """Start it; wait for the first sample, or until it is clear that none will come."""
        self.read()
        self._is_settled.wait(seconds)

    def suspend(self) -> None:
        """Stop counting, until `resume`."""
        if not self._is_suspended:
            self._is_suspended = True
            log.info("counting suspended")
            self._wakeup.wake()

    def resume(self) -> None:
        """Go on counting."""
        if self._is_suspended:
            self._is_suspended = False
            log.info("counting resumed")
            self._wakeup.wake()

    def close(self) -> None:
        """End it for good. Returns at once; what runs ends soon."""
        self._is_closed = True
        self._wakeup.wake()

    def _start_or_wake(self) -> None:
        with self._starting:
            if self._thread is None and not self._is_closed:
                with contextlib.ExitStack() as stack:
                    stack.callback(self._wakeup.open().close)
                    thread = threading.Thread(target=self._live, name="perfwatch-perf", daemon=True)
                    with uncorrelated():  # it outlives the scrape
                        thread.start()
                    stack.pop_all()  # it is the thread's from now on
                self._thread = thread
        self._wakeup.wake()

    def _leave(self) -> None:
        """Let perf end before the process does."""
        self.close()
        if self._thread is not None:
            self._thread.join(self._patience.leaving_seconds)

    def _live(self) -> None:
        """Wait until perf is wanted, let it count until something ends it; again until closed."""
        atexit.register(self._leave)
        try:
            while not self._is_closed:
                seconds = None if self._is_unwanted() else self._next_at - self._now()
                if seconds is None or seconds > 0:
                    self._wakeup.wait(seconds)
                else:
                    self._next_at = self._now() + self._attempt()
        finally:
            self._is_settled.set()
            self._wakeup.close()
            atexit.unregister(self._leave)

    def _is_unwanted(self) -> bool:
        return self._is_closed or self._is_suspended or self._is_idle()

    def _is_idle(self) -> bool:
        return 0 < self._idle_seconds < self._now() - self._read_at

    def _attempt(self) -> float:
        try:
            return self._take_turn()
        except Exception as error:  # noqa: BLE001 -- a mistake of ours must not be the last turn
            return self._fail(f"{type(error).__name__}: {error}", error=error)

    def _take_turn(self) -> float:
        """Find out what can be counted, and let perf count it; give the pause after that."""
        with _alone(self._is_unwanted) as is_alone:
            if not is_alone or not self._plan.try_out(self._is_unwanted):
                return 0.0
            self._counters.set_availability(self._plan.findings.reasons)
            if not self._plan.findings.groups:
                return self._give_up()
            self._are_other_cpus_online()  # than those with which the child begins, from here on
            try:
                turn = Turn(
                    self._order,
                    self._plan.findings,
                    self._counters,
                    self._account,
                    wakeup=self._wakeup,
                    patience=self._patience,
                    now=self._now,
                )
            except OSError as error:
                return self._fail(str(error))
            self._is_running = True
            try:
                ending = turn.watch(lambda: self._look(turn))
            finally:
                turn.end()
        return self._go_on(turn, ending)

    def _look(self, turn: Turn) -> Ending | None:
        """After an interval: say that perf counts, and whether it is to be ended, and why."""
        if self._is_unwanted():
            return UNWANTED
        if turn.intake.first_at is not None:
            self._states.counts(self._plan.findings)
            self._is_settled.set()
        if self._are_other_cpus_online():
            return Ending("other CPUs are online")
        if parted := self._plan.part(turn.intake.uncounted()):
            names = ", ".join(event.name for event in parted)
            return Ending(f"the CPU has too few counters for these at the same time: {names}")
        return None

    def _go_on(self, turn: Turn, ending: Ending) -> float:
        """Draw the conclusions from an ending; give the pause after it."""
        self._is_running = False
        if ending is UNWANTED:
            if self._is_idle():
                self._states.is_idle()
            return 0.0
        self._account.restarts += 1
        if ending.is_failure:
            return self._fail(ending.reason, turn)
        self._states.was_replaced(ending.reason)
        return 0.0

    def _fail(self, reason: str, turn: Turn | None = None, error: Exception | None = None) -> float:
        """Give the pause before perf is started again."""
        self._is_running = False
        self._plan.doubt(everything=turn is None or turn.intake.first_at is None)
        seconds = self._backoff.next_seconds(turn.intake.good_seconds if turn else 0.0)
        self._states.ended(
            reason,
            seconds,
            exit_code=turn.child.exit_code if turn else None,
            message=turn.child.message if turn else "",
            error=error,
        )
        self._is_settled.set()
        return seconds

    def _give_up(self) -> float:
        """Give the pause before all is tried again."""
        self._is_running = False
        self._plan.doubt(everything=True)
        self._states.cannot_count(self._plan.findings)
        self._is_settled.set()
        return self._patience.retry_seconds

    def _are_other_cpus_online(self) -> bool:
        """Tell whether other CPUs are online than when this was called last."""
        before = self._online
        with contextlib.suppress(OSError):  # as in a container without the file
            self._online = self._read_online()
        return self._online != before


@contextlib.contextmanager
def _alone(is_unwanted: Callable[[], bool]) -> Iterator[bool]:
    """Wait until no other perf of ours runs, or none is wanted."""
    is_alone = False
    while not is_alone and not is_unwanted():
        is_alone = _perf.acquire(timeout=1.0)
    try:
        yield is_alone
    finally:
        if is_alone:
            _perf.release()
