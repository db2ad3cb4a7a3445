"""Counting by perf_event_open(2): no process and no thread, the counters are read at each scrape.

On each CPU each group of events has a descriptor; reading it interrupts that CPU for microseconds.
Needs the rights that perf needs, Linux 3.14, and a descriptor for each event on each CPU.
"""

from __future__ import annotations

import contextlib
import resource
import threading
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic

from exporter.collectors._cpu_topology import CPUS, parse_cpu_list
from exporter.kernel import KernelTree
from exporter.perf.counters import PLACE_LABELS, Counters, Sample
from exporter.perf.counting import Group, OpenGroup, Place
from exporter.perf.events import Event
from exporter.perf.findings import NO_PERF, Findings
from exporter.perf.patience import Patience
from exporter.perf.perf_event import open_group
from exporter.perf.pmu import NANOSECONDS, Target
from exporter.perf.rights import Facts, read_facts
from exporter.perf.source import Reading
from exporter.perf.states import States
from exporter.perf.trial import Trial
from monitoring.structured_logging import StructuredLogger

log = StructuredLogger("perfwatch.perf")

TOPOLOGY = {"socket": "physical_package_id", "die": "die_id", "core": "core_id"}
"""Attributes of a CPU by label."""


class SyscallSource:
    """Counts events on all CPUs; `read` fetches what they have come to."""

    def __init__(  # noqa: PLR0913 -- what is counted, and what a test brings of its own
        self,
        events: Sequence[Event],
        counters: Counters,
        *,
        aggregation: str,
        kernel: KernelTree,
        open_group: OpenGroup = open_group,
        patience: Patience = Patience(),  # noqa: B008 -- immutable
        now: Callable[[], float] = monotonic,
        read_facts: Callable[[], Facts] = read_facts,
    ) -> None:
        self._events = events
        self._counters = counters
        self._aggregation = aggregation
        self._kernel = kernel
        self._open_group = open_group
        self._patience = patience
        self._now = now
        self._read_facts = read_facts
        self._lock = threading.Lock()
        self._online_file = kernel.sys(f"{CPUS}/online")
        self._online = b""
        self._groups: list[Group] | None = None
        """None until it is known what can be counted."""
        self._retry_at = 0.0
        self._states = States()
        self._read_at: float | None = None
        self._is_suspended = self._is_closed = False

    def read(self) -> Reading:
        """Add what was counted since the last time; the first time, begin to count.

        Raises OSError when there are no descriptors or no memory left; the next read tries again.
        """
        with self._lock:
            if not self._is_suspended and not self._is_closed:
                self._follow()
                self._take()
            is_up = any(group.is_open for group in self._groups or ())
            age = None if self._read_at is None else self._now() - self._read_at
            return Reading(is_up, age, 0, 0, self._is_suspended)

    def wait(self, seconds: float) -> None:  # noqa: ARG002 -- there is a sample at once
        """Begin to count."""
        with contextlib.suppress(OSError):  # the collection that follows says it
            self.read()

    def suspend(self) -> None:
        """Give back the CPUs' counters and all descriptors."""
        with self._lock:
            if self._is_suspended:
                return
            self._is_suspended = True
            try:
                self._take()
            finally:
                self._end()
        log.info("counting suspended")

    def resume(self) -> None:
        """Count again, if it did; what can be counted is found out anew."""
        with self._lock:
            if not self._is_suspended:
                return
            self._is_suspended = False
            if self._read_at is not None and not self._is_closed:
                with contextlib.suppress(OSError):  # the next read tries again
                    self._follow()
        log.info("counting resumed")

    def close(self) -> None:
        """Stop counting for good."""
        with self._lock:
            self._is_closed = True
            self._end()

    def _end(self) -> None:
        for group in self._groups or ():
            group.follow({})
        self._groups = None
        self._online = b""
        self._online_file.close()

    def _follow(self) -> None:
        """Count on the CPUs that are online now."""
        online = self._online_file.read()
        is_due = not self._groups and self._now() >= self._retry_at
        if online == self._online and not is_due:
            return
        cpus = parse_cpu_list(online)
        if self._groups is None or is_due:
            self._groups = self._find_groups(cpus)
            self._retry_at = self._now() + self._patience.retry_seconds
        places = {cpu: find_place(self._kernel, self._aggregation, cpu) for cpu in cpus}
        for group in self._groups:
            counted_on = self._find_cpus(group.members[0].target, cpus)
            group.follow({cpu: places[cpu] for cpu in counted_on})
        self._online = online

    def _take(self) -> None:
        """Add what was counted since the last time."""
        groups = self._groups or []
        samples = [
            Sample(
                member.event,
                place,
                member.target.pmu,
                count=None if count is None else _to_base_units(count, member.target.factor),
                enabled_seconds=counted.enabled * NANOSECONDS,
                running_seconds=counted.running * NANOSECONDS,
            )
            for group in groups
            for place, counted in group.read().items()
            for member, count in zip(group.members, counted.counts, strict=True)
        ]
        if samples:
            self._counters.add(samples)
            self._read_at = self._now()
        if any(self._needs_too_much(group) for group in groups):
            self._divide(groups)

    def _needs_too_much(self, group: Group) -> bool:
        """Tell whether the CPU has too few free counters for all of a group."""
        patience = self._patience.uncounted_intervals
        return len(group.members) > 1 and group.reads_without_a_turn >= patience

    def _divide(self, groups: Sequence[Group]) -> None:
        """Let groups fall apart that never get a turn."""
        self._groups = []
        for group in groups:
            if self._needs_too_much(group):
                group.follow({})
                self._groups += [Group((one,), self._open_group) for one in group.members]
            else:
                self._groups.append(group)
        self._online = b""
        self._follow()

    def _find_groups(self, cpus: Sequence[int]) -> list[Group]:
        """Find out what can be counted, and say so."""
        find_cpus = partial(self._find_cpus, cpus=cpus)
        trial = Trial(self._kernel, find_cpus, self._open_group, self._read_facts)
        reasons, groups, explanation = trial.run(self._events)
        needed = sum(len(group) * len(find_cpus(group[0].target)) for group in groups)
        allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if needed > allowed // 2:
            explanation = (
                f"one descriptor for each event on each CPU makes {needed}, and of {allowed} only "
                f"half are for perf: raise LimitNOFILE= (ulimit -n), count fewer events, or set "
                f"--collector.perf.backend=stat (docs/collectors/perf.md)"
            )
            reasons = {event: reason or NO_PERF for event, reason in reasons.items()}
            groups = ()
        self._counters.set_availability(reasons)
        available = tuple(event for event, reason in reasons.items() if not reason)
        findings = Findings(reasons, (available,), json=False, explanation=explanation)
        if available:
            self._states.counts(findings)
        else:
            self._states.cannot_count(findings)
        return [Group(group, self._open_group) for group in groups]

    def _find_cpus(self, target: Target, cpus: Sequence[int]) -> Sequence[int]:
        """Give those CPUs on which an event is counted."""
        if not target.cpus:
            return cpus
        listed = _read(self._kernel, target.cpus)
        return [cpu for cpu in parse_cpu_list(listed) if cpu in cpus]


def find_place(kernel: KernelTree, aggregation: str, cpu: int) -> Place:
    """Give the values of PLACE_LABELS for a CPU; empty for what is not known of it.

    As perf has it, a socket is one die where the kernel says nothing else, and a host one node.
    """
    if aggregation == "node":
        return (next(iter(kernel.list_matching(f"{CPUS}/cpu{cpu}", "node[0-9]*")), "node0")[4:],)
    if aggregation == "cpu":
        return (str(cpu),)
    numbers = {
        label: _read(kernel, f"{CPUS}/cpu{cpu}/topology/{TOPOLOGY[label]}").strip().decode()
        for label in PLACE_LABELS[aggregation]
    }
    return tuple(
        number if number.isdigit() else "0" if label == "die" else ""
        for label, number in numbers.items()
    )


def _read(kernel: KernelTree, path: str) -> bytes:
    """Read an attribute of sysfs once; empty where there is none."""
    with contextlib.suppress(FileNotFoundError), contextlib.closing(kernel.sys(path)) as file:
        return file.read()
    return b""


def _to_base_units(count: int, factor: float) -> int | float:
    return count if factor == 1 else count * factor
