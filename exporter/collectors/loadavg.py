"""Load averages from /proc/loadavg.

Source: Linux fs/proc/loadavg.c, since the first kernels. Needs no rights.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from exporter.families import Digits, Filled, Layout, Series
from exporter.kernel import KernelTree
from exporter.parsing import decimal


class LoadAverages(NamedTuple):
    """Runnable and uninterruptible tasks, averaged over 1, 5 and 15 minutes."""

    one: Digits
    five: Digits
    fifteen: Digits


def parse_loadavg(text: bytes) -> LoadAverages:
    """Parse `0.12 0.34 0.56 2/345 6789`. Raises ValueError when it is not that."""
    fields = text.split()
    if len(fields) < 3:
        raise ValueError(f"/proc/loadavg: expected at least 3 fields, got {len(fields)}")
    return LoadAverages(*(decimal(field) for field in fields[:3]))


LAYOUT = Layout(
    [
        Series("node_load1", "1m load average.", "gauge"),
        Series("node_load5", "5m load average.", "gauge"),
        Series("node_load15", "15m load average.", "gauge"),
    ]
)


class LoadavgCollector:
    """The three load averages."""

    name = "loadavg"

    def __init__(self, kernel: KernelTree) -> None:
        self._file = kernel.proc("loadavg")

    def collect(self) -> Iterable[Filled]:
        """Yield node_load1, node_load5 and node_load15."""
        yield LAYOUT.fill(parse_loadavg(self._file.read()))
