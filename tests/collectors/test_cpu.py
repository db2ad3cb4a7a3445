"""The cpu collector: the CPU lines of /proc/stat. What sysfs adds: test_cpu_topology.py."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.cpu import BackstepGuard, CpuCollector, Options, parse_stat_cpus

LINUX_6 = """\
cpu  3579 4 1978 332012 155 7 25 8 30 2
cpu0 1000 1 798 167039 5 3 9 2 10 1
cpu1 2579 3 1180 164973 150 4 16 6 20 1
intr 128706 0 9 0
ctxt 250752
"""

LINUX_2_6_18 = """\
cpu  3579 4 1978 332012 155 7 25 8
cpu0 1000 1 798 167039 5 3 9 2
cpu1 2579 3 1180 164973 150 4 16 6
intr 128706
"""


def stat(*rows: str) -> str:
    """Make a /proc/stat of a few CPUs."""
    return "\n".join(("cpu  1 1 1 1 1 1 1 1 1 1", *rows, "intr 1", ""))


def test_parse_takes_a_column_for_each_mode() -> None:
    """Columns hold the numbers of all CPUs, without the sum over them."""
    times = parse_stat_cpus(LINUX_6.encode())
    assert times.names == [b"cpu0", b"cpu1"]
    assert times.columns[0] == [b"1000", b"2579"]
    assert times.columns[9] == [b"1", b"1"]
    assert len(times.columns) == 10


def test_parse_takes_the_columns_of_older_and_newer_kernels() -> None:
    """Fewer and more columns come out as they are."""
    assert len(parse_stat_cpus(LINUX_2_6_18.encode()).columns) == 8
    newer = re.sub(r"^(cpu.*)$", r"\1 99", LINUX_6, flags=re.MULTILINE)
    assert parse_stat_cpus(newer.encode()).columns[10] == [b"99", b"99"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cpu\nintr 1\n",
        "cpu 1 2 3 4 5\nintr 1\n",
        LINUX_6.replace("intr", "irqs"),
        LINUX_6.replace("cpu1", "gpu1"),
        LINUX_6.replace("167039", "x"),
        LINUX_6.replace("167039", "-1"),
        LINUX_6.replace(" 10 1\n", "\n"),
        LINUX_6.replace(" 10 1\ncpu1", " 10 1 7\ncpu1").replace(" 20 1\n", " 20\n"),
    ],
)
def test_parse_refuses_what_is_not_cpu_times(text: str) -> None:
    """Truncated, garbled or ragged text is a ValueError, never data."""
    with pytest.raises(ValueError, match=r"/proc/stat|integers"):
        parse_stat_cpus(text.encode())


@given(st.binary(max_size=200), st.integers(0, len(LINUX_6)))
def test_parse_raises_nothing_but_value_error(text: bytes, cut: int) -> None:
    """Any bytes, also within good text, either parse or raise ValueError."""
    good = LINUX_6.encode()
    for candidate in (text, good[:cut] + text, good[:cut] + text + good[cut:]):
        with contextlib.suppress(ValueError):
            parse_stat_cpus(candidate)


@given(
    st.lists(st.lists(st.integers(0, 2**64 - 1), min_size=10, max_size=10), min_size=1, max_size=9)
)
def test_parse_gives_back_what_was_written(rows: list[list[int]]) -> None:
    """Whatever the kernel may count comes out unchanged."""
    lines = [f"cpu{cpu} {' '.join(map(str, row))}" for cpu, row in enumerate(rows)]
    columns = parse_stat_cpus(stat(*lines).encode()).columns
    assert [list(map(int, row)) for row in zip(*columns, strict=True)] == rows


def test_times_of_each_cpu_in_seconds(host: Any) -> None:
    """Ticks become seconds, guests have a family of their own, the sum is left out."""
    host.write("proc/stat", LINUX_6)
    samples = host.samples(CpuCollector(host.kernel, Options()))
    assert len(samples) == 2 * 8 + 2 * 2
    assert samples['node_cpu_seconds_total{cpu="0",mode="idle"}'] == 1670.39
    assert samples['node_cpu_seconds_total{cpu="1",mode="steal"}'] == 0.06
    assert samples['node_cpu_guest_seconds_total{cpu="1",mode="user"}'] == 0.2
    assert samples['node_cpu_guest_seconds_total{cpu="1",mode="nice"}'] == 0.01


def test_guests_can_be_left_out(host: Any) -> None:
    """The option takes their family away and leaves the rest."""
    host.write("proc/stat", LINUX_6)
    samples = host.samples(CpuCollector(host.kernel, Options(guest=False)))
    assert len(samples) == 2 * 8
    assert not any("guest" in name for name in samples)


def test_modes_an_old_kernel_lacks_are_absent(host: Any) -> None:
    """No column, no series: before 2.6.24 there are no guests."""
    host.write("proc/stat", LINUX_2_6_18)
    samples = host.samples(CpuCollector(host.kernel, Options()))
    assert len(samples) == 2 * 8
    assert not any("guest" in name for name in samples)


def test_offline_cpu_disappears_and_comes_back(host: Any) -> None:
    """The next collection shows the CPUs that are online then, with the numbers of each."""
    host.write("proc/stat", LINUX_6)
    collector = CpuCollector(host.kernel, Options())
    host.samples(collector)
    lines = LINUX_6.splitlines(keepends=True)
    host.write("proc/stat", "".join(line for line in lines if not line.startswith("cpu0")))
    offline = host.samples(collector)
    assert not any('cpu="0"' in name for name in offline)
    assert offline['node_cpu_seconds_total{cpu="1",mode="idle"}'] == 1649.73
    host.write("proc/stat", LINUX_6)
    assert host.samples(collector)['node_cpu_seconds_total{cpu="0",mode="idle"}'] == 1670.39


def test_idle_and_iowait_never_step_back(host: Any) -> None:
    """A small step back shows the last value, until the kernel's own is past it."""
    host.write("proc/stat", stat("cpu0 5 0 5 1000 50 0 0 0 0 0", "cpu1 5 0 5 2000 60 0 0 0 0 0"))
    collector = CpuCollector(host.kernel, Options())
    host.samples(collector)
    host.write("proc/stat", stat("cpu0 6 0 6 999 51 0 0 0 0 0", "cpu1 6 0 6 2001 40 0 0 0 0 0"))
    held = host.samples(collector)
    assert held['node_cpu_seconds_total{cpu="0",mode="idle"}'] == 10.0
    assert held['node_cpu_seconds_total{cpu="0",mode="iowait"}'] == 0.51
    assert held['node_cpu_seconds_total{cpu="1",mode="idle"}'] == 20.01
    assert held['node_cpu_seconds_total{cpu="1",mode="iowait"}'] == 0.6
    assert held['node_cpu_seconds_total{cpu="1",mode="user"}'] == 0.06
    host.write("proc/stat", stat("cpu0 6 0 6 1002 51 0 0 0 0 0", "cpu1 6 0 6 2001 61 0 0 0 0 0"))
    later = host.samples(collector)
    assert later['node_cpu_seconds_total{cpu="0",mode="idle"}'] == 10.02
    assert later['node_cpu_seconds_total{cpu="1",mode="iowait"}'] == 0.61


