"""What perf_event_open(2) lets be counted here: each event is tried on its own, then each group."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from exporter.kernel import KernelTree
from exporter.perf import rights
from exporter.perf.counting import Group, Member, OpenGroup
from exporter.perf.events import Event
from exporter.perf.events import group as group_events
from exporter.perf.findings import NO_PERF, NOT_PERMITTED, NOT_SUPPORTED, UNKNOWN_EVENT
from exporter.perf.perf_event import EXHAUSTED, TYPE_SOFTWARE, TYPE_TRACEPOINT
from exporter.perf.pmu import Pmus, Target
from exporter.perf.rights import Facts

Members = tuple[Member, ...]

OTHER_BACKEND = "--collector.perf.backend=stat may know more (docs/collectors/perf.md)"

REFUSED = frozenset({errno.EACCES, errno.EPERM})


class Openable(NamedTuple):
    """What can be counted here, and how."""

    reasons: Mapping[Event, str]
    """Why an event cannot be counted; empty for one that can."""
    groups: Sequence[Members]
    """What can be counted: those that are counted at the same time stand together."""
    explanation: str
    """In words: what was refused, and how to mend it; empty when nothing was."""


class Trial:
    """Tries events, each on the first of its CPUs, as they are alike."""

    def __init__(
        self,
        kernel: KernelTree,
        find_cpus: Callable[[Target], Sequence[int]],
        open_group: OpenGroup,
        read_facts: Callable[[], Facts],
    ) -> None:
        self._pmus = Pmus(kernel)
        self._find_cpus = find_cpus
        self._open_group = open_group
        self._read_facts = read_facts

    def run(self, events: Sequence[Event]) -> Openable:
        """Find out what can be counted. Raises OSError when there are no descriptors left."""
        members: dict[Event, Members] = {}
        reasons: dict[Event, str] = {}
        explanations: dict[str, None] = {}
        for event in events:
            members[event], reasons[event], explanation = self._try_event(event)
            if explanation:
                explanations[explanation] = None
        groups = [
            part
            for members_of_one in _form_groups(members)
            for part in self._divide(members_of_one)
        ]
        return Openable(reasons, groups, "; ".join(explanations))

    def _try_event(self, event: Event) -> tuple[Members, str, str]:
        """Give what of an event can be opened, why nothing can, and how to mend that."""
        try:
            members = [Member(event, target) for target in self._pmus.resolve(event.spec)]
        except ValueError as error:
            return (), UNKNOWN_EVENT, f"{error}; {OTHER_BACKEND}"
        except PermissionError:
            return (), NOT_PERMITTED, rights.explain_tracing(self._read_facts())
        try:
            errors = {member: self._try_group((member,)) for member in members}
        except LookupError as error:
            return (), NO_PERF, str(error)
        if opened := tuple(member for member, error in errors.items() if not error):
            return opened, "", ""
        return (), *self._explain(set(errors.values()))

    def _try_group(self, members: Members) -> int:
        """Open a group and close it; give the number of the error, or 0."""
        cpus = self._find_cpus(members[0].target)
        if not cpus:
            return errno.ENODEV
        group = Group(members, self._open_group)
        try:
            group.open(cpus[0])
        except OSError as error:
            if error.errno in EXHAUSTED:
                raise
            return error.errno or errno.ENODEV
        group.close(cpus[0])
        return 0

    def _explain(self, errors: set[int]) -> tuple[str, str]:
        """Give the reason and the remedy for errors of perf_event_open(2)."""
        # What is for a program's file alone is of no use here: all that is written in Python would
        # be given it.
        facts = self._read_facts()._replace(ignores_file_capabilities=True)
        if errors & REFUSED:
            return NOT_PERMITTED, rights.explain(facts, "")
        if errno.ENOSYS in errors:
            return NO_PERF, rights.explain_missing(facts)
        return NOT_SUPPORTED, ""

    def _divide(self, members: Members) -> list[Members]:
        """Let a group fall apart when it cannot be opened: the PMU cannot hold it."""
        if len(members) > 1 and self._try_group(members):
            return [(member,) for member in members]
        return [members]


def _form_groups(members: Mapping[Event, Members]) -> list[Members]:
    """Put together what is counted at the same time, by the same PMU.

    The kernel's own events can all be one group: they take up no counter of the CPU, and one read
    gives them all.
    """
    software = [
        member
        for one in members.values()
        for member in one
        if member.target.attributes.type in {TYPE_SOFTWARE, TYPE_TRACEPOINT}
    ]
    groups: dict[object, list[Member]] = {"software": software} if software else {}
    for events in group_events([event for event, found in members.items() if found]):
        for event in events:
            for member in members[event]:
                if member not in software:
                    key = events, member.target.attributes.type, member.target.pmu
                    groups.setdefault(key, []).append(member)
    return [tuple(one) for one in groups.values()]
