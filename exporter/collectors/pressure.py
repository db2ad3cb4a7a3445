"""Pressure stall information: time in which tasks waited for CPU, I/O, memory or interrupts.

Source: /proc/pressure (Linux kernel/sched/psi.c, Documentation/accounting/psi.rst) since 4.20, with
CONFIG_PSI and not switched off by psi=0; the file irq since 6.1, with
CONFIG_IRQ_TIME_ACCOUNTING. Needs no rights.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping

from exporter.families import Digits, Filled, Layout, Series
from exporter.kernel import KernelTree, NoData
from exporter.parsing import shorten

_TOTAL = re.compile(rb"^(some|full) [^\n]*\btotal=([0-9]{1,20})$", re.MULTILINE)

MICROSECONDS = -6

WAITING = (
    ("cpu", "Seconds in which some task waited for a CPU."),
    ("io", "Seconds in which some task waited for I/O."),
    ("memory", "Seconds in which some task waited for memory."),
)
STALLED = (
    ("io", "Seconds in which no task got on, all waiting for I/O."),
    ("memory", "Seconds in which no task got on, all waiting for memory."),
    ("irq", "Seconds in which no task got on because of interrupts."),
)

SERIES = {
    (resource, line): Series(
        f"node_pressure_{resource}_{meaning}_seconds_total",
        help_text,
        "counter",
        exponent=MICROSECONDS,
    )
    for line, meaning, resources in (
        (b"some", "waiting", WAITING),
        (b"full", "stalled", STALLED),
    )
    for resource, help_text in resources
}
"""By resource and line. The line full of cpu, there since 5.13, is left out: all tasks cannot wait
for a CPU at once, so it is always 0. irq has no other line than full."""


def parse_pressure(text: bytes) -> dict[bytes, Digits]:
    """Parse `some avg10=0.00 avg60=0.00 avg300=0.03 total=3824289` to its total, by the first word.

    The averages are left: Prometheus makes its own. Raises ValueError when there is no such line.
    """
    totals = dict(_TOTAL.findall(text))
    if not totals:
        raise ValueError(f"/proc/pressure: no totals in {shorten(text)}")
    return totals


class PressureCollector:
    """The totals of the whole system."""

    name = "pressure"

    def __init__(self, kernel: KernelTree) -> None:
        self._files = {
            resource: kernel.proc(f"pressure/{resource}")
            for resource in ("cpu", "io", "memory", "irq")
        }
        self._present: list[tuple[str, bytes]] = []
        self._layout = Layout(())
        self._texts: dict[str, bytes] = {}

    def collect(self) -> Iterator[Filled]:
        """Yield the totals this kernel has, one family for each resource and line."""
        texts = self._read()
        if texts != self._texts:
            self._filled = self._fill(texts)
            self._texts = texts
        yield self._filled

    def _fill(self, texts: Mapping[str, bytes]) -> Filled:
        totals = {
            (resource, line): total
            for resource, text in texts.items()
            for line, total in parse_pressure(text).items()
        }
        present = [key for key in SERIES if key in totals]
        if present != self._present:
            self._layout = Layout([SERIES[key] for key in present])
            self._present = present
        return self._layout.fill([totals[key] for key in present])

    def _read(self) -> dict[str, bytes]:
        texts = {}
        for resource, file in list(self._files.items()):
            try:
                texts[resource] = file.read()
            except FileNotFoundError:
                # A file that the kernel was built without does not come while it runs.
                del self._files[resource]
                continue
            except OSError as error:
                if error.errno == errno.EOPNOTSUPP:
                    raise NoData("pressure is switched off: boot the kernel with psi=1") from error
                raise
        if not texts:
            raise NoData("no /proc/pressure: needs Linux 4.20 or newer, built with CONFIG_PSI")
        return texts
