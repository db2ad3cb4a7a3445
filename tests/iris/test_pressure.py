"""CPU and memory of this machine: the same numbers as in the alerts, and whether it is meant."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from pathlib import Path

import pytest

from exporter.collectors.cpu import CpuCollector, Options
from exporter.collectors.meminfo import MeminfoCollector
from exporter.families import Family, Filled
from exporter.iris.governor.pressure import HostReader, is_local
from exporter.kernel import KernelTree

CPUS = [
    # user nice system idle iowait irq softirq steal guest guest_nice
    [1000, 10, 500, 9000, 300, 5, 7, 20, 400, 3],
    [2000, 20, 600, 8000, 100, 9, 8, 30, 500, 4],
]
LATER = [
    [1300, 15, 600, 9200, 350, 6, 9, 90, 600, 4],
    [2900, 20, 700, 8001, 100, 9, 9, 50, 900, 4],
]

MEMORY = {"MemTotal": 8000, "MemFree": 500, "MemAvailable": 1000, "Cached": 3000}
OLD_MEMORY = {
    "MemTotal": 8000,
    "MemFree": 500,
    "Cached": 3000,
    "Active(file)": 200,
    "Inactive(file)": 100,
    "SReclaimable": 50,
}


class Host:
    """A /proc that a test writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kernel = KernelTree(str(folder), str(folder))
        self.write_cpus(CPUS)
        self.write_memory(MEMORY)

    def write_cpus(self, rows: list[list[int]], *, first: int = 0) -> None:
        """Write /proc/stat with these CPUs."""
        totals = [sum(column) for column in zip(*rows, strict=True)]
        lines = ["cpu  " + " ".join(map(str, totals))]
        lines += [
            f"cpu{number} " + " ".join(map(str, row)) for number, row in enumerate(rows, first)
        ]
        self.write("stat", "\n".join([*lines, "intr 1", "ctxt 1", ""]))

    def write_memory(self, fields: dict[str, int]) -> None:
        """Write /proc/meminfo with these fields."""
        self.write("meminfo", "".join(f"{name}: {number} kB\n" for name, number in fields.items()))

    def write(self, name: str, text: str) -> None:
        """Write a file in place, as the kernel's are."""
        (self.folder / name).write_text(text)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host with two CPUs."""
    return Host(tmp_path)


def samples(families: Iterable[Family | Filled], name: str) -> list[tuple[tuple[str, ...], float]]:
    """What the page has of a family."""
    whole = [
        one
        for part in families
        for one in (part.families() if isinstance(part, Filled) else [part])
    ]
    return [
        (labels, float(number))
        for family in whole
        if family.name == name
        for labels, number in family.samples
        if isinstance(number, int | float | bytes)
    ]


def test_cpu_is_that_of_the_alert(host: Host) -> None:
    """One less the share of idle and iowait, from what the page has of the same two moments."""
    reader = HostReader(host.kernel)
    collector = CpuCollector(host.kernel, Options())
    assert reader.read().cpu_percent is None  # nothing has passed yet
    before = samples(collector.collect(), "node_cpu_seconds_total")
    host.write_cpus(LATER)
    after = samples(collector.collect(), "node_cpu_seconds_total")
    passed = [
        (labels[1], now - earlier)
        for (labels, earlier), (_, now) in zip(before, after, strict=True)
    ]
    idle = sum(seconds for mode, seconds in passed if mode in {"idle", "iowait"})
    expected = 100 * (1 - idle / sum(seconds for _, seconds in passed))
    reading = reader.read()
    assert reading.cpu_percent == pytest.approx(expected)
    assert 80 < expected < 90
    assert reading.source == "host"


@pytest.mark.parametrize("fields", [MEMORY, OLD_MEMORY])
def test_memory_is_that_of_the_alert(host: Host, fields: dict[str, int]) -> None:
    """MemAvailable, and on kernels before 3.14 what it is made of."""
    host.write_memory(fields)
    collected = list(MeminfoCollector(host.kernel).collect())

    def value(name: str) -> float:
        return sum(number for _, number in samples(collected, f"node_memory_{name}_bytes"))

    parts = ("MemFree", "Active_file", "Inactive_file", "SReclaimable")
    available = value("MemAvailable") or sum(map(value, parts))
    expected = 100 * (1 - available / value("MemTotal"))
    assert HostReader(host.kernel).read().memory_percent == pytest.approx(expected)


def test_what_cannot_be_read_is_unknown(host: Host) -> None:
    """The one does not cost the other; afterwards it goes on."""
    reader = HostReader(host.kernel)
    reader.read()
    host.write("stat", "broken")
    reading = reader.read()
    assert (reading.cpu_percent, reading.memory_percent) == (None, 87.5)
    host.write_cpus(CPUS)
    host.write("meminfo", "broken")
    assert reader.read().cpu_percent is None
    host.write_cpus(LATER)
    reading = reader.read()
    assert reading.cpu_percent is not None
    assert reading.memory_percent is None


@pytest.mark.parametrize(
    "fields",
    [
        {"MemFree": 1},
        {"MemTotal": 0, "MemAvailable": 0},
        {"MemTotal": 1, "MemAvailable": 2},
    ],
)
def test_memory_that_does_not_add_up_is_unknown(host: Host, fields: dict[str, int]) -> None:
    """Containers may show such files."""
    host.write_memory(fields)
    assert HostReader(host.kernel).read().memory_percent is None


def test_a_host_without_a_procfs_is_unknown(tmp_path: Path) -> None:
    """Both are, and nothing is raised."""
    reading = HostReader(KernelTree(str(tmp_path))).read()
    assert (reading.cpu_percent, reading.memory_percent) == (None, None)


def test_when_no_time_has_passed_the_share_is_unknown(host: Host) -> None:
    """A virtual machine that was paused: no mode has moved."""
    reader = HostReader(host.kernel)
    reader.read()
    assert reader.read().cpu_percent is None


@pytest.mark.parametrize(
    "rows",
    [
        LATER[:1],  # one is gone
        [LATER[0], [1] * 10],  # one was put back, and counts anew
    ],
)
def test_cpus_that_come_and_go_are_no_load(host: Host, rows: list[list[int]]) -> None:
    """Two readings of different CPUs are no pair; with the next one it goes on."""
    reader = HostReader(host.kernel)
    reader.read()
    host.write_cpus(rows)
    assert reader.read().cpu_percent is None
    host.write_cpus([[row[0] + 50, *row[1:3], row[3] + 150, *row[4:]] for row in rows])
    assert reader.read().cpu_percent == pytest.approx(25)


def test_idle_time_that_steps_back_is_held(host: Host) -> None:
    """Kernels let it; that is no reason to be blind."""
    reader = HostReader(host.kernel)
    reader.read()
    later = [[1100, *CPUS[0][1:]], CPUS[1]]
    later[0][3] -= 2
    host.write_cpus(later)
    assert reader.read().cpu_percent == pytest.approx(100)


@pytest.mark.parametrize(
    ("host_name", "expected"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("iris.localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("0.0.0.0", True),
        ("192.0.2.1", False),  # for documentation: nobody has it
        ("2001:db8::1", False),
        ("fe80::1%nowhere", False),
        ("224.0.0.1", False),  # a socket can have these, but nobody is reached there
        ("255.255.255.255", False),
        ("ff02::1", False),
        ("iris.example.com", False),
        ("bad\0name", False),
        ("", False),
    ],
)
def test_whether_a_name_means_this_machine(host_name: str, expected: bool) -> None:
    """Addresses are tried, names are not looked up."""
    assert is_local(host_name) is expected


def test_the_machines_own_name_is_local() -> None:
    """Whole, and without its domain."""
    own = socket.gethostname()
    assert is_local(own.upper())
    assert is_local(own.partition(".")[0])
    assert not is_local(f"{own}.example.com")


def test_the_machines_own_addresses_are_local() -> None:
    """Those that a socket has when it talks to others."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            pytest.skip("no way out of this machine")
        assert is_local(probe.getsockname()[0])
