"""The golden signals: traffic, errors, latency, saturation; of hosts, and of instances of IRIS."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards.panels import Size, timeseries
from tools.dashboards.queries import Query
from tools.dashboards.resources import CPU_BUSY, DISKS, INTERFACES, MEMORY_USED

QUARTER: Size = (6, 8)
NO_IRIS = "where no instance of IRIS is configured."


def of_hosts() -> list[Panel]:
    """Of each host, all its devices together."""
    return [*host_use(), *host_strain()]


def host_use() -> list[Panel]:
    """Traffic and errors of hosts."""
    by = "by (instance)"
    return [
        timeseries(
            "Hosts: traffic",
            "Bytes through disks and network interfaces per second.",
            *[
                Query(
                    f"sum {by} (rate({first}{{HOST, {which}}}[$__rate_interval]) "
                    f"+ rate({second}{{HOST, {which}}}[$__rate_interval]))",
                    f"{{{{instance}}}} {called}",
                )
                for called, which, first, second in (
                    (
                        "network",
                        INTERFACES,
                        "node_network_receive_bytes_total",
                        "node_network_transmit_bytes_total",
                    ),
                    ("disks", DISKS, "node_disk_read_bytes_total", "node_disk_written_bytes_total"),
                )
            ],
            unit="Bps",
            size=QUARTER,
        ),
        timeseries(
            "Hosts: errors",
            "Damaged and dropped packets, programs killed for want of memory, and collectors of "
            "PerfWatch that fail.",
            Query(
                f"sum {by} (rate(node_network_receive_errs_total{{HOST}}[$__rate_interval]) "
                "+ rate(node_network_transmit_errs_total{HOST}[$__rate_interval]) "
                "+ rate(node_network_receive_drop_total{HOST}[$__rate_interval]) "
                "+ rate(node_network_transmit_drop_total{HOST}[$__rate_interval]))",
                "{{instance}} packets/s",
            ),
            Query("rate(node_vmstat_oom_kill{HOST}[$__rate_interval])", "{{instance}} kills/s"),
            Query(
                f"sum {by} (1 - node_scrape_collector_success{{HOST}})",
                "{{instance}} collectors",
            ),
            unit="short",
            size=QUARTER,
        ),
    ]


def host_strain() -> list[Panel]:
    """Latency and saturation of hosts."""
    by = "by (instance)"
    return [
        timeseries(
            "Hosts: latency",
            "Mean time of a request to a disk, all disks together, and how long a scrape took.",
            Query(
                f"sum {by} (rate(node_disk_read_time_seconds_total{{HOST, {DISKS}}}"
                f"[$__rate_interval]) + rate(node_disk_write_time_seconds_total{{HOST, {DISKS}}}"
                f"[$__rate_interval])) / (sum {by} (rate(node_disk_reads_completed_total"
                f"{{HOST, {DISKS}}}[$__rate_interval]) + rate(node_disk_writes_completed_total"
                f"{{HOST, {DISKS}}}[$__rate_interval])) > 0)",
                "{{instance}} disks",
            ),
            Query("scrape_duration_seconds{HOST}", "{{instance}} scrape"),
            unit="s",
            size=QUARTER,
        ),
        timeseries(
            "Hosts: saturation",
            "CPU time and memory in use, and the share of time in which tasks waited for disks.",
            Query(CPU_BUSY, "{{instance}} CPU"),
            Query(MEMORY_USED, "{{instance}} memory"),
            Query(
                "rate(node_pressure_io_waiting_seconds_total{HOST}[$__rate_interval])",
                "{{instance}} waits for disks",
            ),
            unit="percentunit",
            high=1,
            size=QUARTER,
        ),
    ]


def of_iris() -> list[Panel]:
    """Of each instance of IRIS."""
    return [*iris_use(), *iris_strain()]


def iris_use() -> list[Panel]:
    """Traffic and errors of instances."""
    by = "by (instance, iris_instance)"
    return [
        timeseries(
            "IRIS: traffic",
            "References to globals per second.",
            Query(
                f"sum {by} (rate(iris_global_references_total{{IRIS}}[$__rate_interval]))",
                "{{iris_instance}} on {{instance}}",
            ),
            unit="ops",
            size=QUARTER,
            empty=NO_IRIS,
        ),
        timeseries(
            "IRIS: errors",
            "Errors of the instance and of the way to it, and alerts in its log, per second.",
            Query(
                f"sum {by} (rate(iris_errors_total{{IRIS}}[$__rate_interval]))",
                "{{iris_instance}} errors",
            ),
            Query(
                f"sum {by} (rate(iris_alerts_total{{IRIS}}[$__rate_interval]))",
                "{{iris_instance}} alerts",
            ),
            unit="ops",
            size=QUARTER,
            empty=NO_IRIS,
        ),
    ]


def iris_strain() -> list[Panel]:
    """Latency and saturation of instances."""
    by = "by (instance, iris_instance)"
    return [
        timeseries(
            "IRIS: latency",
            "Mean time that a call of the instance took.",
            Query(
                f"sum {by} (rate(iris_call_duration_seconds_sum{{IRIS}}[$__rate_interval])) "
                f"/ (sum {by} (rate(iris_call_duration_seconds_count{{IRIS}}[$__rate_interval])) "
                "> 0)",
                "{{iris_instance}} on {{instance}}",
            ),
            unit="s",
            size=QUARTER,
            empty=NO_IRIS,
        ),
        timeseries(
            "IRIS: saturation",
            "Shares in use of the licence and of the lock table, and what the governor reads of "
            "the host.",
            Query(
                f"max {by} (iris_license_used{{IRIS}} / (iris_license_limit{{IRIS}} > 0))",
                "{{iris_instance}} licence",
            ),
            Query(
                "iris_lock_table_used_bytes{IRIS} / (iris_lock_table_used_bytes{IRIS} "
                "+ iris_lock_table_usable_bytes{IRIS} > 0)",
                "{{iris_instance}} lock table",
            ),
            Query("perfwatch_governor_reading_ratio{IRIS}", "{{iris_instance}} host {{resource}}"),
            unit="percentunit",
            high=1,
            size=QUARTER,
            empty=NO_IRIS,
        ),
    ]
