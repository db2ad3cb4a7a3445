"""The families of control groups: names, meaning, and what follows from the name."""

from __future__ import annotations

from collections.abc import Mapping

from exporter.options import NameFilter
from exporter.table import Column

NANOSECONDS = -9

GROUP = {
    "cpu_usage_seconds_total": "CPU time used.",
    "cpu_user_seconds_total": "CPU time used in user mode.",
    "cpu_system_seconds_total": "CPU time used in the kernel.",
    "cpu_periods_total": "Periods of the CPU limit in which the group wanted to run.",
    "cpu_throttled_periods_total": "Periods of the CPU limit in which it was used up.",
    "cpu_throttled_seconds_total": "Time for which tasks were stopped by the CPU limit.",
    "cpu_limit_cores": "CPU limit in CPUs: quota by period; absent without a limit.",
    "cpu_period_seconds": "Period of the CPU limit; absent without a limit.",
    "cpu_weight": "Share of the CPUs under contention, 1 to 10000 (version 2; usual: 100).",
    "cpu_shares": "Share of the CPUs under contention (version 1; usual: 1024).",
    "memory_usage_bytes": "Memory charged to the group, page cache included.",
    "memory_peak_bytes": "Most memory that was ever charged to the group.",
    "memory_limit_bytes": "Memory above which the group is out of memory; absent without a limit.",
    "memory_high_bytes": "Memory above which the group is slowed down; absent without a limit.",
    "memory_low_bytes": "Memory that is not reclaimed while others have some to give.",
    "memory_swap_bytes": "Swap space in use.",
    "memory_swap_limit_bytes": "Swap space that may be used; absent without a limit.",
    "memory_anon_bytes": "Anonymous memory: heaps and stacks.",
    "memory_file_bytes": "Page cache, with shared memory and tmpfs.",
    "memory_inactive_file_bytes": "Page cache that would be reclaimed first.",
    "memory_shmem_bytes": "Shared memory and tmpfs.",
    "memory_kernel_bytes": "Memory of the kernel charged to the group.",
    "memory_slab_bytes": "Slab memory of the kernel charged to the group.",
    "memory_sock_bytes": "Buffers of sockets (version 1: of TCP).",
    "memory_page_faults_total": "Page faults.",
    "memory_major_page_faults_total": "Page faults that had to wait for a disk.",
    "memory_refaulted_anon_pages_total": "Anonymous pages needed again soon after reclaim.",
    "memory_refaulted_file_pages_total": "Pages of files needed again soon after reclaim.",
    "memory_high_events_total": "Times that tasks were slowed down above memory_high_bytes.",
    "memory_limit_hits_total": "Times that the memory limit was hit and memory reclaimed.",
    "memory_oom_events_total": "Times that the limit was hit and nothing could be reclaimed.",
    "memory_oom_kills_total": "Processes of the group killed for lack of memory.",
    "pids": "Tasks (processes and threads) in the group.",
    "pids_limit": "Tasks that there may be; absent without a limit.",
    "pressure_cpu_waiting_seconds_total": "Time in which some task of the group waited for a CPU.",
    "pressure_cpu_stalled_seconds_total": "Time in which no task got on, all waiting for a CPU.",
    "pressure_io_waiting_seconds_total": "Time in which some task of the group waited for I/O.",
    "pressure_io_stalled_seconds_total": "Time in which no task got on, all waiting for I/O.",
    "pressure_memory_waiting_seconds_total": "Time in which some task waited for memory.",
    "pressure_memory_stalled_seconds_total": "Time in which no task got on, all lacking memory.",
    "pressure_irq_stalled_seconds_total": "Time in which no task got on because of interrupts.",
    "populated": "Whether the group or one below has a process.",
    "frozen": "Whether the group is frozen.",
    "descendants": "Groups below this one.",
    "dying_descendants": "Groups below this one that were removed but still hold memory.",
}
DEVICE = {
    "io_read_bytes_total": "Bytes read from the device.",
    "io_written_bytes_total": "Bytes written to the device.",
    "io_reads_total": "Read requests to the device.",
    "io_writes_total": "Write requests to the device.",
    "io_discarded_bytes_total": "Bytes discarded (TRIM) on the device.",
    "io_discards_total": "Discard requests to the device.",
}


def make_columns(helps: Mapping[str, str], names: NameFilter) -> list[Column]:
    """Make the columns of the metrics that are wanted."""
    return [
        Column(
            f"node_cgroup_{name}",
            help_text,
            "counter" if name.endswith("_total") else "gauge",
            NANOSECONDS if "_seconds" in name else 0,
        )
        for name, help_text in helps.items()
        if names.accepts(name)
    ]
