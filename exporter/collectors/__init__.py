"""The collectors: one kernel area each. File name = collector name = configuration key.

`ALL` is the one list of them; nothing is registered by being imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, NamedTuple, Protocol

from exporter.families import Family, Filled


class Collector(Protocol):
    """What the scrape engine needs of a collector.

    `collect` raises on failure, and `NoData` when this host lacks the source. It may be written as
    a generator: families count only when it has ended, all of them or none. One that keeps threads
    also has `close()`, which is called when it is not needed any more; one that has `heed()` is
    told after each collection what all of them gave. One that samples in the background has
    `wait()`, by which a single collection gets its first sample. A costly one has `suspend()` and
    `resume()`, between which it is to burden the host with nothing.
    """

    name: str

    def collect(self) -> Iterable[Family | Filled]:
        """Read the source and give its families."""
        ...


class Entry(NamedTuple):
    """How a collector is known to the settings and made by the service.

    Its module is imported when it is used: those that are off cost neither time nor memory.
    """

    name: str
    class_name: str
    has_options: bool = False
    """Whether the module has a dataclass called Options."""
    enabled: bool = True
    slow: bool = False
    """Whether its source may take milliseconds by nature: a sensor behind a slow bus, a service."""
    stateful: bool = False
    """Whether it counts itself: a reload that changes none of its settings keeps it as it is."""

    @property
    def make(self) -> Callable[..., Collector]:
        """Makes the collector of a KernelTree, and of the options when there are any."""
        made: Callable[..., Collector] = getattr(self._import(), self.class_name)
        return made

    @property
    def options(self) -> type[Any] | None:
        """The dataclass of its options."""
        return self._import().Options if self.has_options else None

    def _import(self) -> Any:
        return import_module(f"exporter.collectors.{self.name}")


ALL: tuple[Entry, ...] = (
    Entry("arp", "ArpCollector", has_options=True),
    Entry("bcache", "BcacheCollector", has_options=True),
    Entry("bcachefs", "BcachefsCollector", slow=True),
    Entry("bonding", "BondingCollector"),
    Entry("btrfs", "BtrfsCollector"),
    Entry("buddyinfo", "BuddyinfoCollector", enabled=False),
    Entry("cgroups", "CgroupsCollector", has_options=True, enabled=False, slow=True),
    Entry("conntrack", "ConntrackCollector"),
    Entry("cpu", "CpuCollector", has_options=True),
    Entry("cpu_vulnerabilities", "CpuVulnerabilitiesCollector", enabled=False),
    Entry("cpufreq", "CpufreqCollector", slow=True),
    Entry("diskstats", "DiskstatsCollector", has_options=True),
    Entry("dmi", "DmiCollector"),
    Entry("drbd", "DrbdCollector", enabled=False),
    Entry("drm", "DrmCollector", enabled=False, slow=True),
    Entry("edac", "EdacCollector"),
    Entry("entropy", "EntropyCollector"),
    Entry("ethtool", "EthtoolCollector", has_options=True, enabled=False),
    Entry("fibrechannel", "FibrechannelCollector", slow=True),
    Entry("filefd", "FilefdCollector"),
    Entry("filesystem", "FilesystemCollector", has_options=True),
    Entry("hwmon", "HwmonCollector", has_options=True, slow=True),
    Entry("infiniband", "InfinibandCollector", slow=True),
    Entry("interrupts", "InterruptsCollector", has_options=True, enabled=False),
    Entry("ipvs", "IpvsCollector", has_options=True),
    Entry("kernel_hung", "KernelHungCollector"),
    Entry("ksmd", "KsmdCollector", enabled=False),
    Entry("lnstat", "LnstatCollector", enabled=False),
    Entry("loadavg", "LoadavgCollector"),
    Entry("logind", "LogindCollector", enabled=False, slow=True),
    Entry("mdadm", "MdadmCollector"),
    Entry("meminfo", "MeminfoCollector"),
    Entry("meminfo_numa", "MeminfoNumaCollector", enabled=False),
    Entry("mountstats", "MountstatsCollector", enabled=False),
    Entry("netclass", "NetclassCollector", has_options=True),
    Entry("netdev", "NetdevCollector", has_options=True),
    Entry("netstat", "NetstatCollector", has_options=True),
    Entry("network_route", "NetworkRouteCollector", enabled=False),
    Entry("nfs", "NfsCollector"),
    Entry("nfsd", "NfsdCollector"),
    Entry("nvme", "NvmeCollector", slow=True),
    Entry("os", "OsCollector"),
    Entry("pcidevice", "PcideviceCollector", has_options=True, enabled=False),
    Entry("perf", "PerfCollector", has_options=True, enabled=False, stateful=True),
    Entry("powersupplyclass", "PowersupplyclassCollector", has_options=True, slow=True),
    Entry("pressure", "PressureCollector"),
    Entry("processes", "ProcessesCollector", enabled=False, slow=True),
    Entry("qdisc", "QdiscCollector", has_options=True, enabled=False),
    Entry("rapl", "RaplCollector", has_options=True),
    Entry("schedstat", "SchedstatCollector"),
    Entry("selinux", "SelinuxCollector"),
    Entry("slabinfo", "SlabinfoCollector", has_options=True, enabled=False),
    Entry("sockstat", "SockstatCollector"),
    Entry("softirqs", "SoftirqsCollector", enabled=False),
    Entry("softnet", "SoftnetCollector"),
    Entry("stat", "StatCollector", has_options=True),
    Entry("swap", "SwapCollector", enabled=False),
    Entry("sysctl", "SysctlCollector", has_options=True, enabled=False),
    Entry("systemd", "SystemdCollector", has_options=True, enabled=False, slow=True),
    Entry("tapestats", "TapestatsCollector", has_options=True),
    Entry("tcpstat", "TcpstatCollector", enabled=False),
    Entry("textfile", "TextfileCollector", has_options=True),
    Entry("thermal_zone", "ThermalZoneCollector", slow=True),
    Entry("time", "TimeCollector"),
    Entry("timex", "TimexCollector"),
    Entry("topprocesses", "TopprocessesCollector", has_options=True, enabled=False, slow=True),
    Entry("udp_queues", "UdpQueuesCollector"),
    Entry("uname", "UnameCollector"),
    Entry("vmstat", "VmstatCollector", has_options=True),
    Entry("watchdog", "WatchdogCollector"),
    Entry("wifi", "WifiCollector", enabled=False),
    Entry("xfrm", "XfrmCollector", enabled=False),
    Entry("xfs", "XfsCollector"),
    Entry("zfs", "ZfsCollector"),
    Entry("zoneinfo", "ZoneinfoCollector", enabled=False),
)
