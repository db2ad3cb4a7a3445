"""Boot time, forks, context switches, interrupts and tasks of the whole system.

Source: /proc/stat (Linux fs/proc/stat.c; softirq since 2.6.31). Needs no rights. The CPU times in
the same file are the cpu collector's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from exporter.families import Digits, Family, Filled, Layout, Series
from exporter.kernel import KernelTree
from exporter.options import option
from exporter.parsing import integer, integers

VECTORS = (
    "hi",
    "timer",
    "net_tx",
    "net_rx",
    "block",
    "block_iopoll",
    "tasklet",
    "sched",
    "hrtimer",
    "rcu",
)
"""The softirq line's columns behind its sum (enum in Linux include/linux/interrupt.h). The sixth is
called irq_poll since 4.5; node_exporter's label stays."""

SERIES = {
    b"intr": Series("node_intr_total", "Interrupts serviced since boot.", "counter"),
    b"ctxt": Series("node_context_switches_total", "Context switches since boot.", "counter"),
    b"processes": Series(
        "node_forks_total", "Processes and threads created since boot.", "counter"
    ),
    b"btime": Series("node_boot_time_seconds", "When the host booted, in Unix time.", "gauge"),
    b"procs_running": Series("node_procs_running", "Tasks that run or are ready to run.", "gauge"),
    b"procs_blocked": Series(
        "node_procs_blocked", "Tasks blocked, waiting for I/O to complete.", "gauge"
    ),
}
"""By the line's word: the lines of one number."""


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of the stat collector."""

    softirq: bool = option(default=False, help="Expose softirqs per vector as node_softirqs_total.")


class SystemStat(NamedTuple):
    """The lines of /proc/stat behind the CPUs; what a kernel does not have is not in it."""

    numbers: dict[bytes, Digits]
    """By the line's word: the lines of one number, and the sum of all interrupts."""
    softirqs: dict[str, Digits]
    """By vector."""


def parse_stat(text: bytes) -> SystemStat:
    """Parse /proc/stat. Raises ValueError when it is not that.

    Of the line of interrupts only the sum is taken: the thousands of numbers behind it, one for
    each interrupt that a large machine could have, are not even split. Lines and softirq vectors
    of newer kernels are passed over.
    """
    _, _, rest = text.partition(b"\nintr ")
    interrupts, _, tail = rest.partition(b"\n")
    numbers = {b"intr": integer(interrupts.partition(b" ")[0])}
    softirqs: dict[str, Digits] = {}
    for line in tail.splitlines():
        word, _, values = line.partition(b" ")
        if word in SERIES:
            numbers[word] = integer(values)
        elif word == b"softirq":
            softirqs = dict(zip(VECTORS, integers(values.split())[1:], strict=False))
    return SystemStat(numbers, softirqs)


class StatCollector:
    """The system's own counters in /proc/stat."""

    name = "stat"

    def __init__(self, kernel: KernelTree, options: Options) -> None:
        self._file = kernel.proc("stat")
        self._softirq = options.softirq
        self._words: list[bytes] = []
        self._layout = Layout(())

    def collect(self) -> Iterator[Family | Filled]:
        """Yield one family for each line this kernel has."""
        stat = parse_stat(self._file.read())
        words = list(stat.numbers)
        if words != self._words:
            self._layout = Layout([SERIES[word] for word in words])
            self._words = words
        yield self._layout.fill(list(stat.numbers.values()))
        if self._softirq and stat.softirqs:
            yield Family(
                "node_softirqs_total",
                "Softirqs serviced since boot, by vector.",
                "counter",
                ("vector",),
                [((vector,), number) for vector, number in stat.softirqs.items()],
            )
