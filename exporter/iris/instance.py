"""The life of one instance: a thread that connects, reads, controls, and never gives up.

All calls happen in this thread, one after the other, over one connection. Others see what it has
published: that is finished, and read without waiting.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import random
import threading
from collections.abc import Callable
from time import monotonic
from typing import NamedTuple

from exporter.backoff import Backoff
from exporter.families import Family
from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session
from exporter.iris.condition import STATE_AFTER, Condition, State, Worker, list_families
from exporter.iris.keeper import Keeper
from exporter.iris.metrics.durations import CallDurations
from exporter.iris.poll import Poll
from exporter.iris.settings import InstanceSettings
from exporter.kernel import KernelTree
from exporter.process import PAGE_BYTES
from exporter.process_files import ProcessFiles
from monitoring.correlation import correlation_context, uncorrelated
from monitoring.structured_logging import StructuredLogger

log = StructuredLogger("perfwatch.iris")

MIN_SHOWN_SECONDS = 60.0
"""So long at least the last sensors are shown when no new ones come."""

GOOD_SECONDS = 60.0
"""After a connection that has lasted so long, pauses are short again."""

SLOW = frozenset(
    {
        *(ErrorKind.ACCESS_DENIED, ErrorKind.LICENCE),
        # A refusal whose text is unknown: it may be of a wrong password, or of a locked account.
        *(ErrorKind.PRIVILEGE, ErrorKind.REJECTED, ErrorKind.SERVER),
    }
)
"""Each attempt to log in may cost an account or a licence unit, and a person has to act first."""

NO_PAGE = frozenset({ErrorKind.ACCESS_DENIED, ErrorKind.DRIVER, ErrorKind.INTERNAL})
"""After these the page is not asked: with a wrong password it would count as another attempt."""


class Pace(NamedTuple):
    """How long what waits, in seconds."""

    first_pause: float = 1.0
    longest_pause: float = 60.0
    """Between two attempts to connect."""
    first_slow_pause: float = 300.0
    longest_slow_pause: float = 1800.0
    """The same, after those of SLOW."""
    leaving: float = 5.0
    """At the end of the process, for the thread to end its worker."""


DEFAULT_PACE = Pace()


class Snapshot(NamedTuple):
    """What was read: finished, and never changed afterwards."""

    families: tuple[Family, ...]
    taken_at: float
    """When the reading began, by the monotonic clock."""
    shown_until: float
    """By the same clock: afterwards it is too old for anybody to act on."""


class Instance:
    """One instance. Making it starts nothing."""

    def __init__(  # noqa: PLR0913 -- what a test brings of its own
        self,
        settings: InstanceSettings,
        keeper: Keeper,
        *,
        changed: Callable[[], None] = lambda: None,
        pace: Pace = DEFAULT_PACE,
        now: Callable[[], float] = monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`changed` is called in its thread whenever `presses` may have changed."""
        self.name = settings.name
        self.condition = Condition()
        self._interval = settings.interval
        self._max_age = max(MIN_SHOWN_SECONDS, 3 * settings.interval + settings.timeout)
        self._has_page = bool(settings.metrics_url)
        self._keeper = keeper
        self._changed = changed
        self._pace = pace
        self._now = now
        self._durations = CallDurations(settings.name)
        self._session = Session(settings.connection(), observe=self._durations.observe)
        self._poll = Poll(settings)
        self._jitter = jitter
        self._shorten_pauses()
        self._connect_at = self._connected_at = self._poll_at = self._page_at = now()
        self._refusal = ""
        """Why the superserver refuses, where its page is asked meanwhile."""
        self._snapshot: Snapshot | None = None
        self._resident_bytes: int | None = None
        self._files = ProcessFiles(KernelTree())
        self._closing = threading.Event()
        self._tried = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def presses(self) -> bool:
        """Whether this host is under pressure, so that what is costly here should not run."""
        return self._keeper.presses and not self._closing.is_set()

    def start(self) -> None:
        """Start the thread, unless it runs. Where none can be had, that is for the next call."""
        with self._starting:
            if self._thread is not None or self._closing.is_set():
                return
            name = f"perfwatch-iris-{self.name}"
            thread = threading.Thread(target=self._live, name=name, daemon=True)
            try:
                with uncorrelated():  # it outlives whoever starts it
                    thread.start()
            except RuntimeError as error:
                self._tried.set()
                self._become(State.FAILED, str(error))
            else:
                self._thread = thread

    def wait(self, seconds: float) -> None:
        """Wait until it has been tried once."""
        self._tried.wait(seconds)

    def close(self) -> None:
        """End it for good. Returns at once; the thread and its worker end soon."""
        self._closing.set()
        self._session.abort()

    def families(self) -> list[Family]:
        """Give what is known; the sensors only while they are young. For any thread."""
        snapshot = self._snapshot
        if snapshot is not None and self._now() > snapshot.shown_until:
            snapshot = None
        age = None if snapshot is None else max(0.0, self._now() - snapshot.taken_at)
        worker = Worker(self._session.worker_starts, self._resident_bytes)
        return [
            *list_families(self.name, self.condition, worker, age),
            *self._durations.families(),
            *self._keeper.families(),
            *(snapshot.families if snapshot is not None else ()),
        ]

    def describe(self) -> dict[str, str]:
        """Say how it is, for the page about health."""
        condition = self.condition
        described = {"state": str(condition.state), "governor": self._keeper.word}
        return described | ({"reason": condition.reason} if condition.reason else {})

    def _leave(self) -> None:
        """End the worker before the process ends."""
        self.close()
        if self._thread is not None:
            self._thread.join(self._pace.leaving)

    def _live(self) -> None:
        """Take one turn after the other until closed."""
        atexit.register(self._leave)
        # The first turn is now, the others on a beat of its own: not all instances at a time.
        turn_at = self._now() + self._jitter() * min(self._interval, self._keeper.period)
        try:
            while not self._closing.is_set():
                if self._now() >= turn_at:
                    turn_at = max(turn_at + min(self._interval, self._keeper.period), self._now())
                with correlation_context():
                    self._take_turn()
                self._tried.set()
                wake_at = turn_at if self._session.is_open else min(turn_at, self._connect_at)
                self._closing.wait(max(0.0, wake_at - self._now()))
        finally:
            self._session.close()
            self.condition = Condition(State.STOPPED)
            self._look_at_worker()
            self._tried.set()
            atexit.unregister(self._leave)

    def _take_turn(self) -> None:
        """Do what is due. Raises nothing: whatever goes wrong, there is a next turn."""
        try:
            self._do_what_is_due()
        except Exception as error:  # noqa: BLE001 -- a mistake of ours must not be the last turn
            self._durations.count_error(ErrorKind.INTERNAL)
            self._connect_at = self._now() + self._backoff.next_seconds(0.0)
            self._become(State.FAILED, f"{type(error).__name__}: {error}", error)
        if not self._session.is_open:
            self._keeper.disconnected()
        self._changed()
        self._look_at_worker()

    def _do_what_is_due(self) -> None:
        try:
            self._keeper.look()
            if not self._session.is_open and self._now() >= self._connect_at:
                self._connect()
            if self._session.is_open:
                self._read()
                self._keeper.keep(self._session)
                self._become(State.UP)  # not earlier, or it would be up and down at each attempt
            elif self._refusal and self._now() >= self._page_at:
                self._read_page()
        except IrisError as error:
            self._fail(error)

    def _connect(self) -> None:
        server = self._session.open()
        self._connected_at = self._poll_at = self._now()
        self._keeper.connected()
        self.condition = dataclasses.replace(self.condition, version=server.version)

    def _read(self) -> None:
        """Read the instance, if it is time."""
        if self._now() >= self._poll_at or self._keeper.needs_metrics:
            began = self._now()
            self._poll_at = max(self._poll_at + self._interval, began)
            self._publish(self._poll.read(self._session, began), began)

    def _read_page(self) -> None:
        """Read the sensors over HTTP, as the superserver refuses."""
        began, reason = self._now(), self._refusal
        self._page_at = max(self._page_at + self._interval, began)
        try:
            families = self._poll.read_page(self._session)
        except IrisError as error:
            if error.kind is ErrorKind.ACCESS_DENIED:  # it is the same account
                self._page_at = self._now() + self._slow.next_seconds(0.0)
            self._become(State.UNREACHABLE, f"{reason}; and {error}")
        else:
            self._publish(families, began)
            self._become(State.DEGRADED, reason)

    def _publish(self, families: tuple[Family, ...], began: float) -> None:
        self._snapshot = Snapshot(families, began, self._now() + self._max_age)
        self._keeper.take(self._poll.metrics)

    def _fail(self, error: IrisError) -> None:
        """Draw the conclusions from an error: when to connect again, and what to do meanwhile."""
        if self._closing.is_set():
            return
        now, was_up = self._now(), self.condition.state is State.UP
        if was_up and now - self._connected_at >= GOOD_SECONDS:
            self._shorten_pauses()
        pauses = self._slow if error.kind in SLOW else self._backoff
        self._connect_at = now + pauses.next_seconds(0.0)
        may_ask_page = error.connection_lost and error.kind not in NO_PAGE
        self._refusal = str(error) if self._has_page and may_ask_page else ""
        if self._refusal and now >= self._page_at:
            self._read_page()
        else:
            self._become(STATE_AFTER.get(error.kind, State.FAILED), str(error))

    def _shorten_pauses(self) -> None:
        """Begin with the first pauses again."""
        pace, jitter = self._pace, self._jitter
        self._backoff = Backoff(pace.first_pause, pace.longest_pause, jitter=jitter)
        self._slow = Backoff(pace.first_slow_pause, pace.longest_slow_pause, jitter=jitter)

    def _become(self, state: State, reason: str = "", error: Exception | None = None) -> None:
        """Take over a state, and log a change."""
        before = self.condition.state
        self.condition = dataclasses.replace(self.condition, state=state, reason=reason)
        if state is before or self._closing.is_set():
            return
        if state is State.UP:
            log.info("instance is up", instance=self.name, version=self.condition.version)
            return
        log.warning(
            "instance is degraded" if state is State.DEGRADED else "instance is down",
            instance=self.name,
            state=state,
            reason=reason,
            retry_seconds=round(max(0.0, self._connect_at - self._now()), 1),
            exc_info=error,
        )

    def _look_at_worker(self) -> None:
        pid, resident = self._session.pid, None
        with contextlib.suppress(OSError):  # it is gone, or this process has no descriptor left
            if pid is not None:
                statm = self._files.read(str(pid), "statm")
                resident = int(statm.split()[1]) * PAGE_BYTES
        self._resident_bytes = resident
