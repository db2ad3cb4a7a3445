"""A machine with hardware counters: its descriptors are files whose content a test sets."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from struct import pack

from exporter.kernel import KernelTree
from exporter.perf.counters import Counters
from exporter.perf.events import select
from exporter.perf.patience import Patience
from exporter.perf.perf_event import Attributes
from exporter.perf.syscall import SyscallSource
from tests.samples import read_samples

CPUS = "devices/system/cpu"

Members = tuple[Attributes, ...]


@dataclass
class _Leader:
    cpu: int
    inode: int
    members: Members
    enabled: int
    running: int
    values: list[int]


class Machine:
    """Opens groups as perf_event_open(2) does, and lets time pass.

    `refuse` gives the number of an error, or 0, for a group that is to be opened on a CPU; `share`
    gives which part of the time it is counted there.
    """

    def __init__(
        self,
        refuse: Callable[[Members, int], int] = lambda _members, _cpu: 0,
        share: Callable[[Members, int], float] = lambda _members, _cpu: 1.0,
    ) -> None:
        self.refuse = refuse
        self.share = share
        self._leaders: dict[int, _Leader] = {}

    def open(self, members: Sequence[Attributes], cpu: int) -> list[int]:
        """Open a group, and begin to count it."""
        if number := self.refuse(tuple(members), cpu):
            raise OSError(number, os.strerror(number))
        descriptors = [os.memfd_create("event", os.MFD_CLOEXEC) for _ in members]
        inode = os.fstat(descriptors[0]).st_ino
        values = [0 for _ in members]
        self._leaders[descriptors[0]] = _Leader(cpu, inode, tuple(members), 0, 0, values)
        self._pass(descriptors[0], 1000, {})  # some time passes before its first read
        return descriptors

    def opened(self) -> list[tuple[int, tuple[int, ...]]]:
        """The groups that are open: CPU, and config of each event."""
        return sorted(
            (leader.cpu, tuple(one.config for one in leader.members))
            for descriptor, leader in self._leaders.items()
            if _is_open(descriptor, leader)
        )

    def run(self, seconds: float, counts: Mapping[int, int] | None = None) -> None:
        """Let time pass, and events happen on each CPU, by their config.

        Of them is counted what happens while it is the group's turn.
        """
        for descriptor, leader in self._leaders.items():
            if _is_open(descriptor, leader):
                self._pass(descriptor, round(seconds * 1e9), counts or {})

    def _pass(self, descriptor: int, nanoseconds: int, counts: Mapping[int, int]) -> None:
        leader = self._leaders[descriptor]
        share = self.share(leader.members, leader.cpu)
        leader.enabled += nanoseconds
        leader.running += round(nanoseconds * share)
        for number, member in enumerate(leader.members):
            leader.values[number] += round(counts.get(member.config, 0) * share)
        size = len(leader.values)
        row = pack(f"={3 + size}Q", size, leader.enabled, leader.running, *leader.values)
        os.pwrite(descriptor, row, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)


def _is_open(descriptor: int, leader: _Leader) -> bool:
    """Whether the descriptor is still this file: its number may be another's by now."""
    try:
        return os.fstat(descriptor).st_ino == leader.inode
    except OSError:
        return False


def write_tree(folder: Path, files: Mapping[str, str]) -> None:
    """Write attributes below a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{content}\n")


def descriptors() -> set[str]:
    """The descriptors of this process."""
    gc.collect()  # those that others have left behind
    return set(os.listdir("/proc/self/fd"))  # noqa: PTH208 -- Path keeps one open


class Host:
    """A source on a machine, and what it shows."""

    def __init__(
        self,
        folder: Path,
        machine: Machine,
        *words: str,
        online: str = "0-1",
        aggregation: str = "none",
    ) -> None:
        self.folder = folder
        self.machine = machine
        self.seconds = 1000.0
        self.set_online(online)
        events = select(words)
        self.counters = Counters(events, aggregation)
        self.source = SyscallSource(
            events,
            self.counters,
            aggregation=aggregation,
            kernel=KernelTree(sysfs=str(folder)),
            open_group=machine.open,
            patience=Patience(uncounted_intervals=3, retry_seconds=60),
            now=lambda: self.seconds,
        )

    def set_online(self, cpus: str) -> None:
        """Have other CPUs online."""
        write_tree(self.folder, {f"{CPUS}/online": cpus})

    def read(self) -> dict[str, float]:
        """What a scrape shows."""
        reading = self.source.read()
        return read_samples(self.counters.families(fresh=reading.is_up))


def unavailable(event: str, reason: str) -> str:
    """The series of an event that cannot be counted."""
    return f'perf_event_available{{event="{event}",reason="{reason}"}}'
