"""What is counted, and what of it together: found out by trying, and from what perf then counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet

from exporter.perf.events import Event
from exporter.perf.events import group as group_events
from exporter.perf.findings import NO_PERF, NOT_PERMITTED, Findings
from exporter.perf.probe import probe


class Plan:
    """The findings of the newest trial, and which events are to be tried before the next child."""

    def __init__(self, program: str, events: Iterable[Event], aggregation: str) -> None:
        self._program = program
        self._events = tuple(events)
        self._aggregation = aggregation
        self._untried = self._events
        self._alone: set[Event] = set()
        self.findings = Findings({}, (), json=False, explanation="")

    def doubt(self, *, everything: bool) -> None:
        """Have events tried again: all, or those for which it may be otherwise by now.

        Rights may have changed; and perf could not be run for a moment, as while it was upgraded.
        With those are what they are counted together with.
        """
        doubtful = {
            event
            for event in self._events
            if everything or self.findings.reasons.get(event) in {NOT_PERMITTED, NO_PERF}
        }
        self._untried = tuple(
            event
            for members in group_events(self._events)
            if doubtful & set(members)
            for event in members
        )

    def try_out(self, is_stopping: Callable[[], bool]) -> bool:
        """Try what is untried; tell whether that was brought to its end."""
        if self._untried:
            has_stopped = False

            def has_been_told_to_stop() -> bool:
                # What has stopped half-way stays so, even if it is wanted again by now.
                nonlocal has_stopped
                has_stopped = has_stopped or is_stopping()
                return has_stopped

            new = probe(
                self._program,
                self._untried,
                aggregation=self._aggregation,
                is_stopping=has_been_told_to_stop,
            )
            if has_been_told_to_stop():
                return False
            kept = [group for group in self.findings.groups if not set(group) & set(self._untried)]
            self._untried = ()
            self.findings = new._replace(
                reasons={**self.findings.reasons, **new.reasons}, groups=(*kept, *new.groups)
            )
        self.findings = self.findings._replace(groups=tuple(self._parted()))
        return True

    def part(self, events: AbstractSet[Event]) -> list[Event]:
        """Have events counted alone from now on; give them, with those they stood together with."""
        parted = [event for group in self.findings.groups if events & set(group) for event in group]
        self._alone.update(parted)
        return parted

    def _parted(self) -> Iterable[tuple[Event, ...]]:
        for group in self.findings.groups:
            if self._alone & set(group):
                yield from ((event,) for event in group)
            else:
                yield group