def test_replugged_cpu_starts_anew(host: Any) -> None:
    """Idle that falls by three seconds or more is a reset, and iowait falls with it."""
    host.write("proc/stat", stat("cpu0 5 0 5 1000 50 0 0 0 0 0"))
    collector = CpuCollector(host.kernel, Options())
    host.samples(collector)
    host.write("proc/stat", stat("cpu0 1 0 1 700 2 0 0 0 0 0"))
    samples = host.samples(collector)
    assert samples['node_cpu_seconds_total{cpu="0",mode="idle"}'] == 7.0
    assert samples['node_cpu_seconds_total{cpu="0",mode="iowait"}'] == 0.02


def test_other_cpus_are_held_through_a_hotplug(host: Any) -> None:
    """What was seen of a CPU stays known when another one comes or goes."""
    host.write("proc/stat", stat("cpu0 5 0 5 1000 50 0 0 0 0 0", "cpu1 5 0 5 2000 60 0 0 0 0 0"))
    collector = CpuCollector(host.kernel, Options())
    host.samples(collector)
    host.write("proc/stat", stat("cpu1 5 0 5 1990 60 0 0 0 0 0", "cpu2 5 0 5 9 9 0 0 0 0 0"))
    samples = host.samples(collector)
    assert samples['node_cpu_seconds_total{cpu="1",mode="idle"}'] == 20.0
    assert samples['node_cpu_seconds_total{cpu="2",mode="idle"}'] == 0.09


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)), max_size=20))
def test_guard_lets_only_a_hotplug_reset(readings: list[tuple[int, int]]) -> None:
    """Whatever the kernel says, a value falls only where idle fell by three seconds."""
    guard = BackstepGuard()
    last_idle = last_iowait = 0
    for idle, iowait in readings:
        times = parse_stat_cpus(stat(f"cpu0 0 0 0 {idle} {iowait} 0 0 0 0 0").encode())
        guard.apply(times)
        shown_idle, shown_iowait = int(times.columns[3][0]), int(times.columns[4][0])
        if last_idle - idle >= 300:
            assert (shown_idle, shown_iowait) == (idle, iowait)
        else:
            assert shown_idle == max(idle, last_idle)
            assert shown_iowait == max(iowait, last_iowait)
        last_idle, last_iowait = shown_idle, shown_iowait
