"""Interrupts by CPU and source.

Source: /proc/interrupts (Linux fs/proc/interrupts.c, kernel/irq/proc.c and each architecture's
arch/*/kernel/irq.c). Needs no rights. Beware of its size: a line for each vector, with a number for
each CPU.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, compress

from exporter.collectors._percpu import PerCpuTable, Row, parse_per_cpu
from exporter.families import Digits, Filled, LabelValues, Layout, Series
from exporter.kernel import KernelTree, NoData
from exporter.options import NameFilter, option, parse_regexp, reject_both


@dataclass(frozen=True, slots=True)
class Options:
    """Which interrupts are shown."""

    name_include: re.Pattern[str] | None = option(
        None,
        "Regexp of the only interrupts to show, as `type;info;devices` (not together with"
        " name-exclude).",
        parse=parse_regexp,
    )
    name_exclude: re.Pattern[str] | None = option(
        None,
        "Regexp of interrupts to leave out, as `type;info;devices` (not together with"
        " name-include).",
        parse=parse_regexp,
    )
    include_zeros: bool = option(True, "Show CPUs that never had an interrupt, with a 0.")

    def __post_init__(self) -> None:
        reject_both(self.name_include, self.name_exclude, "name")


def parse_interrupts(text: bytes) -> PerCpuTable:
    """Parse the table. Raises ValueError when it is none."""
    table = parse_per_cpu(text)
    # A line without a source is one number for the whole machine, where that has a single CPU.
    return table._replace(rows=[row for row in table.rows if row.rest])


def name_interrupt(row: Row) -> tuple[str, str, str]:
    """Give type, info and devices: numbered interrupts have a controller, others only a text."""
    name = row.name.decode("utf-8", "replace")
    words = row.rest.decode("utf-8", "replace").split()
    if name.isdecimal():
        return name, words[0], " ".join(words[1:])
    return name, " ".join(words), ""


class InterruptsCollector:
    """Interrupts that each CPU has handled."""

    name = "interrupts"

    def __init__(self, kernel: KernelTree, options: Options | None = None) -> None:
        options = options or Options()
        self._file = kernel.proc("interrupts")
        self._filter = NameFilter(options.name_include, options.name_exclude)
        self._zeros = options.include_zeros
        self._sources: object = None
        self._shown: list[bool] = []
        self._labels: list[LabelValues] = []
        self._present: list[bool] = []
        self._layout = Layout(())

    def collect(self) -> Iterator[Filled]:
        """Yield node_interrupts_total."""
        try:
            table = parse_interrupts(self._file.read())
        except FileNotFoundError as error:
            raise NoData("this kernel has no /proc/interrupts") from error
        sources = (table.cpus, [(row.name, row.rest) for row in table.rows])
        if sources != self._sources:
            self._choose(table)
            self._sources = sources
        counts = list(chain.from_iterable(row.counts for row in compress(table.rows, self._shown)))
        yield self._fill(counts)

    def _choose(self, table: PerCpuTable) -> None:
        """Name the interrupts anew: one has come or gone, or a CPU."""
        names = [name_interrupt(row) for row in table.rows]
        self._shown = [self._filter.accepts(";".join(name)) for name in names]
        self._labels = [(cpu, *name) for name in compress(names, self._shown) for cpu in table.cpus]
        self._present = []
        self._lay_out(self._labels)

    def _lay_out(self, labels: Sequence[LabelValues]) -> None:
        self._layout = Layout(
            [
                Series(
                    "node_interrupts_total",
                    "Interrupts that a CPU has handled.",
                    "counter",
                    ("cpu", "type", "info", "devices"),
                    labels,
                )
            ]
        )

    def _fill(self, counts: list[Digits]) -> Filled:
        if self._zeros:
            return self._layout.fill(counts)
        present = [count != b"0" for count in counts]
        if present != self._present:
            self._present = present
            self._lay_out(list(compress(self._labels, present)))
        return self._layout.fill(list(compress(counts, present)))
