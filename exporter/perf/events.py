"""The events that can be counted: their names here, and what perf calls them.

Source: perf-list(1), enum perf_hw_id and enum perf_sw_ids in include/uapi/linux/perf_event.h.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

MAX_EVENTS = 100


class Event(NamedTuple):
    """Something that is counted."""

    name: str
    """The middle of the metric's name, and the value of the label `event`."""
    spec: str
    """What `perf stat -e` is given."""
    is_clock: bool = False
    """Whether it counts time: seconds here, milliseconds in perf's output."""

    @property
    def metric(self) -> str:
        """The name of the counter."""
        return f"perf_{self.name}_seconds_total" if self.is_clock else f"perf_{self.name}_total"


CLOCKS = ("cpu-clock", "task-clock")


def _known(spec: str) -> Event:
    return Event(spec.replace("-", "_"), spec, is_clock=spec in CLOCKS)


SETS: Mapping[str, tuple[Event, ...]] = {
    name: tuple(_known(spec) for spec in specs.split())
    for name, specs in {
        "software": "cpu-clock task-clock context-switches cpu-migrations page-faults "
        "minor-faults major-faults",
        "core": "cycles instructions branches branch-misses",
        "cache": "cache-references cache-misses L1-dcache-loads L1-dcache-load-misses LLC-loads "
        "LLC-load-misses L1-icache-loads",
        "tlb": "dTLB-loads dTLB-load-misses iTLB-loads iTLB-load-misses",
    }.items()
}
DEFAULT = "default"
"""The set of all sets."""

KNOWN: Mapping[str, Event] = {event.spec: event for events in SETS.values() for event in events}

SYNONYMS: Mapping[str, str] = {
    "cpu-cycles": "cycles",
    "branch-instructions": "branches",
    "idle-cycles-frontend": "stalled-cycles-frontend",
    "idle-cycles-backend": "stalled-cycles-backend",
    "cs": "context-switches",
    "migrations": "cpu-migrations",
    "CPU-migrations": "cpu-migrations",  # as perf before 3.5 printed it
    "faults": "page-faults",
}
"""perf's second names of an event, and the one that is used here."""

DIVIDED = (
    ("cycles", "instructions"),
    ("branches", "branch-misses"),
    ("cache-references", "cache-misses"),
    ("L1-dcache-loads", "L1-dcache-load-misses"),
    ("LLC-loads", "LLC-load-misses"),
    ("dTLB-loads", "dTLB-load-misses"),
    ("iTLB-loads", "iTLB-load-misses"),
)
"""The events that are divided by each other, which should be counted at the same time."""

MODIFIERS = "ukhGHIpPSDWebXR"
"""What may stand behind the last colon of an event."""

_ALIAS = re.compile(r"[a-z0-9_]{1,60}\Z")
_SPEC = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_:=.*?@/,+-]{0,199}\Z")
_SEVERAL = re.compile(r"\A[^/]*,|/[^/]*/[^/]*,|\A[^/]*[*?][^/]*\Z")
"""What perf counts as several events, each under a name of its own: with a comma outside of the
slashes, and tracepoints by a pattern. PMUs by a pattern are one event."""
_MODIFIED_TRACEPOINT = re.compile(rf"([^:/]+:[^:/]+):[{MODIFIERS}]+\Z")
_GIVEN_NAME = re.compile(r"[/,]name=([^,/]+)")
_TAKEN = re.compile(r"event_|(?:up|suspended|child_restarts|unparsed_lines|sample_age_seconds)\Z")


def select(words: Iterable[str]) -> tuple[Event, ...]:
    """Give the events that words ask for, each once: sets, known events, and ALIAS=EVENT.

    Raises ValueError with what was expected.
    """
    chosen: dict[str, Event] = {}
    for word in words:
        for event in _expand(word):
            if chosen.setdefault(event.metric, event) != event:
                raise ValueError(f"{event.metric} would be two events: choose another alias")
    names: dict[str, Event] = {}
    for event in chosen.values():
        name = given_name(event.spec) or canonical(event.spec)
        if names.setdefault(name, event) != event:
            raise ValueError(
                f"{names[name].name} and {event.name} would both be {name} in what perf prints: "
                f"remove one, or give it a name= of its own"
            )
    if not chosen:
        raise ValueError(f"expected at least one event, such as {DEFAULT}")
    if len(chosen) > MAX_EVENTS:
        raise ValueError(f"expected {MAX_EVENTS} events at most, got {len(chosen)}")
    return tuple(chosen.values())


def canonical(spec: str) -> str:
    """Give the one name of an event that has several; perf prints tracepoints without modifiers."""
    if traced := _MODIFIED_TRACEPOINT.match(spec):
        return traced[1]
    name, colon, modifiers = spec.partition(":")
    return f"{SYNONYMS.get(name, name)}{colon}{modifiers}"


def given_name(spec: str) -> str:
    """Give the name that a PMU's event is given with `name=`, or an empty text."""
    found = _GIVEN_NAME.search(spec)
    return found[1] if found else ""


def group(events: Sequence[Event]) -> tuple[tuple[Event, ...], ...]:
    """Put the events that are divided by each other together; every other one stays alone."""
    chosen = {event.spec: event for event in events if KNOWN.get(event.spec) == event}
    pairs = {
        chosen[specs[0]]: tuple(chosen[spec] for spec in specs)
        for specs in DIVIDED
        if chosen.keys() >= set(specs)
    }
    later = {event for pair in pairs.values() for event in pair[1:]}
    return tuple(pairs.get(event, (event,)) for event in events if event not in later)


def _expand(word: str) -> tuple[Event, ...]:
    if word == DEFAULT:
        return tuple(KNOWN.values())
    if word in SETS:
        return SETS[word]
    if word in KNOWN:
        return (KNOWN[word],)
    alias, equals, spec = word.partition("=")
    if not equals or "/" in alias or ":" in alias:
        raise ValueError(
            f"{word[:200]!r} is no known event: expected a set ({', '.join((DEFAULT, *SETS))}), "
            f"an event of one, or ALIAS=EVENT with any event that perf list shows; several have "
            "spaces between them"
        )
    if not _ALIAS.match(alias) or alias.endswith("_total") or _TAKEN.match(alias):
        raise ValueError(
            f"{alias[:200]!r} cannot be an alias: expected up to 60 of a-z, 0-9 and _, not the "
            f"name of one of our own metrics, and no _total at its end"
        )
    if not _SPEC.match(spec) or spec.count("/") not in {0, 2} or _SEVERAL.search(spec):
        raise ValueError(
            f"{spec[:200]!r} is no single event: expected one as perf list shows it, such as "
            f"r1a8, sched:sched_switch or cpu/event=0x2e,umask=0x41/"
        )
    return (Event(alias, spec, is_clock=spec in CLOCKS),)
