"""Panels on the disks and the network of a host."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards.panels import HALF, THIRD, timeseries
from tools.dashboards.queries import Query
from tools.dashboards.resources import (
    DISKS,
    FILE_SYSTEM_LIMITS,
    INODE_LIMITS,
    INTERFACES,
    SPACE,
)
from tools.dashboards.tables import Column, table


def rate_of(metric: str, matcher: str) -> str:
    """PromQL for the rate of a counter of devices."""
    return f"rate({metric}{{HOST, {matcher}}}[$__rate_interval])"


def both(metric: str, matcher: str, words: dict[str, str]) -> list[Query]:
    """Two directions of one counter: the words in its name, each with what people call it."""
    return [
        Query(rate_of(metric.format(word), matcher), f"{{{{instance}}}} {{{{device}}}} {called}")
        for word, called in words.items()
    ]


def disks() -> list[Panel]:
    """Traffic, delay, use and room."""
    return [*traffic(), *room()]


def traffic() -> list[Panel]:
    """What disks do."""
    return [*work(), *waiting()]


def work() -> list[Panel]:
    """How much disks do."""
    time = "node_disk_{}_time_seconds_total"
    done = "node_disk_{}s_completed_total"
    return [
        timeseries(
            "Disk throughput",
            "Bytes read and written per second.",
            *both("node_disk_{}_bytes_total", DISKS, {"read": "read", "written": "written"}),
            unit="Bps",
            size=THIRD,
        ),
        timeseries(
            "Disk latency",
            "Mean time that a request took, waiting included. Where nothing was read or written "
            "in the interval there is no point.",
            *[
                Query(
                    f"{rate_of(time.format(word), DISKS)} "
                    f"/ ({rate_of(done.format(word), DISKS)} > 0)",
                    f"{{{{instance}}}} {{{{device}}}} {word}",
                )
                for word in ("read", "write")
            ],
            unit="s",
            size=THIRD,
            empty="while no disk is used.",
        ),
        timeseries(
            "Disk utilisation",
            "Share of time in which the disk had something to do. An SSD or a RAID at 100 % may "
            "still take more: look at the latency.",
            Query(rate_of("node_disk_io_time_seconds_total", DISKS), "{{instance}} {{device}}"),
            unit="percentunit",
            size=THIRD,
        ),
    ]


def waiting() -> list[Panel]:
    """How long it is waited for them."""
    return [
        timeseries(
            "Disk requests",
            "Reads and writes completed per second.",
            *both("node_disk_{}_completed_total", DISKS, {"reads": "reads", "writes": "writes"}),
            unit="iops",
            size=THIRD,
        ),
        timeseries(
            "Disk queue",
            "Mean number of requests that were waiting or being served.",
            Query(
                rate_of("node_disk_io_time_weighted_seconds_total", DISKS),
                "{{instance}} {{device}}",
            ),
            unit="short",
            size=THIRD,
        ),
        timeseries(
            "Pressure on disks",
            "Share of time in which some or all tasks waited for disks (PSI).",
            Query(
                "rate(node_pressure_io_waiting_seconds_total{HOST}[$__rate_interval])",
                "{{instance}} some wait",
            ),
            Query(
                "rate(node_pressure_io_stalled_seconds_total{HOST}[$__rate_interval])",
                "{{instance}} all wait",
            ),
            unit="percentunit",
            size=THIRD,
            empty="on kernels without PSI (before Linux 4.20, or not enabled).",
        ),
    ]


def room() -> list[Panel]:
    """What is left on file systems."""
    available = f"node_filesystem_avail_bytes{{HOST, {SPACE}}}"
    used = f"1 - {available} / (node_filesystem_size_bytes{{HOST, {SPACE}}} > 0)"
    inodes = (
        f"1 - node_filesystem_files_free{{HOST, {SPACE}}} "
        f"/ (node_filesystem_files{{HOST, {SPACE}}} > 0)"
    )
    mount = "max by (instance, mountpoint, device, fstype)"
    return [
        table(
            "File systems",
            "Room and inodes on each file system. Used is what programs without special rights "
            "find used; some file systems count no inodes.",
            {"instance": "Host", "mountpoint": "Mounted on", "device": "Device", "fstype": "Kind"},
            Column("Used", f"{mount} ({used})", "percentunit", limits=FILE_SYSTEM_LIMITS),
            Column("Available", f"{mount} ({available})", "bytes"),
            Column("Inodes used", f"{mount} ({inodes})", "percentunit", limits=INODE_LIMITS),
            size=HALF,
            sort="Used",
        ),
        timeseries(
            "Room on file systems",
            "Bytes that programs without special rights can still write.",
            Query(available, "{{instance}} {{mountpoint}}"),
            unit="bytes",
            size=HALF,
        ),
    ]


def network() -> list[Panel]:
    """Interfaces and TCP."""
    return [*interfaces(), *connections()]


def interfaces() -> list[Panel]:
    """What goes through interfaces."""
    ways = {"receive": "in", "transmit": "out"}
    return [
        timeseries(
            "Network traffic",
            "Bytes received and sent per second.",
            *both("node_network_{}_bytes_total", INTERFACES, ways),
            unit="Bps",
            size=THIRD,
        ),
        timeseries(
            "Network packets",
            "Packets received and sent per second.",
            *both("node_network_{}_packets_total", INTERFACES, ways),
            unit="pps",
            size=THIRD,
        ),
        timeseries(
            "Network errors and drops",
            "Packets that were damaged, or for which there was no room.",
            *[
                query
                for kind, called in (("errs", "errors"), ("drop", "drops"))
                for query in both(
                    f"node_network_{{}}_{kind}_total",
                    INTERFACES,
                    {word: f"{called} {way}" for word, way in ways.items()},
                )
            ],
            unit="pps",
            size=THIRD,
        ),
    ]


def connections() -> list[Panel]:
    """What is held for connections."""
    return [
        timeseries(
            "TCP",
            "Connections that are open, and segments that had to be sent again per second.",
            Query("node_netstat_Tcp_CurrEstab{HOST}", "{{instance}} open"),
            Query(
                "rate(node_netstat_Tcp_RetransSegs{HOST}[$__rate_interval])",
                "{{instance}} sent again",
            ),
            unit="short",
            size=THIRD,
        ),
        timeseries(
            "Connection tracking",
            "Share of the table of connections that is in use; when it is full, packets are lost.",
            Query(
                "node_nf_conntrack_entries{HOST} / node_nf_conntrack_entries_limit{HOST}",
                "{{instance}}",
            ),
            unit="percentunit",
            size=THIRD,
            empty="where the kernel tracks no connections.",
        ),
        timeseries(
            "Open files of the host",
            "File handles in use, of all programs.",
            Query("node_filefd_allocated{HOST}", "{{instance}}"),
            unit="short",
            size=THIRD,
        ),
    ]
