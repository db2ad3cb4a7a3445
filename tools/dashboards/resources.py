"""How a host's use of its resources is counted, for all pages that show it."""

from __future__ import annotations

from exporter.iris.governor.decision import DEFAULT_THRESHOLDS
from tools.dashboards.looks import CRITICAL, WARNING, Limit, Limits

# As the alert HostCpuAboveAutoDisableThreshold counts it: a share of all time, and a CPU that waits
# for a disk is free to work.
CPU_BUSY = """
    1 - sum by (job, instance) (
      rate(node_cpu_seconds_total{HOST, mode=~"idle|iowait"}[$__rate_interval])
    )
    / sum by (job, instance) (rate(node_cpu_seconds_total{HOST}[$__rate_interval]))
"""

# As the alert HostMemoryAboveAutoDisableThreshold counts it: before Linux 3.14 there is no
# MemAvailable, and what it is made of is added up.
MEMORY_AVAILABLE = """
    (
      node_memory_MemAvailable_bytes{HOST}
      or
      (
        node_memory_MemFree_bytes{HOST}
        + node_memory_Active_file_bytes{HOST}
        + node_memory_Inactive_file_bytes{HOST}
        + node_memory_SReclaimable_bytes{HOST}
      )
    )
"""
MEMORY_USED = f"1 - {MEMORY_AVAILABLE} / node_memory_MemTotal_bytes{{HOST}}"

DISKS = 'device!~"loop.*|ram.*|sr.*|fd.*"'
"""Disks that hold something, as a matcher."""

SPACE = 'fstype!~"tmpfs|ramfs|squashfs|iso9660|overlay"'
"""File systems that can fill up and stay, as a matcher."""

INTERFACES = 'device!~"lo|veth.*|docker.*|br-.*|ifb.*"'
"""Interfaces to somewhere else, as a matcher."""


FILE_SYSTEM_LIMITS = (Limit(0.9, WARNING), Limit(0.97, CRITICAL))
"""As the alerts HostDiskAlmostFull and HostDiskFull, which leave out what is huge."""

INODE_LIMITS = (Limit(0.95, WARNING),)
"""As the alert HostInodesAlmostUsedUp."""


def governed(disable_percent: float, enable_percent: float) -> Limits:
    """Orange from where the governor would not yet resume, red from where it suspends."""
    return (Limit(enable_percent / 100, WARNING), Limit(disable_percent / 100, CRITICAL))


CPU_LIMITS = governed(DEFAULT_THRESHOLDS.cpu_disable_percent, DEFAULT_THRESHOLDS.cpu_enable_percent)
MEMORY_LIMITS = governed(
    DEFAULT_THRESHOLDS.memory_disable_percent, DEFAULT_THRESHOLDS.memory_enable_percent
)
