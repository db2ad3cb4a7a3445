"""Processes and threads of the host by state, and how many there may be.

Sources: /proc/<pid>/stat of every process and /proc/<pid>/task/<tid>/stat of every thread beyond
the first (Linux fs/proc/array.c), /proc/sys/kernel/pid_max and threads-max. About 12 microseconds
for each, which is why the collector is off by default. Where /proc is mounted with hidepid=, the
processes of others are hidden, and their number with them: then it needs the group named by gid=.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from exporter.families import Digits, Family, gauge
from exporter.kernel import KernelFile, KernelTree, NoData
from exporter.parsing import integer
from exporter.process_files import HIDDEN, split_stat


class Task(NamedTuple):
    """What is wanted of a process, or of a thread."""

    state: str
    """A letter, as in ps(1): R, S, D, Z, T, I, ..."""
    threads: int
    """Those of its process; 0 for a zombie whose threads are gone."""


def parse_stat(text: bytes) -> Task:
    """Parse `12 (name) S ...`, where the name may hold spaces, brackets and ends of line.

    Raises ValueError when it is not that.
    """
    _, fields = split_stat(text)
    return Task(fields[0].decode(), int(integer(fields[17])))


def parse_limit(text: bytes) -> Digits:
    """Parse `4194304`. Raises ValueError when it is not a number."""
    return integer(text.strip())


class ProcessesCollector:
    """Processes and threads by state."""

    name = "processes"

    def __init__(self, kernel: KernelTree) -> None:
        self._kernel = kernel
        self._max_processes = kernel.proc("sys/kernel/pid_max")
        self._max_threads = kernel.proc("sys/kernel/threads-max")

    def collect(self) -> Iterator[Family]:
        """Yield the numbers by state, in sum, and their limits."""
        try:
            tasks = {pid: parse_stat(text) for pid, text in self._kernel.read_stats()}
        except PermissionError as error:  # hidepid=1
            raise NoData(HIDDEN) from error
        if "1" not in tasks:  # hidepid=2
            raise NoData(HIDDEN)
        states = Counter(task.state for task in tasks.values())
        yield _by_state("node_processes_state", "Processes in each state.", "state", states)
        yield _by_state(
            "node_processes_threads_state",
            "Threads in each state.",
            "thread_state",
            self._count_threads(tasks),
        )
        yield gauge("node_processes_pids", "Processes that there are.", len(tasks))
        threads = sum(task.threads for task in tasks.values())
        yield gauge("node_processes_threads", "Threads that there are.", threads)
        yield from _limit(
            "node_processes_max_processes",
            "Number above which no process or thread is numbered (kernel.pid_max).",
            self._max_processes,
        )
        yield from _limit(
            "node_processes_max_threads",
            "Threads that there may be (kernel.threads-max).",
            self._max_threads,
        )

    def _count_threads(self, tasks: dict[str, Task]) -> Counter[str]:
        """Count all threads by state. The first of a process has the state of the process."""
        states = Counter(task.state for task in tasks.values())
        for pid, task in tasks.items():
            if task.threads > 1:
                others = self._kernel.read_stats(pid)
                states.update(parse_stat(text).state for tid, text in others if tid != pid)
        return states


def _by_state(name: str, help_text: str, label: str, states: Counter[str]) -> Family:
    samples = [((state,), number) for state, number in sorted(states.items())]
    return Family(name, help_text, "gauge", (label,), samples)


def _limit(name: str, help_text: str, file: KernelFile) -> Iterator[Family]:
    try:
        yield gauge(name, help_text, parse_limit(file.read()))
    except (FileNotFoundError, NotADirectoryError):  # /proc/sys is hidden
        return
