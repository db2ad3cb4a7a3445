"""A group of events on all its CPUs: its descriptors, and what it counts between two reads."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from struct import Struct
from typing import NamedTuple

from exporter.perf.events import Event
from exporter.perf.perf_event import EXHAUSTED, Attributes, close_group
from exporter.perf.pmu import Target

OpenGroup = Callable[[Sequence[Attributes], int], list[int]]

Place = tuple[str, ...]
"""The values of PLACE_LABELS."""

Row = tuple[int, ...]
"""What one read gives: the number of events, nanoseconds enabled and running, then the values."""


class Member(NamedTuple):
    """An event, or that part of it that one PMU counts."""

    event: Event
    target: Target


class Counted(NamedTuple):
    """What a group has counted on several CPUs together."""

    enabled: int
    """Nanoseconds."""
    running: int
    counts: Sequence[int | None]
    """One for each event; None where it was never their turn."""


def count_between(pairs: Iterable[tuple[Row, Row]]) -> Counted:
    """Give what was counted between two reads, of which there is a pair for each CPU.

    Where events take turns, a CPU's count is what it would have been with no other events. That is
    estimated from the differences: from the totals, a counter could go backwards.
    """
    differences = [
        [max(0, new - old) for old, new in zip(*pair, strict=True)]  # never backwards
        for pair in pairs
    ]
    _, enabled, running, *counts = (sum(column) for column in zip(*differences, strict=True))
    if not running:
        return Counted(enabled, 0, [None for _ in counts])
    if running < enabled:
        estimates = (
            [(value * available + used // 2) // used for value in values]
            for _, available, used, *values in differences
            if used
        )
        counts = [sum(column) for column in zip(*estimates, strict=True)]
    return Counted(enabled, running, counts)


class Group:
    """Events that are counted at the same time, on each of their CPUs."""

    def __init__(self, members: Sequence[Member], open_group: OpenGroup) -> None:
        self.members = members
        self.reads_without_a_turn = 0
        """For how long it has been open, and was never counted."""
        self._open_group = open_group
        self._row = Struct(f"={3 + len(members)}Q")
        self._descriptors: dict[int, list[int]] = {}
        self._places: dict[int, Place] = {}
        self._before: dict[int, Row] = {}

    @property
    def is_open(self) -> bool:
        """Whether it is counted anywhere."""
        return bool(self._descriptors)

    def follow(self, places: Mapping[int, Place]) -> None:
        """Count on these CPUs, which are at these places, and no longer on others.

        Raises OSError when there are no descriptors or no memory left.
        """
        for cpu in self._descriptors.keys() - places.keys():
            self.close(cpu)
        for cpu in sorted(places.keys() - self._descriptors.keys()):
            try:
                self.open(cpu, places[cpu])
            except OSError as error:
                if error.errno in EXHAUSTED:
                    raise
                # It has just gone offline: the list of CPUs changes, and this is called again.

    def open(self, cpu: int, place: Place = ()) -> None:
        """Begin to count on a CPU. Raises OSError as the kernel says it; then nothing is open."""
        attributes = [member.target.attributes for member in self.members]
        self._descriptors[cpu] = self._open_group(attributes, cpu)
        self._places[cpu] = place
        self._before[cpu] = (0,) * (3 + len(attributes))

    def close(self, cpu: int) -> None:
        """Stop counting on a CPU."""
        del self._places[cpu], self._before[cpu]
        close_group(self._descriptors.pop(cpu))

    def read(self) -> dict[Place, Counted]:
        """Give what was counted at each place since the last read.

        When a CPU goes offline, the kernel takes its events apart, and they stay so when it comes
        back: their time stands still. Such events are opened anew.
        """
        pairs: dict[Place, list[tuple[Row, Row]]] = {}
        ended = []
        for cpu, descriptors in self._descriptors.items():
            content = os.read(descriptors[0], self._row.size)
            before = self._before[cpu]
            now = self._row.unpack(content) if len(content) == self._row.size else before
            if now[1] == before[1]:
                ended.append(cpu)
            pairs.setdefault(self._places[cpu], []).append((before, now))
            self._before[cpu] = now
        for cpu in ended:
            place = self._places[cpu]
            self.close(cpu)
            with contextlib.suppress(OSError):  # still offline
                self.open(cpu, place)
        counted = {place: count_between(of_place) for place, of_place in pairs.items()}
        had_a_turn = any(one.running for one in counted.values())
        self.reads_without_a_turn = 0 if had_a_turn else self.reads_without_a_turn + 1
        return counted
