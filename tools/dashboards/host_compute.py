"""Panels on the CPUs and the memory of a host."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards.looks import CRITICAL, GOOD, HELD, NOTICE, PLAIN, WARNING
from tools.dashboards.panels import THIRD, timeseries
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


EACH_CPU = """
    1 - sum by (instance, cpu) (
      rate(node_cpu_seconds_total{HOST, mode=~"idle|iowait"}[$__rate_interval])
    )
    / sum by (instance, cpu) (rate(node_cpu_seconds_total{HOST}[$__rate_interval]))
"""


def cpu() -> list[Panel]:
    """The CPUs."""
    return [*cpu_use(), *cpu_demand()]


def cpu_use() -> list[Panel]:
    """What the CPUs do."""
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
            "Busiest CPU",
            "The CPU of each host that was busy for most of its time. At 100 % on a host that is "
            "not: a program that cannot use more than one. The row Each CPU has all.",
            Query(f"max by (instance) ({EACH_CPU})", "{{instance}}"),
            unit="percentunit",
            high=1,
        ),
    ]


def each_cpu() -> Panel:
    """All CPUs: hundreds of lines, where several hosts are chosen."""
    return timeseries(
        "Each CPU",
        "Share of its time in which a CPU was busy. Choose one host for it.",
        Query(EACH_CPU, "{{instance}} cpu {{cpu}}"),
        unit="percentunit",
        high=1,
        size=(24, 12),
    )


def cpu_demand() -> list[Panel]:
    """What is asked of them."""
    return [
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
    return [*memory_use(), *memory_shortage()]


def memory_use() -> list[Panel]:
    """What memory is used for."""
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
    ]


def memory_shortage() -> list[Panel]:
    """Whether there is too little of it."""
    return [
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
