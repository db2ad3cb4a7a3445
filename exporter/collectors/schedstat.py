"""How long tasks ran on each CPU, and how long they waited for it.

Source: /proc/schedstat (Linux kernel/sched/stats.c), with CONFIG_SCHEDSTATS, which distributions
have. The last three numbers of a `cpu` line are these since 2.6.23, in every version of the file;
the lines of the scheduling domains are passed over. Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from exporter.families import Digits, Filled, Layout, Series
from exporter.kernel import KernelTree, NoData
from exporter.parsing import shorten

NANOSECONDS = -9

_NUMBER = rb" ([0-9]{1,20})"
_CPU = re.compile(rb"\ncpu([0-9]{1,9})(?: [0-9]{1,20}){6}" + 3 * _NUMBER)
"""One expression for the whole file: with 128 CPUs and their domains that is 150 kB."""


class RunQueues(NamedTuple):
    """The numbers of all CPUs, column by column."""

    cpus: tuple[Digits, ...]
    running_nanoseconds: tuple[Digits, ...]
    waiting_nanoseconds: tuple[Digits, ...]
    timeslices: tuple[Digits, ...]


def parse_schedstat(text: bytes) -> RunQueues:
    """Parse lines such as `cpu0 0 0 0 0 0 0 700 20 3`. Raises ValueError when one is not that."""
    rows = _CPU.findall(text)
    if not rows or len(rows) != text.count(b"\ncpu"):
        raise ValueError(f"/proc/schedstat: expected CPUs with 9 numbers each: {shorten(text)}")
    return RunQueues(*zip(*rows, strict=True))


class SchedstatCollector:
    """The run queue of each CPU."""

    name = "schedstat"

    def __init__(self, kernel: KernelTree) -> None:
        self._file = kernel.proc("schedstat")
        self._cpus: tuple[Digits, ...] = ()
        self._layout = Layout(())

    def collect(self) -> Iterator[Filled]:
        """Yield the times of running and waiting, and the time slices."""
        try:
            text = self._file.read()
        except FileNotFoundError as error:
            raise NoData("this kernel has no /proc/schedstat (CONFIG_SCHEDSTATS)") from error
        cpus, *columns = parse_schedstat(text)
        if cpus != self._cpus:
            self._layout = _lay_out(cpus)
            self._cpus = cpus
        yield self._layout.fill([number for column in columns for number in column])


def _lay_out(cpus: tuple[Digits, ...]) -> Layout:
    rows = [(cpu.decode(),) for cpu in cpus]
    return Layout(
        [
            Series(
                "node_schedstat_running_seconds_total",
                "Time that tasks ran on the CPU, in seconds.",
                "counter",
                ("cpu",),
                rows,
                NANOSECONDS,
            ),
            Series(
                "node_schedstat_waiting_seconds_total",
                "Time that tasks which could run waited for the CPU, in seconds.",
                "counter",
                ("cpu",),
                rows,
                NANOSECONDS,
            ),
            Series(
                "node_schedstat_timeslices_total",
                "Time slices that tasks ran on the CPU.",
                "counter",
                ("cpu",),
                rows,
            ),
        ]
    )
