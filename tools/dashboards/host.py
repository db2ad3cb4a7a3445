"""The dashboard of a host: its CPUs, memory, disks, network, and what is short."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards import host_io, variables
from tools.dashboards.frame import page, row
from tools.dashboards.looks import CRITICAL, GOOD, HELD, NOTICE, PLAIN, WARNING
from tools.dashboards.panels import HALF, THIRD, stat, timeseries
from tools.dashboards.queries import Query
from tools.dashboards.resources import CPU_BUSY, CPU_LIMITS, MEMORY_LIMITS, MEMORY_USED

MODES = {
    "user": PLAIN,
    "nice": GOOD,
    "system": WARNING,
    "iowait": HELD,
    "irq": NOTICE,
    "softirq": "light-yellow",
    "steal": CRITICAL,
}
"""A colour for each mode of a CPU, so that one learns to read the stack."""

MEMORY = {
    "programs": "node_memory_AnonPages_bytes{HOST}",
    "shared": "node_memory_Shmem_bytes{HOST}",
    "huge pages": "node_memory_HugePages_Total{HOST} * node_memory_Hugepagesize_bytes{HOST}",
    "kernel slabs": "node_memory_Slab_bytes{HOST}",
    "caches": "node_memory_Cached_bytes{HOST} + node_memory_Buffers_bytes{HOST} "
    "- node_memory_Shmem_bytes{HOST}",
    "free": "node_memory_MemFree_bytes{HOST}",
}
"""What memory is used for. Huge pages that are set aside are in use, whoever has them."""


def dashboard() -> dict[str, Any]:
    """The dashboard of a host."""
    return page(
        "host",
        "One host or a few: CPUs, memory, disks, network, pressure, programs, temperatures.",
        variables.hosts(),
        row("At a glance", *glance()),
        row("CPU", *cpu()),
        row("Memory", *memory()),
        row("Disks", *host_io.disks()),
        row("Network", *host_io.network(), collapsed=True),
        row("Programs", *programs(), collapsed=True),
        row("Temperature and frequency", *warmth(), collapsed=True),
    )


def glance() -> list[Panel]:
    """What one looks at first."""
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


def cpu() -> list[Panel]:
    """The CPUs."""
    return [
        timeseries(
            "CPU time by mode",
            "Shares of the time of all CPUs of the chosen hosts; what is missing to 100 % "
            "was idle. Guests of a host are part of user and nice.",
            Query(
                'avg by (mode) (rate(node_cpu_seconds_total{HOST, mode!="idle"}'
                "[$__rate_interval]))",
                "{{mode}}",
            ),
            unit="percentunit",
            stacked=True,
            high=1,
            colours=MODES,
        ),
        timeseries(
            "CPU busy over time",
            "Share of all CPU time that was neither idle nor waiting for a disk, with the "
            "governor's thresholds.",
            Query(CPU_BUSY, "{{instance}}"),
            unit="percentunit",
            limits=CPU_LIMITS,
            high=1,
        ),
        timeseries(
            "Each CPU",
            "Share of its time in which a CPU was busy. One at 100 % among idle ones is a program "
            "that cannot use more.",
            Query(
                "1 - sum by (instance, cpu) (rate("
                'node_cpu_seconds_total{HOST, mode=~"idle|iowait"}[$__rate_interval]))',
                "{{instance}} cpu {{cpu}}",
            ),
            unit="percentunit",
            high=1,
        ),
        timeseries(
            "Load",
            "Tasks that run, are ready to run, or wait for a disk, as means over 1, 5 and 15 "
            "minutes.",
            *[Query(f"node_load{n}{{HOST}}", f"{{{{instance}}}} {n} min") for n in (1, 5, 15)],
            unit="short",
        ),
        timeseries(
            "Pressure on CPUs",
            "Share of time in which a task was ready and had no CPU (PSI).",
            Query(
                "rate(node_pressure_cpu_waiting_seconds_total{HOST}[$__rate_interval])",
                "{{instance}} some wait",
            ),
            unit="percentunit",
            empty="on kernels without PSI (before Linux 4.20, or not enabled).",
        ),
        timeseries(
            "Switches, interrupts and new tasks",
            "How often CPUs went from one task to another, were interrupted, and how many tasks "
            "were started.",
            Query(
                "rate(node_context_switches_total{HOST}[$__rate_interval])", "{{instance}} switches"
            ),
            Query("rate(node_intr_total{HOST}[$__rate_interval])", "{{instance}} interrupts"),
            Query("rate(node_forks_total{HOST}[$__rate_interval])", "{{instance}} new tasks"),
            unit="ops",
        ),
    ]


def memory() -> list[Panel]:
    """Memory and swap."""
    return [
        timeseries(
            "Memory",
            "What the memory of the chosen hosts together is used for. Caches are given back when "
            "programs need memory; shared memory and most of the slabs are not.",
            *[Query(f"sum({what})", called) for called, what in MEMORY.items()],
            unit="bytes",
            stacked=True,
        ),
        timeseries(
            "Memory used over time",
            "Share of memory that no program could be given, with the governor's thresholds.",
            Query(MEMORY_USED, "{{instance}}"),
            unit="percentunit",
            limits=MEMORY_LIMITS,
            high=1,
        ),
        timeseries(
            "Swap traffic",
            "Pages read from and written to swap. A steady stream of both: memory is too small.",
            Query("rate(node_vmstat_pswpin{HOST}[$__rate_interval])", "{{instance}} in"),
            Query("rate(node_vmstat_pswpout{HOST}[$__rate_interval])", "{{instance}} out"),
            unit="ops",
            size=THIRD,
        ),
        timeseries(
            "Major faults and kills",
            "Page faults that had to wait for a disk, and programs that the kernel killed for want "
            "of memory.",
            Query("rate(node_vmstat_pgmajfault{HOST}[$__rate_interval])", "{{instance}} faults"),
            Query("rate(node_vmstat_oom_kill{HOST}[$__rate_interval])", "{{instance}} kills"),
            unit="ops",
            size=THIRD,
        ),
        timeseries(
            "Pressure on memory",
            "Share of time in which some or all tasks waited for memory (PSI).",
            Query(
                "rate(node_pressure_memory_waiting_seconds_total{HOST}[$__rate_interval])",
                "{{instance}} some wait",
            ),
            Query(
                "rate(node_pressure_memory_stalled_seconds_total{HOST}[$__rate_interval])",
                "{{instance}} all wait",
            ),
            unit="percentunit",
            size=THIRD,
            empty="on kernels without PSI (before Linux 4.20, or not enabled).",
        ),
    ]


def programs() -> list[Panel]:
    """The programs that use most."""
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
