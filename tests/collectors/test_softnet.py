"""The softnet collector: /proc/net/softnet_stat."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.softnet import SoftnetCollector, parse_softnet_stat
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

FILE = "proc/net/softnet_stat"

LINUX_6 = (
    "0021f9d9 00000003 00000002 00000000 00000000 00000000 00000000 00000000 00000000 000000ff "
    "00000007 00000009 00000000 00000005 00000004\n"
    "ffffffff 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 "
    "00000000 00000000 00000002 00000000 00000000\n"
)
LINUX_3_10 = (
    "00000010 00000001 00000002 00000000 00000000 00000000 00000000 00000000 00000003 00000004\n"
    "00000020 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000005\n"
)


def test_each_column_is_a_family_by_cpu(host: FakeHost) -> None:
    """The CPU is the one that the line names, not the number of the line."""
    host.write(FILE, LINUX_6)
    samples = host.samples(SoftnetCollector(host.kernel))
    assert samples['node_softnet_processed_total{cpu="0"}'] == 0x21F9D9
    assert samples['node_softnet_dropped_total{cpu="0"}'] == 3
    assert samples['node_softnet_times_squeezed_total{cpu="0"}'] == 2
    assert samples['node_softnet_received_rps_total{cpu="0"}'] == 255
    assert samples['node_softnet_flow_limit_count_total{cpu="0"}'] == 7
    assert samples['node_softnet_backlog_len{cpu="0"}'] == 9
    assert samples['node_softnet_processed_total{cpu="2"}'] == 0xFFFFFFFF
    assert len(samples) == 14


def test_what_an_older_kernel_lacks_is_absent(host: FakeHost) -> None:
    """Linux 3.10 has ten columns: no flow limit, no backlog, no number of the CPU."""
    host.write(FILE, LINUX_3_10)
    samples = host.samples(SoftnetCollector(host.kernel))
    assert samples['node_softnet_cpu_collision_total{cpu="0"}'] == 3
    assert samples['node_softnet_received_rps_total{cpu="1"}'] == 5
    assert len(samples) == 10


@pytest.mark.parametrize(
    ("online", "cpus"), [("0,2\n", ["0", "2"]), ("0-3\n", ["0", "1"]), (None, ["0", "1"])]
)
def test_lines_of_an_older_kernel_are_the_cpus_online(
    host: FakeHost, online: str | None, cpus: list[str]
) -> None:
    """A CPU that is offline has no line; where the list does not fit, lines are numbered."""
    host.write(FILE, LINUX_3_10)
    if online is not None:
        host.write("sys/devices/system/cpu/online", online)
    samples = host.samples(SoftnetCollector(host.kernel))
    found = [name for name in samples if name.startswith("node_softnet_processed_total")]
    assert found == [f'node_softnet_processed_total{{cpu="{cpu}"}}' for cpu in cpus]


def test_cpus_come_and_go(host: FakeHost) -> None:
    """A CPU that goes offline takes its series with it; what did not change is given again."""
    host.write(FILE, LINUX_6)
    collector = SoftnetCollector(host.kernel)
    [first] = collector.collect()
    assert [first] == list(collector.collect())
    host.write(FILE, LINUX_6.splitlines(keepends=True)[1])
    samples = host.samples(collector)
    assert samples['node_softnet_processed_total{cpu="2"}'] == 0xFFFFFFFF
    assert len(samples) == 7
    host.write(FILE, LINUX_6.splitlines(keepends=True)[1].replace("ffffffff", "00000001"))
    assert host.samples(collector)['node_softnet_processed_total{cpu="2"}'] == 1


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"0000001 0000002\n",
        LINUX_6.encode()[:-10],
        LINUX_6.encode().replace(b"ff", b"gg"),
        LINUX_6.encode() + LINUX_3_10.encode(),
    ],
)
def test_parse_refuses_what_is_no_table(text: bytes) -> None:
    """Too few columns, a cut line, other digits and lines of another length are errors."""
    with pytest.raises(ValueError, match=r"softnet_stat|hexadecimal"):
        parse_softnet_stat(text)


@given(st.binary(max_size=300) | st.text("0123456789abcdef \n", max_size=300).map(str.encode))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_softnet_stat(text)


def test_a_kernel_without_the_file_has_no_data(host: FakeHost) -> None:
    """Nothing to show, and no failure."""
    with pytest.raises(NoData, match="softnet_stat"):
        list(SoftnetCollector(host.kernel).collect())
