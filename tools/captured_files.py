"""Which kernel files each collector reads: what tools/capture_host.py records."""

from __future__ import annotations

CAPTURED: dict[str, tuple[str, ...]] = {
    "cpu": (
        "proc/stat",
        "proc/cpuinfo",
        "sys/devices/system/cpu/isolated",
        "sys/devices/system/cpu/online",
        "sys/devices/system/cpu/cpu[0-9]*/online",
        "sys/devices/system/cpu/cpu[0-9]*/topology/core_id",
        "sys/devices/system/cpu/cpu[0-9]*/topology/physical_package_id",
        "sys/devices/system/cpu/cpu[0-9]*/thermal_throttle/core_throttle_count",
        "sys/devices/system/cpu/cpu[0-9]*/thermal_throttle/package_throttle_count",
    ),
    "diskstats": ("proc/diskstats", "run/udev/data/b[0-9]*", "sys/block/*/queue/rotational"),
    "filesystem": ("proc/1/mountinfo",),
    "loadavg": ("proc/loadavg",),
    "meminfo": ("proc/meminfo",),
    "netdev": ("proc/1/net/dev", "sys/class/net/*/statistics/rx_nohandler"),
    "netstat": ("proc/1/net/netstat", "proc/1/net/snmp", "proc/1/net/snmp6"),
    "pressure": ("proc/pressure/*",),
    "sockstat": ("proc/1/net/sockstat", "proc/1/net/sockstat6"),
    "stat": ("proc/stat",),
    "time": (
        "sys/devices/system/clocksource/clocksource[0-9]*/available_clocksource",
        "sys/devices/system/clocksource/clocksource[0-9]*/current_clocksource",
    ),
    "uname": (
        "proc/sys/kernel/arch",
        "proc/sys/kernel/domainname",
        "proc/sys/kernel/hostname",
        "proc/sys/kernel/osrelease",
        "proc/sys/kernel/ostype",
        "proc/sys/kernel/version",
    ),
    "vmstat": ("proc/vmstat",),
}
"""What each collector reads. `proc/1/` is read from `proc/self/` where process 1 is off limits."""
