"""What the dashboard Compare compares."""

from __future__ import annotations

from typing import NamedTuple

from tools.dashboards.resources import CPU_BUSY, DISKS, INTERFACES, MEMORY_USED

HOST = "{{instance}}"
INSTANCE = "{{iris_instance}} on {{instance}}"


class Compared(NamedTuple):
    """An expression whose selectors all have braces: behind them goes the offset."""

    title: str
    description: str
    expression: str
    unit: str
    legend: str = HOST
    empty: str = ""


def of_devices(first: str, second: str, matcher: str) -> str:
    """Two counters of devices together, by host."""
    counters = (f"rate({name}{{HOST, {matcher}}}[$__rate_interval])" for name in (first, second))
    return f"sum by (instance) ({' + '.join(counters)})"


DISK_BYTES = of_devices("node_disk_read_bytes_total", "node_disk_written_bytes_total", DISKS)
DISK_TIME = of_devices(
    "node_disk_read_time_seconds_total", "node_disk_write_time_seconds_total", DISKS
)
DISK_REQUESTS = of_devices(
    "node_disk_reads_completed_total", "node_disk_writes_completed_total", DISKS
)
NETWORK_BYTES = of_devices(
    "node_network_receive_bytes_total", "node_network_transmit_bytes_total", INTERFACES
)

OF_HOSTS = [
    Compared(
        "CPU busy",
        "Share of all CPU time that was neither idle nor waiting for a disk.",
        CPU_BUSY,
        "percentunit",
    ),
    Compared(
        "Memory used", "Share of memory that no program could be given.", MEMORY_USED, "percentunit"
    ),
    Compared("Load", "Mean of five minutes.", "node_load5{HOST}", "short"),
    Compared("Disk throughput", "Bytes read and written, all disks together.", DISK_BYTES, "Bps"),
    Compared(
        "Disk latency",
        "Mean time of a request, all disks together.",
        f"{DISK_TIME} / ({DISK_REQUESTS} > 0)",
        "s",
        empty="while no disk is used.",
    ),
    Compared(
        "Network traffic",
        "Bytes received and sent, all interfaces to somewhere else together.",
        NETWORK_BYTES,
        "Bps",
    ),
    Compared(
        "Instructions per cycle",
        "As recorded from the counters of the CPU.",
        "instance:perf_instructions_per_cycle:ratio_rate5m{HOST}",
        "short",
        empty="where the CPU or the hypervisor has no such counters.",
    ),
]


def of_iris(counter: str) -> str:
    """The rate of a counter of an instance."""
    return f"sum by (instance, iris_instance) (rate({counter}{{IRIS}}[$__rate_interval]))"


NO_IRIS = "where no instance of IRIS is configured."

OF_IRIS = [
    Compared(title, description, of_iris(counter), "ops", INSTANCE, NO_IRIS)
    for title, description, counter in (
        ("Global references", "Per second.", "iris_global_references_total"),
        ("Global updates", "References that set or kill.", "iris_global_updates_total"),
        ("Reads from disk", "Database blocks.", "iris_database_physical_block_reads_total"),
        ("Commands", "ObjectScript commands executed.", "iris_routine_commands_total"),
        ("Journal", "Records written.", "iris_journal_entries_total"),
    )
] + [
    Compared(
        "Licences", "Licence units in use.", "iris_license_used{IRIS}", "short", INSTANCE, NO_IRIS
    )
]

CHOSEN = '{HOST, __name__="$metric"}'
EVERY_LABEL = ""
"""Grafana then writes all labels of a series, which is right where the metric is not known."""

OF_METRIC = [
    Compared(
        "The metric itself",
        "For gauges: what goes up and down. Series that only one of both times has are only on "
        "that side.",
        CHOSEN,
        "short",
        EVERY_LABEL,
    ),
    Compared(
        "Its rate",
        "For counters, whose names mostly end with `_total`: growth per second.",
        f"rate({CHOSEN}[$__rate_interval])",
        "short",
        EVERY_LABEL,
    ),
]
