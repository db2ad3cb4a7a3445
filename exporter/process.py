"""The daemon about itself: process_*, python_info, perfwatch_build_info.

Sources: /proc/self/statm and stat (proc_pid_stat(5)) of the daemon's own procfs, not the watched
host's, and the process's CPU clock.
"""

from __future__ import annotations

import os
import platform
import resource
import time
from collections.abc import Iterable

from exporter import __version__
from exporter.families import Filled, Layout, Series
from exporter.kernel import KernelTree

TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


LAYOUT = Layout(
    [
        Series(
            "process_cpu_seconds_total",
            "Total user and system CPU time spent in seconds.",
            "counter",
        ),
        Series("process_virtual_memory_bytes", "Virtual memory size in bytes.", "gauge"),
        Series("process_resident_memory_bytes", "Resident memory size in bytes.", "gauge"),
        Series(
            "process_start_time_seconds",
            "Start time of the process since unix epoch in seconds.",
            "gauge",
        ),
        Series("process_open_fds", "Number of open file descriptors.", "gauge"),
        Series("process_max_fds", "Maximum number of open file descriptors.", "gauge"),
    ]
)


class ProcessFamilies:
    """Reads what the kernel says of this process."""

    def __init__(self, kernel: KernelTree | None = None) -> None:
        kernel = kernel or KernelTree()
        self._memory = kernel.proc("self/statm")
        self._descriptors = kernel.proc("self/fd")
        self._start_time = _start_time(kernel)
        self._constant = _constant_families()

    def own_families(self) -> Iterable[Filled]:
        """Yield the process's families."""
        virtual, resident, *_ = self._memory.read().split()
        yield self._constant
        yield LAYOUT.fill(
            (
                time.process_time(),
                int(virtual) * PAGE_BYTES,
                int(resident) * PAGE_BYTES,
                self._start_time,
                self._descriptors.count_entries(),
                resource.getrlimit(resource.RLIMIT_NOFILE)[0],
            )
        )


def _start_time(kernel: KernelTree) -> float:
    """Give the start of this process in Unix time, which the kernel keeps in ticks after boot."""
    # The command's name, in parentheses, may contain anything; behind it all is numbers.
    fields = kernel.proc("self/stat").read().rpartition(b")")[2].split()
    return _boot_time(kernel) + int(fields[19]) / TICKS


def _boot_time(kernel: KernelTree) -> int:
    for line in kernel.proc("stat").read().splitlines():
        if line.startswith(b"btime "):
            return int(line.split()[1])
    raise ValueError("/proc/stat has no btime")


def _constant_families() -> Filled:
    major, minor, patch = platform.python_version_tuple()
    version = platform.python_version()
    return Layout(
        [
            Series(
                "python_info",
                "Python platform information.",
                "gauge",
                ("implementation", "major", "minor", "patchlevel", "version"),
                [(platform.python_implementation(), major, minor, patch, version)],
            ),
            Series(
                "perfwatch_build_info",
                "The daemon's version and the Python it runs on; always 1.",
                "gauge",
                ("version", "python"),
                [(__version__, version)],
            ),
        ]
    ).fill((1, 1))
