"""What one child prints, counted interval by interval."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic

from exporter.perf.child import OutputError
from exporter.perf.command import SEPARATOR
from exporter.perf.counters import Counters, Sample
from exporter.perf.events import Event
from exporter.perf.findings import Findings
from exporter.perf.names import Translator
from exporter.perf.output import parse_line
from exporter.perf.patience import Patience

OF_ONE_KIND = ("cpu", "core")
"""Aggregations by which a place is of one kind of core."""


@dataclass(slots=True)
class Account:
    """What all children of one source come to."""

    restarts: int = 0
    unparsed_lines: int = 0
    sampled_at: float | None = None
    """When the newest sample came."""


class Intake:
    """Takes the lines of one child."""

    def __init__(  # noqa: PLR0913 -- what lines are made of, and where they go
        self,
        findings: Findings,
        counters: Counters,
        account: Account,
        *,
        aggregation: str,
        patience: Patience,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self.first_at: float | None = None
        """When the first sample came."""
        self.sampled_at: float | None = None
        """When the newest sample came."""
        self._counters = counters
        self._account = account
        self._aggregation = aggregation
        self._separator = None if findings.json else SEPARATOR
        self._patience = patience
        self._now = now
        events = [event for group in findings.groups for event in group]
        self._translate = Translator(events, aggregation).sample
        self._grouped = {event for group in findings.groups if len(group) > 1 for event in group}
        self._uncounted: dict[tuple[Event, tuple[str, ...], str], int] = {}
        self._kinds: dict[tuple[str, ...], str] = {}
        """Places with one kind of core, and the PMU of that."""
        self._samples: list[Sample] = []
        self._interval: float | None = None
        self._size = 0
        self._usual_size = 0
        self._senseless = 0

    @property
    def good_seconds(self) -> float:
        """How long it has delivered."""
        return (self.sampled_at or 0.0) - (self.first_at or 0.0)

    @property
    def is_settling(self) -> bool:
        """Whether an interval has begun to come, and more of it may."""
        return bool(self._samples)

    def take(self, lines: Iterable[str]) -> None:
        """Count the intervals that are complete. Raises OutputError where lines make no sense."""
        for line in lines:
            try:
                rows = parse_line(line, separator=self._separator, aggregation=self._aggregation)
                samples = [self._translate(row) for row in rows]
            except ValueError:
                self._miss(line)
                continue
            for row, sample in zip(rows, samples, strict=True):
                if sample is None:
                    self._miss(line)
                else:
                    self._put(row.interval, sample)
        if self._size == self._usual_size:
            self.settle()

    def settle(self) -> None:
        """Count what has come: the interval is complete.

        All of it at once, as whoever divides two counters wants them to be of the same moment.
        """
        if not self._samples:
            return
        samples, self._samples = self._leave_out_foreign(self._samples), []
        self._counters.add(samples)
        self.sampled_at = self._account.sampled_at = self._now()
        self.first_at = self.first_at or self.sampled_at
        for sample in samples:
            key = sample[:3]
            if sample.count is None and sample.is_supported and sample.event in self._grouped:
                self._uncounted[key] = self._uncounted.get(key, 0) + 1
            elif self._uncounted:
                self._uncounted.pop(key, None)

    def uncounted(self) -> set[Event]:
        """Events whose group has found no room on the CPU for long."""
        bound = self._patience.uncounted_intervals
        return {event for (event, _, _), times in self._uncounted.items() if times >= bound}

    def _leave_out_foreign(self, samples: list[Sample]) -> list[Sample]:
        """Leave out what is said of one kind of core at a place where there are others only.

        By CPU and by core, perf 6.2 to 6.16 says of each place that what is for the other kind was
        not counted. Which kind it is shows by what counts there; until then it may be either.
        """
        if self._aggregation not in OF_ONE_KIND or not any(sample.pmu for sample in samples):
            return samples
        for sample in samples:
            if sample.pmu and sample.count is not None:
                self._kinds[sample.place] = sample.pmu
        return [
            sample
            for sample in samples
            if sample.pmu in {"", self._kinds.get(sample.place, sample.pmu)}
        ]

    def _put(self, interval: float | None, sample: Sample) -> None:
        if interval != self._interval:
            self.settle()
            self._interval = interval
            self._size, self._usual_size = 0, self._size
        self._samples.append(sample)
        self._size += 1
        self._senseless = 0

    def _miss(self, line: str) -> None:
        self._account.unparsed_lines += 1
        self._senseless += 1
        if self._senseless >= self._patience.senseless_lines:
            raise OutputError(
                f"{self._senseless} lines in a row that are none of its own, "
                f"the last one {line[:100]!r}"
            )
