"""The collectors: one kernel area each. File name = collector name = configuration key.

`ALL` is the one list of them; nothing is registered by being imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol

from exporter.collectors import (
    cpu,
    diskstats,
    filesystem,
    loadavg,
    meminfo,
    netdev,
    netstat,
    pressure,
    sockstat,
    stat,
    time,
    uname,
    vmstat,
)
from exporter.families import Family, Filled


class Collector(Protocol):
    """What the scrape engine needs of a collector.

    `collect` raises on failure, and `NoData` when this host lacks the source. It may be written as
    a generator: families count only when it has ended, all of them or none. One that keeps threads
    also has `close()`, which is called when it is not needed any more.
    """

    name: str

    def collect(self) -> Iterable[Family | Filled]:
        """Read the source and give its families."""
        ...


class Entry(NamedTuple):
    """How a collector is known to the settings and made by the service."""

    name: str
    make: Callable[..., Collector]
    """Called with the KernelTree, and with the options when there are any."""
    options: type[Any] | None = None
    enabled: bool = True
    slow: bool = False
    """Whether its source may take milliseconds by nature (a sensor behind a slow bus, a service)."""


ALL: tuple[Entry, ...] = (
    Entry("cpu", cpu.CpuCollector, cpu.Options),
    Entry("diskstats", diskstats.DiskstatsCollector, diskstats.Options),
    Entry("filesystem", filesystem.FilesystemCollector, filesystem.Options),
    Entry("loadavg", loadavg.LoadavgCollector),
    Entry("meminfo", meminfo.MeminfoCollector),
    Entry("netdev", netdev.NetdevCollector, netdev.Options),
    Entry("netstat", netstat.NetstatCollector, netstat.Options),
    Entry("pressure", pressure.PressureCollector),
    Entry("sockstat", sockstat.SockstatCollector),
    Entry("stat", stat.StatCollector, stat.Options),
    Entry("time", time.TimeCollector),
    Entry("uname", uname.UnameCollector),
    Entry("vmstat", vmstat.VmstatCollector, vmstat.Options),
)
