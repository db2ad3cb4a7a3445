"""The schedstat collector: /proc/schedstat."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.schedstat import SchedstatCollector, parse_schedstat
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

OLD = """version 15
timestamp 4295632177
cpu0 0 0 0 0 0 0 2045936778163039 343796328169361 4767485306
domain0 00000000,00000003 212499247 210112015 1861015 1860405436 536440 369895 32599
cpu1 0 0 0 0 0 0 1904686152592476 364107263788241 5145567945
domain0 00000000,00000003 203053027 200804283 1671013 1746379826 571410 320105 33083
"""
NEW = """version 17
timestamp 4372687908
cpu0 0 0 0 0 8655 3213 71750047 3445340 53778
domain0 SMT 00000003 5 5 0 0 0 0 0 0 0
domain1 MC 000000ff 5 5 0 0 0 0 0 0 0
cpu2 0 0 0 0 17 4 1000000000 2000000000 5
domain0 SMT 0000000c 5 5 0 0 0 0 0 0 0
"""


def test_parse_takes_the_last_three_numbers() -> None:
    """Running, waiting and time slices of each CPU; domains are passed over."""
    queues = parse_schedstat(OLD.encode())
    assert queues.cpus == (b"0", b"1")
    assert queues.running_nanoseconds == (b"2045936778163039", b"1904686152592476")
    assert queues.waiting_nanoseconds == (b"343796328169361", b"364107263788241")
    assert queues.timeslices == (b"4767485306", b"5145567945")


def test_parse_takes_the_newest_version() -> None:
    """Version 17, with the names of the domains, says the same of a CPU."""
    assert parse_schedstat(NEW.encode()).cpus == (b"0", b"2")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"version 15\ntimestamp 1\n",
        b"version 15\ncpu0 0 0 0 0 0 0 1 2\n",
        b"version 15\ncpu0 0 0 0 0 0 0 1 2 3\ncpu1 0 0 0 0 0 0 1 two 3\n",
    ],
)
def test_parse_refuses_what_is_truncated(text: bytes) -> None:
    """A CPU without its nine numbers is an error, not a CPU left out."""
    with pytest.raises(ValueError, match="CPUs with 9 numbers"):
        parse_schedstat(text)


@given(st.binary(max_size=100) | st.binary(max_size=60).map(lambda one: OLD.encode() + one))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_schedstat(text)


def test_times_are_seconds(host: FakeHost) -> None:
    """Nanoseconds are shown as seconds, for each CPU."""
    host.write("proc/schedstat", NEW)
    samples = host.samples(SchedstatCollector(host.kernel))
    assert samples['node_schedstat_running_seconds_total{cpu="2"}'] == 1
    assert samples['node_schedstat_waiting_seconds_total{cpu="2"}'] == 2
    assert samples['node_schedstat_timeslices_total{cpu="2"}'] == 5
    assert samples['node_schedstat_running_seconds_total{cpu="0"}'] == 0.071750047
    assert len(samples) == 6


def test_cpus_come_and_go(host: FakeHost) -> None:
    """A CPU that goes offline disappears, and comes back with its own numbers."""
    host.write("proc/schedstat", NEW)
    collector = SchedstatCollector(host.kernel)
    whole = host.samples(collector)
    host.write("proc/schedstat", NEW.partition("cpu2")[0])
    assert not [name for name in host.samples(collector) if 'cpu="2"' in name]
    host.write("proc/schedstat", NEW)
    assert host.samples(collector) == whole
    assert host.samples(collector) == whole


def test_a_kernel_without_it_has_no_data(host: FakeHost) -> None:
    """The file is a build option of the kernel."""
    with pytest.raises(NoData, match="CONFIG_SCHEDSTATS"):
        list(SchedstatCollector(host.kernel).collect())
