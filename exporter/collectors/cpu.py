"""CPU time by mode, throttling, isolation and identity of every CPU.

Sources: /proc/stat (Linux fs/proc/stat.c; steal since 2.6.11, guest since 2.6.24, guest_nice since
2.6.33), /sys/devices/system/cpu (`_cpu_topology.py`) and, on request, /proc/cpuinfo
(`_cpuinfo.py`). Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import gt
from typing import NamedTuple

from exporter.collectors._cpu_topology import CpuTopology
from exporter.collectors._cpuinfo import CpuInfo
from exporter.families import Digits, Filled, Layout, Series
from exporter.kernel import KernelTree
from exporter.options import option, parse_regexp
from exporter.parsing import integers, shorten

MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
"""The kernel's columns in their order; behind them come guests, counted in user and nice too."""

IDLE, IOWAIT = MODES.index("idle"), MODES.index("iowait")

GUEST_MODES = ("user", "nice")

TICK_EXPONENT = -2
"""USER_HZ, the unit of /proc/stat, is 100 on every architecture Linux still has but alpha."""

HOTPLUG_TICKS = 300
"""Idle time that falls by 3 s or more is that of a replugged CPU: node_exporter's limit."""

_NAMES = re.compile(rb"cpu[0-9]{1,9}(?: cpu[0-9]{1,9})*\Z")


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of the cpu collector."""

    guest: bool = option(default=True, help="Expose node_cpu_guest_seconds_total.")
    info: bool = option(
        default=False, help="Expose node_cpu_info and the frequency from /proc/cpuinfo."
    )
    info_flags_include: re.Pattern[str] | None = option(
        None,
        "Expose as node_cpu_flag_info the CPU flags that match this regexp; turns info on.",
        parse=parse_regexp,
        flag="info.flags-include",
    )
    info_bugs_include: re.Pattern[str] | None = option(
        None,
        "Expose as node_cpu_bug_info the CPU bugs that match this regexp; turns info on.",
        parse=parse_regexp,
        flag="info.bugs-include",
    )

    @property
    def wants_info(self) -> bool:
        """Whether /proc/cpuinfo is read at all."""
        return bool(self.info or self.info_flags_include or self.info_bugs_include)


class CpuTimes(NamedTuple):
    """The time of every CPU that is online, in ticks."""

    names: list[bytes]
    """`cpu0`, `cpu1`, ..."""
    columns: list[list[Digits]]
    """One list for each of the kernel's columns (user, nice, ...), with one number for each CPU."""


def parse_stat_cpus(text: bytes) -> CpuTimes:
    """Parse the `cpuN` lines of /proc/stat. Raises ValueError when it is not that.

    The sum over all CPUs, which comes first, tells how many columns this kernel has. On the rest,
    which is long on big machines, all work is done on whole lists.
    """
    total, _, rest = text.partition(b"\n")
    rows, end, _ = rest.partition(b"\nintr ")
    width = len(total.split())
    if not end or width < 2 + IOWAIT:
        raise ValueError(f"/proc/stat: expected lines of CPU times, got {shorten(text)}")
    fields = rows.split()
    names = fields[::width]
    if not _NAMES.match(b" ".join(names)) or len(fields) != width * len(names):
        raise ValueError(f"/proc/stat: expected {width} columns for each CPU: {shorten(rows)}")
    del fields[::width]
    integers(fields)
    width -= 1
    return CpuTimes(names, [fields[column::width] for column in range(width)])


