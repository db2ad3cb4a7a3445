"""The dashboard of a host: its CPUs, memory, disks, network, and what is short."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards import host_compute, host_io, variables
from tools.dashboards.frame import page, row
from tools.dashboards.panels import HALF, stat, timeseries
from tools.dashboards.queries import Query
from tools.dashboards.resources import CPU_BUSY, CPU_LIMITS, MEMORY_LIMITS, MEMORY_USED


def dashboard() -> dict[str, Any]:
    """The dashboard of a host."""
    return page(
        "host",
        "One host or a few: CPUs, memory, disks, network, pressure, programs, temperatures.",
        variables.hosts(),
        row("At a glance", *glance()),
        row("CPU", *host_compute.cpu()),
        row("Memory", *host_compute.memory()),
        row("Disks", *host_io.disks()),
        row("Network", *host_io.network(), collapsed=True),
        row("Programs", *programs(), collapsed=True),
        row("Each CPU", host_compute.each_cpu(), collapsed=True),
        row("Temperature and frequency", *warmth(), collapsed=True),
    )


def glance() -> list[Panel]:
    """What one looks at first."""
    return [*shares(), *rest()]


def shares() -> list[Panel]:
    """How much is in use."""
    return [
        stat(
            "CPU busy",
            "Share of all CPU time that was neither idle nor waiting for a disk. Orange and red "
            "are the governor's default thresholds for resuming and suspending.",
            Query(CPU_BUSY, "{{instance}}"),
            unit="percentunit",
            limits=CPU_LIMITS,
        ),
        stat(
            "Memory used",
            "Share of memory that no program could be given. Orange and red as for the CPU.",
            Query(MEMORY_USED, "{{instance}}"),
            unit="percentunit",
            limits=MEMORY_LIMITS,
        ),
        stat(
            "Swap used",
            "Swap space in use. That it is used is no harm; that it moves is: see Swap traffic.",
            Query(
                "node_memory_SwapTotal_bytes{HOST} - node_memory_SwapFree_bytes{HOST}",
                "{{instance}}",
            ),
            unit="bytes",
        ),
    ]


def rest() -> list[Panel]:
    """What else one wants to know."""
    return [
        stat(
            "Load per CPU",
            "Load average over five minutes, by the number of CPUs; it counts tasks that wait for "
            "disks too.",
            Query(
                "node_load5{HOST} / on (job, instance) "
                "count by (job, instance) "
                '(rate(node_cpu_seconds_total{HOST, mode="idle"}[$__rate_interval]))',
                "{{instance}}",
            ),
            unit="short",
            decimals=2,
        ),
        stat(
            "Up for",
            "Time since the kernel was started.",
            Query("node_time_seconds{HOST} - node_boot_time_seconds{HOST}", "{{instance}}"),
            unit="s",
        ),
        stat(
            "Clock offset",
            "How far the kernel's clock is from that of the time server, as the kernel knows it.",
            Query("abs(node_timex_offset_seconds{HOST})", "{{instance}}"),
            unit="s",
        ),
    ]


def programs() -> list[Panel]:
    """The programs that use most."""
    return [*programs_by_use(), *programs_and_disks()]


def programs_by_use() -> list[Panel]:
    """By what they use of CPUs and memory."""
    by_group = "by (instance, group)"
    wanting = "where the collector topprocesses is off (`--collector.topprocesses`)."
    return [
        timeseries(
            "Programs by CPU time",
            "CPUs in use by the programs that use most; all others are `other`.",
            Query(
                f"topk(12, sum {by_group} "
                "(rate(node_topprocesses_cpu_seconds_total{HOST}[$__rate_interval])))",
                "{{instance}} {{group}}",
            ),
            unit="short",
            empty=wanting,
        ),
        timeseries(
            "Programs by memory",
            "Resident memory of the programs that use most; what processes share is counted for "
            "each of them.",
            Query(
                f"topk(12, sum {by_group} (node_topprocesses_resident_bytes{{HOST}}))",
                "{{instance}} {{group}}",
            ),
            unit="bytes",
            empty=wanting,
        ),
    ]


def programs_and_disks() -> list[Panel]:
    """By what they do to disks."""
    by_group = "by (instance, group)"
    wanting = "where the collector topprocesses is off (`--collector.topprocesses`)."
    return [
        timeseries(
            "Programs by disk traffic",
            "Bytes read and written by the programs that use most; those without permission to "
            "look are not counted.",
            Query(
                f"topk(12, sum {by_group} "
                "(rate(node_topprocesses_read_bytes_total{HOST}[$__rate_interval]) "
                "+ rate(node_topprocesses_written_bytes_total{HOST}[$__rate_interval])))",
                "{{instance}} {{group}}",
            ),
            unit="Bps",
            empty=wanting,
        ),
        timeseries(
            "Tasks",
            "Tasks that run or are ready to run, and that wait for a disk.",
            Query("node_procs_running{HOST}", "{{instance}} running"),
            Query("node_procs_blocked{HOST}", "{{instance}} waiting for a disk"),
            unit="short",
        ),
    ]


def warmth() -> list[Panel]:
    """Temperatures and clock rates."""
    return [
        timeseries(
            "Temperatures",
            "What sensors say, by the name of their chip.",
            Query(
                "node_hwmon_temp_celsius{HOST} * on (job, instance, chip) group_left (chip_name) "
                "node_hwmon_chip_names{HOST}",
                "{{instance}} {{chip_name}} {{sensor}}",
            ),
            Query("node_thermal_zone_temp{HOST}", "{{instance}} {{type}} zone {{zone}}"),
            unit="celsius",
            size=HALF,
            empty="on virtual machines, which have no sensors.",
        ),
        timeseries(
            "CPU frequency",
            "Lowest, mean and highest clock rate among the CPUs.",
            *[
                Query(
                    f"{word} by (instance) (node_cpu_scaling_frequency_hertz{{HOST}})",
                    f"{{{{instance}}}} {word}",
                )
                for word in ("min", "avg", "max")
            ],
            unit="hertz",
            size=HALF,
            empty="on virtual machines, and on kernels without cpufreq.",
        ),
    ]
