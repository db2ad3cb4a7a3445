"""CPU and memory of this machine in per cent, for a governor whose instance runs here.

Sources: /proc/stat and /proc/meminfo. Both numbers are those of the alerts
HostCpuAboveAutoDisableThreshold and HostMemoryAboveAutoDisableThreshold: the governor and whoever
is alerted see the same. Per cent and not ratios, as IRIS gives them so.
"""

from __future__ import annotations

import contextlib
import socket
from itertools import chain
from operator import gt

from exporter.collectors.cpu import IDLE, IOWAIT, MODES, BackstepGuard, CpuTimes, parse_stat_cpus
from exporter.collectors.meminfo import parse_meminfo
from exporter.iris.system_performance.policy import PerformanceMetrics
from exporter.kernel import KernelTree

AVAILABLE = (b"MemAvailable",)
"""Since Linux 3.14: what programs can still get, as the kernel estimates it."""

AVAILABLE_BEFORE = (b"MemFree", b"Active(file)", b"Inactive(file)", b"SReclaimable")
"""What older kernels have of it; not Cached, which holds shared memory too."""


class HostReader:
    """Reads how busy the machine is. For one thread, with a tree that is that thread's own."""

    def __init__(self, kernel: KernelTree) -> None:
        self._stat = kernel.proc("stat")
        self._meminfo = kernel.proc("meminfo")
        self._guard = BackstepGuard()
        self._before: CpuTimes | None = None

    def read(self) -> PerformanceMetrics:
        """Read both; None is what cannot be read, and CPU at the first reading."""
        cpu = memory = None
        with contextlib.suppress(OSError, ValueError):
            cpu = self._read_cpu()
        with contextlib.suppress(OSError, ValueError):
            memory = parse_memory_percent(self._meminfo.read())
        return PerformanceMetrics(cpu_percent=cpu, memory_percent=memory, source="host")

    def _read_cpu(self) -> float | None:
        times = parse_stat_cpus(self._stat.read())
        self._guard.apply(times)
        before, self._before = self._before, times
        return None if before is None else busy_percent(before, times)


def busy_percent(before: CpuTimes, after: CpuTimes) -> float | None:
    """Say how much of the time between two readings was neither idle nor waiting for I/O.

    A share of all time that passed: a virtual machine that was paused, or robbed by others (steal),
    has not been idle. Time of guests is in user and nice already. None where nothing has passed,
    and where another set of CPUs makes the two readings no pair.
    """
    if before.names != after.names:
        return None
    columns = [
        ([*map(int, earlier)], [*map(int, later)])
        for earlier, later in zip(
            before.columns[: len(MODES)], after.columns[: len(MODES)], strict=True
        )
    ]
    if any(chain.from_iterable(map(gt, *column) for column in columns)):
        return None  # a CPU was taken out and put back, and counts anew
    passed = [sum(later) - sum(earlier) for earlier, later in columns]
    whole = sum(passed)
    return 100 * (1 - (passed[IDLE] + passed[IOWAIT]) / whole) if whole else None


def parse_memory_percent(text: bytes) -> float | None:
    """Say from /proc/meminfo how much memory nobody else can have. Raises ValueError."""
    fields = parse_meminfo(text)
    numbers = dict(zip(fields.names, map(int, fields.numbers), strict=True))
    total = numbers.get(b"MemTotal")
    for names in (AVAILABLE, AVAILABLE_BEFORE):
        if total and numbers.keys() >= set(names):
            available = sum(numbers[name] for name in names)
            return 100 * (1 - available / total) if available <= total else None
    return None


def is_local(host: str) -> bool:
    """Whether a host name means this machine, without asking the DNS.

    That is an address that a socket can have here, localhost, or the machine's own name.
    """
    name = host.lower().removesuffix(".")
    own = socket.gethostname().lower()
    if name in {"localhost", own, own.partition(".")[0]} or name.endswith(".localhost"):
        return bool(name)
    try:
        found = socket.getaddrinfo(
            host, 0, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST | socket.AI_PASSIVE
        )
    except (socket.gaierror, ValueError):
        return False  # another name; ValueError: one that cannot be any
    return any(_is_own(family, target) for family, _, _, _, target in found if host)


def _is_own(family: int, target: tuple[str | int | bytes, ...]) -> bool:
    """Whether a socket can have this address: no packet is sent."""
    packed = socket.inet_pton(family, str(target[0]).partition("%")[0])
    if packed[0] >= 224 and (family == socket.AF_INET or packed[0] == 255):
        return False  # of a group or of nobody, which a socket can have too
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(target)
        except OSError:
            return False
    return True
