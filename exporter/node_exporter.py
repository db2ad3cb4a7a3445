"""Flags of node_exporter 1.11 that are not ours: what becomes of them on our command line.

A unit file written for node_exporter starts this daemon too. A flag without a counterpart here is
taken out with a warning; one that has another name now is renamed; one whose loss would be unsafe
(TLS asked for, plain text served) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from exporter.settings import DOCUMENTATION, SettingsError

_COLLECTORS = """
arp bcache bcachefs bonding btrfs buddyinfo cgroups conntrack cpu cpu_vulnerabilities cpufreq
diskstats dmi drbd drm edac entropy ethtool fibrechannel filefd filesystem hwmon infiniband
interrupts ipvs kernel_hung ksmd lnstat loadavg logind mdadm meminfo meminfo_numa mountstats
netclass netclass_rtnl netdev netstat network_route nfs nfsd ntp nvme os pcidevice perf powersupply
powersupplyclass pressure processes qdisc rapl runit schedstat selinux slabinfo sockstat softirqs
softnet stat supervisord swap sysctl systemd tapestats tcpstat textfile thermal_zone time timex
udp_queues uname vmstat watchdog wifi xfrm xfs zfs zoneinfo
"""

COLLECTORS = frozenset(_COLLECTORS.split())
"""The names between `--collector.` and the next dot."""

WITHOUT_EFFECT = {
    "collector.netclass_rtnl.with-stats": "the netdev collector shows the statistics",
    "runtime.gomaxprocs": "it concerns the Go runtime",
}

RENAMED = {
    "collector.diskstats.ignored-devices": "collector.diskstats.device-exclude",
    "collector.filesystem.ignored-fs-types": "collector.filesystem.fs-types-exclude",
    "collector.filesystem.ignored-mount-points": "collector.filesystem.mount-points-exclude",
    "collector.systemd.unit-blacklist": "collector.systemd.unit-exclude",
    "collector.systemd.unit-whitelist": "collector.systemd.unit-include",
}
"""node_exporter's own former names, which it still takes."""

REFUSED = {
    "web.config.file": "TLS and authentication are not there yet: remove it, and listen on this "
    "machine only, or put a proxy that has them in front",
    "web.systemd-socket": "socket activation is not there yet: remove it, and use "
    "--web.listen-address",
}

_FLAG = re.compile(r"--(?P<no>no-)?(?P<name>[^=]+)(?P<value>=.*)?\Z", re.DOTALL)


def translate(words: Sequence[str], ours: AbstractSet[str]) -> tuple[list[str], list[str]]:
    """Give the words of a command line that are ours, and warnings about the rest.

    `ours` are our flags without their dashes. What neither we nor node_exporter know stays in, for
    the parser to complain about. Raises SettingsError on a flag that must not be ignored.
    """
    kept: list[str] = []
    warnings: list[str] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        flag = _FLAG.match(word)
        name = flag["name"] if flag else ""
        if name in RENAMED:
            kept.append(word.replace(name, RENAMED[name], 1))
            warnings.append(f"--{name} is deprecated: use --{RENAMED[name]}")
            continue
        reason = _why_not_ours(name, ours)
        if flag is None or reason is None:
            kept.append(word)
            continue
        value = flag["value"]
        if value is None and waiting and not waiting[0].startswith("-"):
            value = waiting.pop(0)
        if name not in REFUSED:
            warnings.append(f"--{name} is node_exporter's and has no effect here: {reason}")
        elif not flag["no"] and value != "=":
            raise SettingsError(f"--{name}: {reason} (see {DOCUMENTATION})")
    return kept, warnings


def _why_not_ours(name: str, ours: AbstractSet[str]) -> str | None:
    """Why a flag of node_exporter's cannot be obeyed; None when it can, or is not one of its."""
    if name in ours:
        return None
    if reason := REFUSED.get(name) or WITHOUT_EFFECT.get(name):
        return reason
    prefix, _, rest = name.partition(".")
    collector = rest.partition(".")[0]
    if prefix != "collector" or collector not in COLLECTORS or f"collector.{collector}" in ours:
        return None
    return f"there is no {collector} collector yet"
