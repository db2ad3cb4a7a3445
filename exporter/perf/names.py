"""Which event a name means that perf prints, and its count in base units.

perf prints the name that it was given, with changes: modifiers (`cycles:u` without rights for the
kernel), the PMU on a CPU with two kinds of cores (`cpu_core/cycles/`, `cycles [cpu_core]`), with -A
(`cpu-clock [software]` of 6.12), or of each of several devices (`uncore_imc_0/perf_reads/`); and a
few events have two names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from exporter.perf.command import spec_of
from exporter.perf.counters import Sample
from exporter.perf.events import KNOWN, MODIFIERS, Event, canonical, given_name
from exporter.perf.output import NOT_SUPPORTED, UNITS, Row

MAX_REMEMBERED = 10_000
"""Names, and places, that are remembered: garbage shall not fill the memory."""

NO_KIND_OF_CORE = frozenset({"", "cpu", "software", "tool", "tracepoint", "breakpoint"})
"""PMUs of which every host has one at most: they say nothing of where it was counted."""

CLOCK_UNIT = "msec"
"""Of the clocks, before perf 4.19 printed it."""

TOOL_UNIT = "ns"
"""Of the clocks of perf itself, which perf 7 does not print."""

_TOOL_CLOCK = re.compile(r"(?:tool/)?(?:duration|user|system)_time\b")
_BRACKETED = re.compile(r"(.+) \[([^\]]+)\]\Z")
_OF_PMU = re.compile(r"([^/]+)/([^/]+)/:?(\w*)\Z")
_MODIFIED = re.compile(rf"(.+):[{MODIFIERS}]+\Z")

_NUMBERS = {
    "none": re.compile(r"\Z"),
    "cpu": re.compile(r"(?:CPU)?([0-9]+)\Z"),
    "core": re.compile(r"S([0-9]+|-1)(?:-D([0-9]+|-1))?-C([0-9]+|-1)\Z"),
    "socket": re.compile(r"S([0-9]+|-1)\Z"),
    "node": re.compile(r"N([0-9]+)\Z"),
}
"""By aggregation: the values of PLACE_LABELS in what perf prints."""


class _Meaning(NamedTuple):
    """What a printed name means."""

    event: Event
    pmu: str
    unit: str
    """What it is counted in where perf does not say."""


class Translator:
    """Makes samples of rows."""

    def __init__(self, events: Iterable[Event], aggregation: str) -> None:
        self._exact: dict[str, Event] = {}
        self._canonical: dict[str, Event] = {}
        for event in events:
            self._exact[event.spec] = event
            if name := given_name(spec_of(event)):
                self._exact[name] = event
            self._canonical[canonical(event.spec)] = event
        self._numbers = _NUMBERS[aggregation]
        self._meanings: dict[str, _Meaning] = {}
        self._places: dict[str, tuple[str, ...]] = {}

    def sample(self, row: Row) -> Sample | None:
        """Give what the row says; None where that is of no event that was asked for.

        So is a core where CPUs were asked for: perf prints it for events that are counted
        `percore`.
        """
        meaning = self._meanings.get(row.event) or self._learn(row.event)
        place = self._places.get(row.place)
        if place is None:
            place = self._locate(row.place)
        if meaning is None or place is None:
            return None
        event, pmu, unit = meaning
        value = row.value
        if value is None:
            if row.state == NOT_SUPPORTED:
                return Sample(event, place, pmu, is_supported=False)
            return Sample(event, place, pmu, running_seconds=0.0)
        # Of its own clocks, perf 7 prints how often they were read as their run time.
        enabled, running = (None, None) if unit == TOOL_UNIT else _seconds(row)
        unit = row.unit or unit
        count = value * UNITS.get(unit, 1) if unit else value
        return Sample(event, place, pmu, True, count, enabled, running)

    def _learn(self, printed: str) -> _Meaning | None:
        """Understand a name for the first time."""
        meaning = self._understand(printed)
        if meaning and len(self._meanings) < MAX_REMEMBERED:
            self._meanings[printed] = meaning
        return meaning

    def _understand(self, printed: str) -> _Meaning | None:
        event = self._find(printed)
        if event:
            return _Meaning(event, "", _unit_of(event))
        if bracketed := _BRACKETED.match(printed):
            name, pmu = bracketed.groups()
        elif of_pmu := _OF_PMU.match(printed):
            pmu, name, modifiers = of_pmu.groups()
            name += f":{modifiers}" if modifiers else ""
        else:
            return None
        event = self._find(name)
        if event is None:
            return None
        is_kind = pmu not in NO_KIND_OF_CORE and not _names_pmu(event)
        return _Meaning(event, pmu if is_kind else "", _unit_of(event))

    def _find(self, name: str) -> Event | None:
        """Find an event by its name as given, by its other name, or by either without modifiers."""
        found = self._exact.get(name) or self._canonical.get(canonical(name))
        if found is None and (modified := _MODIFIED.match(name)):
            return self._exact.get(modified[1]) or self._canonical.get(canonical(modified[1]))
        return found

    def _locate(self, printed: str) -> tuple[str, ...] | None:
        """Give the numbers of a place; an empty one for what the machine does not tell (-1).

        So it is for dies, which an old perf does not tell.
        """
        found = self._numbers.match(printed)
        if found is None:
            return None
        place = tuple((number or "").replace("-1", "") for number in found.groups())
        if len(self._places) < MAX_REMEMBERED:
            self._places[printed] = place
        return place


def _names_pmu(event: Event) -> bool:
    """Whether it was asked for on a PMU of its own: perf gives its parts, if any, as one."""
    pmu, slash, _ = event.spec.partition("/")
    return bool(slash) and pmu != "cpu" and pmu not in KNOWN


def _unit_of(event: Event) -> str:
    if event.is_clock:
        return CLOCK_UNIT
    return TOOL_UNIT if _TOOL_CLOCK.match(event.spec) else ""


def _seconds(row: Row) -> tuple[float | None, float | None]:
    """Give how long it was to be counted, and was counted; None where perf does not say."""
    if row.running_nanoseconds is None:
        return None, None
    running = row.running_nanoseconds / 1e9
    percent = row.running_percent
    if not percent:  # also 0.00: less than half of a hundredth
        return None, running
    return (running if percent >= 100 else running * 100 / percent), running
