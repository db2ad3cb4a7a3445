"""Software interrupts by CPU and kind.

Source: /proc/softirqs (Linux fs/proc/softirqs.c, since 2.6.31), which has a column for each CPU
that there may be, offline ones too. Needs no rights.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from exporter.collectors._percpu import PerCpuTable, parse_per_cpu
from exporter.families import Filled, Layout, Series
from exporter.kernel import KernelTree, NoData


def parse_softirqs(text: bytes) -> PerCpuTable:
    """Parse the table. Raises ValueError when it is none."""
    return parse_per_cpu(text)


class SoftirqsCollector:
    """Software interrupts that each CPU has handled."""

    name = "softirqs"

    def __init__(self, kernel: KernelTree) -> None:
        self._file = kernel.proc("softirqs")
        self._kinds: object = None
        self._layout = Layout(())

    def collect(self) -> Iterator[Filled]:
        """Yield node_softirqs_functions_total."""
        try:
            table = parse_softirqs(self._file.read())
        except FileNotFoundError as error:
            raise NoData("this kernel has no /proc/softirqs") from error
        kinds = (table.cpus, [row.name for row in table.rows])
        if kinds != self._kinds:
            self._lay_out(*kinds)
            self._kinds = kinds
        yield self._layout.fill(list(chain.from_iterable(row.counts for row in table.rows)))

    def _lay_out(self, cpus: tuple[str, ...], kinds: list[bytes]) -> None:
        self._layout = Layout(
            [
                Series(
                    "node_softirqs_functions_total",
                    "Software interrupts that a CPU has handled.",
                    "counter",
                    ("cpu", "type"),
                    [(cpu, kind.decode("utf-8", "replace")) for kind in kinds for cpu in cpus],
                )
            ]
        )
