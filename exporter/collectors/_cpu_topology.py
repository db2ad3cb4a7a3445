"""What sysfs says about CPUs: thermal throttling, isolation, which are online (part of cpu).

Sources below /sys/devices/system/cpu (Linux Documentation/ABI/testing/sysfs-devices-system-cpu):
cpuN/thermal_throttle on x86 hardware, not in virtual machines; `isolated` since 4.2; cpuN/online
for the CPUs that can be taken offline. Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from exporter.families import Digits, Filled, Layout, Series
from exporter.kernel import KernelFile, KernelTree
from exporter.parsing import integer, shorten

CPUS = "devices/system/cpu"

MAX_CPUS = 65_536
"""Eight times what any kernel can be built for: beyond it, a list of CPUs is garbage."""

_RANGE = re.compile(rb"([0-9]{1,9})(?:-([0-9]{1,9}))?\Z")


def parse_cpu_list(text: bytes) -> list[int]:
    """Parse `0-3,8`; an empty list is empty text. Raises ValueError when it is not that."""
    cpus: list[int] = []
    for part in text.strip().split(b",") if text.strip() else ():
        match = _RANGE.match(part)
        if not match:
            raise ValueError(f"not a list of CPUs: {shorten(text)}")
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last < MAX_CPUS:
            raise ValueError(f"not a list of CPUs: {shorten(text)}")
        cpus += range(first, last + 1)
    return cpus


class CpuTopology:
    """Counters and states of one set of CPUs, whose files are found once.

    Costs nothing at a collection where there is nothing of it, as in most virtual machines.
    """

    def __init__(self, kernel: KernelTree, cpus: Sequence[str]) -> None:
        self._kernel = kernel
        cores: dict[tuple[str, ...], KernelFile] = {}
        packages: dict[tuple[str, ...], KernelFile] = {}
        for cpu in cpus:
            self._find_throttles(cpu, cores, packages)
        self._throttles = (*cores.values(), *packages.values())
        self._layout = _lay_out_throttles(list(cores), list(packages))
        self._states = self._read_states() if cpus else None

    def collect(self) -> Iterator[Filled]:
        """Yield throttle counters, isolated CPUs, and which CPUs are online.

        Raises OSError when a CPU went offline: then the set of CPUs is another.
        """
        if self._throttles:
            counts = [integer(file.read().rstrip()) for file in self._throttles]
            yield self._layout.fill(counts)
        if self._states is not None:
            yield self._states

    def close(self) -> None:
        """Give all descriptors back."""
        for file in self._throttles:
            file.close()

    def _find_throttles(
        self,
        cpu: str,
        cores: dict[tuple[str, ...], KernelFile],
        packages: dict[tuple[str, ...], KernelFile],
    ) -> None:
        """Add the counters of a CPU's core and package, each from the first CPU that has it."""
        folder = f"{CPUS}/cpu{cpu}"
        package = self._read_number(f"{folder}/topology/physical_package_id")
        core = self._read_number(f"{folder}/topology/core_id")
        if package is None or core is None:
            return
        for found, labels, name in (
            (cores, (package, core), "core_throttle_count"),
            (packages, (package,), "package_throttle_count"),
        ):
            if labels not in found:
                file = self._kernel.sys(f"{folder}/thermal_throttle/{name}")
                if _read_count(file) is not None:
                    found[labels] = file

    def _read_states(self) -> Filled | None:
        """Read what changes only with the set of CPUs."""
        isolated = self._read_list("isolated")
        online = self._read_list("online")
        present: list[int] = []
        # As node_exporter: where CPU 0 cannot go offline (x86 since 6.5), nothing is told of any.
        if self._read_number(f"{CPUS}/cpu0/online") is not None:
            names = self._kernel.list_matching(CPUS, "cpu[0-9]*")
            present = sorted(int(name[3:]) for name in names)
        states = [b"1"] * len(isolated) + [b"%d" % (cpu in online) for cpu in present]
        return _lay_out_states(isolated, present).fill(states) if states else None

    def _read_list(self, name: str) -> list[int]:
        file = self._kernel.sys(f"{CPUS}/{name}")
        try:
            return parse_cpu_list(file.read())
        except FileNotFoundError:
            return []
        finally:
            file.close()

    def _read_number(self, path: str) -> str | None:
        """Read an attribute once; none when it is missing or, for an unknown topology, -1."""
        file = self._kernel.sys(path)
        count = _read_count(file)
        file.close()
        return None if count is None else count.decode()


def _read_count(file: KernelFile) -> Digits | None:
    """Read a number where there is one; the file of a CPU that goes offline answers ENODEV."""
    try:
        return integer(file.read().rstrip())
    except (OSError, ValueError):
        file.close()
        return None


def _lay_out_throttles(
    cores: Sequence[tuple[str, ...]], packages: Sequence[tuple[str, ...]]
) -> Layout:
    return Layout(
        (
            Series(
                "node_cpu_core_throttles_total",
                "How often this core was slowed down because it was too hot.",
                "counter",
                ("package", "core"),
                cores,
            ),
            Series(
                "node_cpu_package_throttles_total",
                "How often this package was slowed down because it was too hot.",
                "counter",
                ("package",),
                packages,
            ),
        )
    )


def _lay_out_states(isolated: Sequence[int], present: Sequence[int]) -> Layout:
    return Layout(
        (
            Series(
                "node_cpu_isolated",
                "CPUs that the scheduler leaves alone (isolcpus); always 1.",
                "gauge",
                ("cpu",),
                [(str(cpu),) for cpu in isolated],
            ),
            Series(
                "node_cpu_online",
                "Whether a CPU is online, that is, tasks can be scheduled on it.",
                "gauge",
                ("cpu",),
                [(str(cpu),) for cpu in present],
            ),
        )
    )
