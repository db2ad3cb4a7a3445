"""The totals of what was counted, and the metrics made of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import NamedTuple, cast

from exporter.families import Filled, LabelValues, Layout, Number, Series
from exporter.perf.events import Event
from exporter.perf.findings import NOT_SUPPORTED
from exporter.perf.help_texts import SAMPLED, describe

PLACE_LABELS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "cpu": ("cpu",),
    "core": ("socket", "die", "core"),
    "socket": ("socket",),
    "node": ("node",),
}
"""By aggregation: the labels that say where something was counted; their values are numbers."""

MAX_TOTALS = 50_000
"""Totals that are kept, one for each event at each place: the 22 default events on 2272 CPUs. What
is beyond is dropped; perf itself needs some hundred bytes a line for it, each interval."""

INTERVALS_UNTIL_GONE = 10
"""A place that perf has not named for so many intervals is shown no more: its CPU is offline. Its
total is kept, so that it goes on from there when the CPU comes back."""


class Sample(NamedTuple):
    """What one event counted at one place in one interval, in base units."""

    event: Event
    place: tuple[str, ...]
    """The values of PLACE_LABELS."""
    pmu: str
    """`cpu_core` or `cpu_atom` on a hybrid CPU; empty elsewhere."""
    is_supported: bool = True
    count: int | float | None = None  # type: ignore[assignment]  # not tuple.count
    """None where it was not counted in this interval, as where others had the CPU's counters."""
    enabled_seconds: float | None = None
    """How long it was to be counted, of all CPUs together; None where perf does not say."""
    running_seconds: float | None = None
    """How long it was counted; less than enabled where events take turns."""


_At = tuple[tuple[str, ...], str]
"""A place and a PMU."""


class _Total:
    """What one event has counted at one place; None is what is not known."""

    __slots__ = ("count", "enabled", "is_supported", "known", "last_interval", "ratio", "running")

    def __init__(self) -> None:
        self.count: int | float | None = None
        self.enabled: float | None = None
        self.running: float | None = None
        self.ratio: float | None = None
        self.is_supported = True
        self.known: tuple[bool, ...] = ()
        """Which of these are known: what there are series of."""
        self.last_interval = -INTERVALS_UNTIL_GONE

    def add(self, sample: Sample, longest: Mapping[_At, float]) -> bool:
        """Add a sample; tell whether other things are known now than before.

        `longest` says how long any event was to be counted, by place: perf does not say it of an
        event that it has hardly counted, or not at all.
        """
        _, place, pmu, is_supported, count, enabled, running = sample
        if enabled is None and running is not None:
            enabled = longest.get((place, pmu))
        ratio = 0.0 if is_supported and count is None else None
        if count is not None:
            self.count = count if self.count is None else self.count + count
        if is_supported and enabled is not None and running is not None:
            self.enabled = (self.enabled or 0.0) + enabled
            self.running = (self.running or 0.0) + running
            if enabled:
                ratio = round(running / enabled, 6) if running < enabled else 1.0
        self.ratio = ratio
        self.is_supported = is_supported
        known = (is_supported, self.count is None, self.enabled is None, ratio is None)
        before, self.known = self.known, known
        return before != known


_Row = tuple[LabelValues, _Total]
_Get = Callable[[_Total], Number]


