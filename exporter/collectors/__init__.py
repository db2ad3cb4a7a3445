"""The collectors: one kernel area each. File name = collector name = configuration key.

`ALL` is the one list of them; nothing is registered by being imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol

from exporter.collectors import (
    arp,
    bcache,
    bcachefs,
    bonding,
    btrfs,
    buddyinfo,
    cgroups,
    conntrack,
    cpu,
    cpu_vulnerabilities,
    cpufreq,
    diskstats,
    dmi,
    drbd,
    drm,
    edac,
    entropy,
    ethtool,
    fibrechannel,
    filefd,
    filesystem,
    hwmon,
    infiniband,
    interrupts,
    ipvs,
    kernel_hung,
    ksmd,
    lnstat,
    loadavg,
    logind,
    mdadm,
    meminfo,
    meminfo_numa,
    mountstats,
    netclass,
    netdev,
    netstat,
    network_route,
    nfs,
    nfsd,
    nvme,
    os,
    pcidevice,
    powersupplyclass,
    pressure,
    processes,
    qdisc,
    rapl,
    schedstat,
    selinux,
    slabinfo,
    sockstat,
    softirqs,
    softnet,
    stat,
    swap,
    sysctl,
    systemd,
    tapestats,
    tcpstat,
    textfile,
    thermal_zone,
    time,
    timex,
    topprocesses,
    udp_queues,
    uname,
    vmstat,
    watchdog,
    wifi,
    xfrm,
    xfs,
    zfs,
    zoneinfo,
)
from exporter.families import Family, Filled


class Collector(Protocol):
    """What the scrape engine needs of a collector.

    `collect` raises on failure, and `NoData` when this host lacks the source. It may be written as
    a generator: families count only when it has ended, all of them or none. One that keeps threads
    also has `close()`, which is called when it is not needed any more; one that has `heed()` is
    told after each collection what all of them gave.
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
    """Whether its source may take milliseconds by nature: a sensor behind a slow bus, a service."""


ALL: tuple[Entry, ...] = (
    Entry("arp", arp.ArpCollector, arp.Options),
    Entry("bcache", bcache.BcacheCollector, bcache.Options),
    Entry("bcachefs", bcachefs.BcachefsCollector),
    Entry("bonding", bonding.BondingCollector),
    Entry("btrfs", btrfs.BtrfsCollector),
    Entry("buddyinfo", buddyinfo.BuddyinfoCollector, enabled=False),
    Entry("cgroups", cgroups.CgroupsCollector, cgroups.Options, enabled=False, slow=True),
    Entry("conntrack", conntrack.ConntrackCollector),
    Entry("cpu", cpu.CpuCollector, cpu.Options),
    Entry("cpu_vulnerabilities", cpu_vulnerabilities.CpuVulnerabilitiesCollector, enabled=False),
    Entry("cpufreq", cpufreq.CpufreqCollector, slow=True),
    Entry("diskstats", diskstats.DiskstatsCollector, diskstats.Options),
    Entry("dmi", dmi.DmiCollector),
    Entry("drbd", drbd.DrbdCollector, enabled=False),
    Entry("drm", drm.DrmCollector, enabled=False, slow=True),
    Entry("edac", edac.EdacCollector),
    Entry("entropy", entropy.EntropyCollector),
    Entry("ethtool", ethtool.EthtoolCollector, ethtool.Options, enabled=False),
    Entry("fibrechannel", fibrechannel.FibrechannelCollector, slow=True),
    Entry("filefd", filefd.FilefdCollector),
    Entry("filesystem", filesystem.FilesystemCollector, filesystem.Options),
    Entry("hwmon", hwmon.HwmonCollector, hwmon.Options, slow=True),
    Entry("infiniband", infiniband.InfinibandCollector, slow=True),
    Entry("interrupts", interrupts.InterruptsCollector, interrupts.Options, enabled=False),
    Entry("ipvs", ipvs.IpvsCollector, ipvs.Options),
    Entry("kernel_hung", kernel_hung.KernelHungCollector),
    Entry("ksmd", ksmd.KsmdCollector, enabled=False),
    Entry("lnstat", lnstat.LnstatCollector, enabled=False),
    Entry("loadavg", loadavg.LoadavgCollector),
    Entry("logind", logind.LogindCollector, enabled=False, slow=True),
    Entry("mdadm", mdadm.MdadmCollector),
    Entry("meminfo", meminfo.MeminfoCollector),
    Entry("meminfo_numa", meminfo_numa.MeminfoNumaCollector, enabled=False),
    Entry("mountstats", mountstats.MountstatsCollector, enabled=False),
    Entry("netclass", netclass.NetclassCollector, netclass.Options),
    Entry("netdev", netdev.NetdevCollector, netdev.Options),
    Entry("netstat", netstat.NetstatCollector, netstat.Options),
    Entry("network_route", network_route.NetworkRouteCollector, enabled=False),
    Entry("nfs", nfs.NfsCollector),
    Entry("nfsd", nfsd.NfsdCollector),
    Entry("nvme", nvme.NvmeCollector, slow=True),
    Entry("os", os.OsCollector),
    Entry("pcidevice", pcidevice.PcideviceCollector, pcidevice.Options, enabled=False),
    Entry(
        "powersupplyclass",
        powersupplyclass.PowersupplyclassCollector,
        powersupplyclass.Options,
        slow=True,
    ),
    Entry("pressure", pressure.PressureCollector),
    Entry("processes", processes.ProcessesCollector, enabled=False, slow=True),
    Entry("qdisc", qdisc.QdiscCollector, qdisc.Options, enabled=False),
    Entry("rapl", rapl.RaplCollector, rapl.Options),
    Entry("schedstat", schedstat.SchedstatCollector),
    Entry("selinux", selinux.SelinuxCollector),
    Entry("slabinfo", slabinfo.SlabinfoCollector, slabinfo.Options, enabled=False),
    Entry("sockstat", sockstat.SockstatCollector),
    Entry("softirqs", softirqs.SoftirqsCollector, enabled=False),
    Entry("softnet", softnet.SoftnetCollector),
    Entry("stat", stat.StatCollector, stat.Options),
    Entry("swap", swap.SwapCollector, enabled=False),
    Entry("sysctl", sysctl.SysctlCollector, sysctl.Options, enabled=False),
    Entry("systemd", systemd.SystemdCollector, systemd.Options, enabled=False, slow=True),
    Entry("tapestats", tapestats.TapestatsCollector, tapestats.Options),
    Entry("tcpstat", tcpstat.TcpstatCollector, enabled=False),
    Entry("textfile", textfile.TextfileCollector, textfile.Options),
    Entry("thermal_zone", thermal_zone.ThermalZoneCollector, slow=True),
    Entry("time", time.TimeCollector),
    Entry("timex", timex.TimexCollector),
    Entry(
        "topprocesses",
        topprocesses.TopprocessesCollector,
        topprocesses.Options,
        enabled=False,
        slow=True,
    ),
    Entry("udp_queues", udp_queues.UdpQueuesCollector),
    Entry("uname", uname.UnameCollector),
    Entry("vmstat", vmstat.VmstatCollector, vmstat.Options),
    Entry("watchdog", watchdog.WatchdogCollector),
    Entry("wifi", wifi.WifiCollector, enabled=False),
    Entry("xfrm", xfrm.XfrmCollector, enabled=False),
    Entry("xfs", xfs.XfsCollector),
    Entry("zfs", zfs.ZfsCollector),
    Entry("zoneinfo", zoneinfo.ZoneinfoCollector, enabled=False),
)
