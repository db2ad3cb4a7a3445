"""The cpu collector: what /sys/devices/system/cpu says of the CPUs."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors._cpu_topology import parse_cpu_list
from exporter.collectors.cpu import CpuCollector, Options

SYSFS = "sys/devices/system/cpu"


def stat(*cpus: int) -> str:
    """Make a /proc/stat with some CPUs."""
    rows = (f"cpu{cpu} 1 1 1 1 1 1 1 1 1 1" for cpu in cpus)
    return "\n".join(("cpu  1 1 1 1 1 1 1 1 1 1", *rows, "intr 1", ""))


def write_throttles(host: Any, cpu: int, place: tuple[int, int], counts: tuple[int, int]) -> None:
    """Write the topology and the throttle counters of a CPU."""
    folder = f"{SYSFS}/cpu{cpu}"
    host.write(f"{folder}/topology/physical_package_id", f"{place[0]}\n")
    host.write(f"{folder}/topology/core_id", f"{place[1]}\n")
    host.write(f"{folder}/thermal_throttle/core_throttle_count", f"{counts[0]}\n")
    host.write(f"{folder}/thermal_throttle/package_throttle_count", f"{counts[1]}\n")


@pytest.mark.parametrize(
    ("text", "cpus"), [(b"\n", []), (b"0\n", [0]), (b"0-2,5,7-8\n", [0, 1, 2, 5, 7, 8])]
)
def test_parse_cpu_list(text: bytes, cpus: list[int]) -> None:
    """Single CPUs and ranges are listed in their order."""
    assert parse_cpu_list(text) == cpus


@pytest.mark.parametrize("text", [b"x", b"1-", b"3-1", b"1,,2", b"0-99999999", b"0-3:2/4"])
def test_parse_cpu_list_refuses_what_is_none(text: bytes) -> None:
    """Garbage, and a range that would fill the memory, are a ValueError."""
    with pytest.raises(ValueError, match="list of CPUs"):
        parse_cpu_list(text)


@given(st.binary(max_size=50) | st.from_regex(rb"[0-9]+(-[0-9]+)?(,[0-9]+)?\n"))
def test_parse_cpu_list_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_cpu_list(text)


def test_throttles_are_counted_once_per_core_and_package(host: Any) -> None:
    """Two threads of a core, and all cores of a package, share their counter."""
    host.write("proc/stat", stat(0, 1, 2, 3))
    for cpu, core, count in ((0, 0, 3), (1, 1, 4), (2, 0, 3), (3, 1, 4)):
        write_throttles(host, cpu, (0, core), (count, 9))
    collector = CpuCollector(host.kernel, Options())
    samples = host.samples(collector)
    assert {name: value for name, value in samples.items() if "throttles" in name} == {
        'node_cpu_core_throttles_total{core="0",package="0"}': 3,
        'node_cpu_core_throttles_total{core="1",package="0"}': 4,
        'node_cpu_package_throttles_total{package="0"}': 9,
    }
    write_throttles(host, 0, (0, 0), (5, 9))
    again = host.samples(collector)
    assert again['node_cpu_core_throttles_total{core="0",package="0"}'] == 5


def test_unknown_topology_and_missing_counters_are_absent(host: Any) -> None:
    """A package of -1, no core number, and a core without package counter cost only themselves."""
    host.write("proc/stat", stat(0, 1, 2))
    write_throttles(host, 0, (-1, 0), (1, 1))
    write_throttles(host, 1, (0, 1), (2, 2))
    write_throttles(host, 2, (1, 2), (3, 3))
    (host.root / f"{SYSFS}/cpu1/topology/core_id").unlink()
    (host.root / f"{SYSFS}/cpu2/thermal_throttle/package_throttle_count").unlink()
    samples = host.samples(CpuCollector(host.kernel, Options()))
    assert [name for name in samples if "throttles" in name] == [
        'node_cpu_core_throttles_total{core="2",package="1"}'
    ]


def test_throttles_of_a_cpu_that_just_went_offline_are_looked_for_anew(host: Any) -> None:
    """The collection loses its throttles and nothing else; the next one has what is left."""
    host.kernel.max_kept = 0
    host.write("proc/stat", stat(0, 1))
    write_throttles(host, 0, (0, 0), (1, 1))
    write_throttles(host, 1, (0, 1), (2, 1))
    collector = CpuCollector(host.kernel, Options())
    host.samples(collector)
    (host.root / f"{SYSFS}/cpu1/thermal_throttle/core_throttle_count").unlink()
    without = host.samples(collector)
    assert len(without) == 2 * 10
    after = host.samples(collector)
    assert [name for name in after if "core_throttles" in name] == [
        'node_cpu_core_throttles_total{core="0",package="0"}'
    ]


def test_descriptors_are_given_back_at_each_hotplug(host: Any) -> None:
    """Only the counters in use keep theirs."""
    collector = CpuCollector(host.kernel, Options())
    for cpu in (0, 1):
        write_throttles(host, cpu, (0, cpu), (1, 1))
    kept = set()
    for cpu in (0, 1, 0, 1):
        host.write("proc/stat", stat(cpu))
        host.samples(collector)
        kept.add(host.kernel.kept)
    assert kept == {3}


def test_isolated_and_online_cpus(host: Any) -> None:
    """Isolated CPUs have a 1; every CPU that is there says whether it is online."""
    host.write("proc/stat", stat(0, 1))
    host.write(f"{SYSFS}/isolated", "1\n")
    host.write(f"{SYSFS}/online", "0-1\n")
    for cpu in (0, 1, 2):
        host.write(f"{SYSFS}/cpu{cpu}/online", "0\n" if cpu == 2 else "1\n")
    samples = host.samples(CpuCollector(host.kernel, Options()))
    assert {name: number for name, number in samples.items() if "seconds" not in name} == {
        'node_cpu_isolated{cpu="1"}': 1,
        'node_cpu_online{cpu="0"}': 1,
        'node_cpu_online{cpu="1"}': 1,
        'node_cpu_online{cpu="2"}': 0,
    }


def test_online_is_absent_where_cpu_0_cannot_go_offline(host: Any) -> None:
    """As in node_exporter, nothing is told of the other CPUs then."""
    host.write("proc/stat", stat(0, 1))
    host.write(f"{SYSFS}/isolated", "\n")
    host.write(f"{SYSFS}/online", "0-1\n")
    host.write(f"{SYSFS}/cpu1/online", "1\n")
    samples = host.samples(CpuCollector(host.kernel, Options()))
    assert not [name for name in samples if "seconds" not in name]