class BackstepGuard:
    """Holds idle and iowait where the kernel lets them step back.

    Both are estimated for a CPU that sleeps without ticks, so a later reading may be lower
    (proc(5); Linux kernel/time/tick-sched.c). To Prometheus that would be a counter reset, and a
    rate would count the whole past once more.
    """

    def __init__(self) -> None:
        self._names: list[bytes] = []
        self._held: list[list[int]] = [[], []]

    def apply(self, times: CpuTimes) -> None:
        """Replace in the columns what went back by what was seen before."""
        columns = [times.columns[IDLE], times.columns[IOWAIT]]
        now = [list(map(int, column)) for column in columns]
        if times.names != self._names:
            self._align(times.names, now)
        held = self._held
        if any(map(gt, held[0], now[0])) or any(map(gt, held[1], now[1])):
            self._hold(columns, now)
        self._held = now

    def _align(self, names: list[bytes], now: list[list[int]]) -> None:
        """Bring what was held into the order of the CPUs that are online now."""
        for index, held in enumerate(self._held):
            by_name = dict(zip(self._names, held, strict=True))
            self._held[index] = [
                by_name.get(name, number) for name, number in zip(names, now[index], strict=True)
            ]
        self._names = names

    def _hold(self, columns: list[list[Digits]], now: list[list[int]]) -> None:
        held_idle, held_iowait = self._held
        for cpu, idle in enumerate(now[0]):
            if held_idle[cpu] - idle >= HOTPLUG_TICKS:
                continue
            now[0][cpu] = max(idle, held_idle[cpu])
            now[1][cpu] = max(now[1][cpu], held_iowait[cpu])
            columns[0][cpu] = b"%d" % now[0][cpu]
            columns[1][cpu] = b"%d" % now[1][cpu]


class CpuCollector:
    """CPU times, and what sysfs and cpuinfo say about the CPUs."""

    name = "cpu"

    def __init__(self, kernel: KernelTree, options: Options) -> None:
        self._kernel = kernel
        self._stat = kernel.proc("stat")
        self._guest = options.guest
        self._info = (
            CpuInfo(kernel, options.info_flags_include, options.info_bugs_include)
            if options.wants_info
            else None
        )
        self._guard = BackstepGuard()
        self._names: list[bytes] = []
        self._layout = Layout(())
        self._topology = CpuTopology(kernel, ())

    def collect(self) -> Iterator[Filled]:
        """Yield node_cpu_seconds_total and its kin for the CPUs that are online now."""
        times = parse_stat_cpus(self._stat.read())
        if times.names != self._names:
            self._adopt(times)
        self._guard.apply(times)
        columns = times.columns
        # Row after row: Prometheus and people both expect the modes of a CPU side by side.
        numbers = list(chain.from_iterable(zip(*columns[: len(MODES)], strict=True)))
        if self._guest:
            guests = columns[len(MODES) : len(MODES) + len(GUEST_MODES)]
            numbers += chain.from_iterable(zip(*guests, strict=True))
        yield self._layout.fill(numbers)
        try:
            yield from self._topology.collect()
        except OSError:
            # A CPU went offline after /proc/stat was read. Look for everything anew next time.
            self._names = []
        if self._info is not None:
            yield self._info.collect()

    def _adopt(self, times: CpuTimes) -> None:
        """Prepare for another set of CPUs: at the first collection, and when one came or went."""
        cpus = [name[3:].decode() for name in times.names]
        series = [
            Series(
                "node_cpu_seconds_total",
                "Seconds a CPU spent in each mode.",
                "counter",
                ("cpu", "mode"),
                _product(cpus, MODES[: len(times.columns)]),
                TICK_EXPONENT,
            )
        ]
        guest_modes = GUEST_MODES[: max(0, len(times.columns) - len(MODES))]
        if self._guest and guest_modes:
            series.append(
                Series(
                    "node_cpu_guest_seconds_total",
                    "Seconds a CPU spent running guests (virtual machines), "
                    "which node_cpu_seconds_total counts as user and nice too.",
                    "counter",
                    ("cpu", "mode"),
                    _product(cpus, guest_modes),
                    TICK_EXPONENT,
                )
            )
        self._layout = Layout(series)
        self._topology.close()
        self._topology = CpuTopology(self._kernel, cpus)
        self._names = times.names


def _product(cpus: Sequence[str], modes: Sequence[str]) -> list[tuple[str, ...]]:
    return [(cpu, mode) for cpu in cpus for mode in modes]