class Counters:
    """Monotonic sums of samples, and their families. Safe to use from several threads."""

    def __init__(self, events: Sequence[Event], aggregation: str) -> None:
        self._events = tuple(events)
        self._labels = (*PLACE_LABELS[aggregation], "pmu")
        self._lock = threading.Lock()
        self._totals: dict[tuple[Event, tuple[str, ...], str], _Total] = {}
        self._reasons: Mapping[Event, str] = {}
        self._interval = 0
        self._is_laid_out = False
        self._layout = Layout(())
        self._shown: list[tuple[_Get, list[_Total]]] = []
        self._available = self._layout.fill(())

    def add(self, samples: Iterable[Sample]) -> None:
        """Add the samples of one interval, all of them at once."""
        samples = tuple(samples)
        longest = _longest_enabled(samples)
        with self._lock:
            self._interval += 1
            gone = self._interval - INTERVALS_UNTIL_GONE
            for sample in samples:
                total = self._totals.get(sample[:3])
                if total is None:
                    if len(self._totals) >= MAX_TOTALS:
                        continue
                    total = self._totals[sample[:3]] = _Total()
                if total.add(sample, longest) or total.last_interval <= gone:
                    self._is_laid_out = False
                total.last_interval = self._interval
            if self._interval % INTERVALS_UNTIL_GONE == 0:
                self._leave_out_gone()

    def set_availability(self, reasons: Mapping[Event, str]) -> None:
        """Take why each event cannot be counted; empty for one that can."""
        with self._lock:
            self._reasons = dict(reasons)
            self._is_laid_out = False

    def families(self, *, fresh: bool) -> Iterator[Filled]:
        """Give the counters, and how far to trust them.

        Not `fresh`: only whether events are available, as counters that stand still while the
        source is dead would look like events that do not happen.
        """
        with self._lock:
            if not self._is_laid_out:
                self._lay_out()
                self._is_laid_out = True
            layout, available = self._layout, self._available
            numbers = [get(total) for get, totals in self._shown for total in totals]
        if fresh:
            yield layout.fill(numbers)
        yield available

    def _is_gone(self, total: _Total) -> bool:
        return self._interval - total.last_interval >= INTERVALS_UNTIL_GONE

    def _leave_out_gone(self) -> None:
        """Have those left out that have gone since this was called last."""
        silent = (self._interval - total.last_interval for total in self._totals.values())
        if any(INTERVALS_UNTIL_GONE <= one < 2 * INTERVALS_UNTIL_GONE for one in silent):
            self._is_laid_out = False

    def _lay_out(self) -> None:
        """Find out which series there are: seldom, as encoding them costs more than a scrape."""
        present: dict[Event, list[_Row]] = {event: [] for event in self._events}
        for (event, place, pmu), total in self._totals.items():
            if not self._reasons.get(event) and not self._is_gone(total):
                present[event].append(((*place, pmu), total))
        for rows in present.values():
            rows.sort(key=_in_order)
        self._shown = []
        counted = [
            self._show(Series(event.metric, describe(event), "counter", self._labels), rows, _COUNT)
            for event, rows in present.items()
        ]
        named = [((*row, event.name), total) for event in present for row, total in present[event]]
        confidence = [
            self._show(replace(form, labels=(*self._labels, "event")), named, get)
            for form, get in _CONFIDENCE
        ]
        self._layout = Layout([*counted, *confidence])
        self._available = self._lay_out_available(present)

    def _show(
        self, form: Series, rows: Sequence[_Row], get: Callable[[_Total], Number | None]
    ) -> Series:
        known = [(row, total) for row, total in rows if get(total) is not None]
        # What is known stays so until there is another layout.
        self._shown.append((cast("_Get", get), [total for _, total in known]))
        return replace(form, rows=[row for row, _ in known])

    def _lay_out_available(self, present: Mapping[Event, Sequence[_Row]]) -> Filled:
        rows: list[LabelValues] = []
        for event in self._events:
            reason = self._reasons.get(event)
            rows += [
                (*row, event.name, "" if total.is_supported else NOT_SUPPORTED)
                for row, total in present[event]
            ]
            if not present[event] and reason is not None:
                rows.append((*("" for _ in self._labels), event.name, reason))
        series = Series(
            "perf_event_available",
            "Whether the event can be counted here, and if not, why.",
            "gauge",
            (*self._labels, "event", "reason"),
            rows,
        )
        return Layout([series]).fill([int(not row[-1]) for row in rows])


_COUNT = attrgetter("count")

_CONFIDENCE: tuple[tuple[Series, Callable[[_Total], Number | None]], ...] = (
    (
        Series(
            "perf_event_running_ratio",
            "Part of the newest interval in which the event was counted; below 1, the events take "
            "turns, and the counter is an estimate.",
            "gauge",
        ),
        attrgetter("ratio"),
    ),
    (
        Series(
            "perf_event_enabled_seconds_total",
            f"Time in which the event was to be counted, of all CPUs together. {SAMPLED}.",
            "counter",
        ),
        attrgetter("enabled"),
    ),
    (
        Series(
            "perf_event_running_seconds_total",
            f"Time in which the event was counted, of all CPUs together. {SAMPLED}.",
            "counter",
        ),
        attrgetter("running"),
    ),
)


def _in_order(row: _Row) -> list[tuple[int, str]]:
    """Numbers by their size: 2 before 10."""
    return [(len(value), value) for value in row[0]]


def _longest_enabled(samples: Sequence[Sample]) -> dict[_At, float]:
    """How long any event was to be counted, by place and PMU; empty where each says it itself."""
    longest: dict[_At, float] = {}
    if any(sample.enabled_seconds is None for sample in samples):
        for _, place, pmu, _, _, enabled, _ in samples:
            if enabled is not None and enabled > longest.get((place, pmu), 0.0):
                longest[place, pmu] = enabled
    return longest
