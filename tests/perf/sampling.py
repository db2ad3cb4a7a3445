"""A sampler at work, whose log and counters a test can wait for."""

from __future__ import annotations

import contextlib
import io
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from time import monotonic
from typing import Any

from exporter.perf.counters import Counters, Sample
from exporter.perf.events import Event, select
from exporter.perf.patience import Patience
from exporter.perf.sampler import Sampler
from monitoring import structured_logging
from tests.child import PATIENCE_SECONDS
from tests.logs import logging_put_back
from tests.perf.running import child_processes, open_descriptors

IMPATIENT = Patience(
    last_seconds=0.2, first_pause_seconds=0.01, longest_pause_seconds=0.02, good_seconds=1e9
)
"""For tests in which perf fails; what a test waits for has its patience shortened further."""

THREAD = "perfwatch-perf"


class Clock:
    """The time, which a test can put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return monotonic() + self.ahead


class Changes:
    """Lets a test wait until something is so, looked at whenever something has changed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()

    def tell(self) -> None:
        """Something has changed."""
        with self._changed:
            self._changed.notify_all()

    def until(self, is_so: Callable[[], object], what: str) -> None:
        """Wait until something is so, and look now and then without being told."""
        deadline = monotonic() + PATIENCE_SECONDS
        with self._changed:
            while not is_so():
                assert monotonic() < deadline, f"never: {what}"
                self._changed.wait(0.05)


class Log(io.StringIO):
    """What is logged."""

    def __init__(self, changes: Changes) -> None:
        super().__init__()
        self._changes = changes

    def write(self, text: str) -> int:
        """Take a line."""
        written = super().write(text)
        self._changes.tell()
        return written

    @property
    def records(self) -> list[dict[str, Any]]:
        """What was logged so far."""
        return [json.loads(line) for line in self.getvalue().splitlines()]

    @property
    def messages(self) -> list[str]:
        """The messages so far."""
        return [record["message"] for record in self.records]

    def of(self, message: str) -> dict[str, Any]:
        """The data of the newest record with this message."""
        found: dict[str, Any] = {}
        for record in self.records:
            if record["message"] == message:
                found = record.get("data", {})
        return found


class WatchedCounters(Counters):
    """Counters that tell when they have changed."""

    def __init__(self, events: tuple[Event, ...], aggregation: str, changes: Changes) -> None:
        super().__init__(events, aggregation)
        self._changes = changes
        self.intervals: list[list[Sample]] = []
        """What was added, each time."""
        self.findings: list[Mapping[Event, str]] = []
        """What was found out, each time."""

    def set_availability(self, reasons: Mapping[Event, str]) -> None:
        """Take why each event cannot be counted."""
        super().set_availability(reasons)
        self.findings.append(reasons)
        self._changes.tell()

    def add(self, samples: Iterable[Sample]) -> None:
        """Add the samples of one interval."""
        samples = list(samples)
        super().add(samples)
        self.intervals.append(samples)
        self._changes.tell()

    @property
    def totals(self) -> dict[str, float]:
        """What the counters of events show, all places together."""
        families = chain.from_iterable(one.families() for one in self.families(fresh=True))
        shown = {family.name: sum(map(_plain, family.samples)) for family in families}
        return {event.spec: shown[event.metric] for event in self._events if event.metric in shown}


def _plain(sample: tuple[object, object]) -> float:
    number = sample[1]
    assert isinstance(number, int | float)
    return number


class Sampling:
    """A sampler, what it adds to, and what it logs."""

    def __init__(
        self,
        program: str,
        events: str,
        *,
        aggregation: str = "none",
        interval_seconds: float = 0.02,
        idle_seconds: float = 0,
        patience: Patience = IMPATIENT,
        **changes: Any,
    ) -> None:
        self.changes = Changes()
        self.online = b"0-1\n"
        self.log = Log(self.changes)
        chosen = select(events.split())
        self.counters = WatchedCounters(chosen, aggregation, self.changes)
        given = {"read_online": lambda: self.online, "jitter": lambda: 0.5, **changes}
        self.sampler = Sampler(
            program,
            chosen,
            self.counters,
            aggregation=aggregation,
            interval_seconds=interval_seconds,
            idle_seconds=idle_seconds,
            patience=patience,
            **given,
        )

    def until_logged(self, message: str, times: int = 1) -> dict[str, Any]:
        """Wait until something was logged so often; give the data of the newest."""
        self.changes.until(lambda: self.log.messages.count(message) >= times, message)
        return self.log.of(message)

    def until_counted(self, intervals: int) -> None:
        """Wait until so many more intervals were counted."""
        wanted = len(self.counters.intervals) + intervals
        self.changes.until(lambda: len(self.counters.intervals) >= wanted, f"{wanted} intervals")

    def close(self) -> None:
        """Close it, and wait until its thread has ended."""
        self.sampler.close()
        if (thread := self.sampler._thread) is not None:
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()


@contextlib.contextmanager
def sampling(
    program: str, events: str = "page-faults,context-switches", **changes: Any
) -> Iterator[Sampling]:
    """Let a sampler work; afterwards it has left neither thread nor process nor descriptor."""
    descriptors, processes = open_descriptors(), child_processes()
    with logging_put_back():
        working = Sampling(program, events.replace(",", " "), **changes)
        structured_logging.configure(stream=working.log)
        try:
            yield working
        finally:
            working.close()
    assert [one.name for one in threading.enumerate() if one.name == THREAD] == []
    assert child_processes() <= processes
    assert open_descriptors() <= descriptors
