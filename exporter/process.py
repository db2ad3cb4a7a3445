"""The daemon about itself: process_*, python_info, perfwatch_build_info.

Source: /proc/self/stat (proc_pid_stat(5)), of the daemon's own procfs, not the watched host's.
"""

from __future__ import annotations

import os
import platform
import resource
from collections.abc import Iterable

from exporter import __version__
from exporter.families import Family, counter, gauge
from exporter.kernel import KernelTree

TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class ProcessFamilies:
    """Reads what the kernel says of this process."""

    def __init__(self, kernel: KernelTree | None = None) -> None:
        kernel = kernel or KernelTree()
        self._kernel = kernel
        self._stat = kernel.proc("self/stat")
        self._boot_time = _boot_time(kernel)
        self._constant = tuple(_constant_families())

    def own_families(self) -> Iterable[Family]:
        """Yield the process's families."""
        # The command's name, in parentheses, may contain anything; behind it all is numbers.
        fields = self._stat.read().rpartition(b")")[2].split()
        yield from self._constant
        yield counter(
            "process_cpu_seconds_total",
            "Total user and system CPU time spent in seconds.",
            (int(fields[11]) + int(fields[12])) / TICKS,
        )
        yield gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", fields[20])
        yield gauge(
            "process_resident_memory_bytes",
            "Resident memory size in bytes.",
            int(fields[21]) * PAGE_BYTES,
        )
        yield gauge(
            "process_start_time_seconds",
            "Start time of the process since unix epoch in seconds.",
            self._boot_time + int(fields[19]) / TICKS,
        )
        yield gauge(
            "process_open_fds", "Number of open file descriptors.", self._kernel.open_descriptors()
        )
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        yield gauge("process_max_fds", "Maximum number of open file descriptors.", soft)


def _boot_time(kernel: KernelTree) -> int:
    for line in kernel.proc("stat").read().splitlines():
        if line.startswith(b"btime "):
            return int(line.split()[1])
    raise ValueError("/proc/stat has no btime")


def _constant_families() -> Iterable[Family]:
    major, minor, patch = platform.python_version_tuple()
    yield Family(
        "python_info",
        "Python platform information.",
        "gauge",
        ("implementation", "major", "minor", "patchlevel", "version"),
        [((platform.python_implementation(), major, minor, patch, platform.python_version()), 1)],
    )
    yield Family(
        "perfwatch_build_info",
        "The daemon's version and the Python it runs on; the value is always 1.",
        "gauge",
        ("version", "python"),
        [((__version__, platform.python_version()), 1)],
    )
