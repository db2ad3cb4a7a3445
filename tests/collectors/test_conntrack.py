"""The conntrack collector: /proc/net/stat/nf_conntrack and two sysctls."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.conntrack import ConntrackCollector, parse_nf_conntrack
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

STATISTICS = "proc/1/net/stat/nf_conntrack"
LIMIT = "proc/sys/net/netfilter/nf_conntrack_max"
COUNT = "proc/sys/net/netfilter/nf_conntrack_count"

HEADER = (
    "entries  clashres found new invalid ignore delete chainlength insert insert_failed drop "
    "early_drop icmp_error  expect_new expect_create expect_delete search_restart\n"
)
LINES = (
    "00000137  00000002 0000000a 00000000 00000003 00000064 00000000 00000001 00000000 00000005 "
    "00000006 00000007 00000008  00000000 00000000 00000000 0000000b\n"
    "00000137  00000000 00000001 00000000 00000001 000000ff 00000000 00000000 00000000 00000001 "
    "00000001 00000001 00000000  00000000 00000000 00000000 ffffffff\n"
)


def test_counters_are_summed_over_the_cpus(host: FakeHost) -> None:
    """The number of entries is on each line, and not summed."""
    host.write(STATISTICS, HEADER + LINES)
    host.write(LIMIT, "262144\n")
    assert host.samples(ConntrackCollector(host.kernel)) == {
        "node_nf_conntrack_entries": 0x137,
        "node_nf_conntrack_entries_limit": 262144,
        "node_nf_conntrack_stat_found": 11,
        "node_nf_conntrack_stat_invalid": 4,
        "node_nf_conntrack_stat_ignore": 355,
        "node_nf_conntrack_stat_insert": 0,
        "node_nf_conntrack_stat_insert_failed": 6,
        "node_nf_conntrack_stat_drop": 7,
        "node_nf_conntrack_stat_early_drop": 8,
        "node_nf_conntrack_stat_search_restart": 0xFFFFFFFF + 11,
    }


def test_columns_are_found_by_name() -> None:
    """A kernel without a column lacks its number, and shifts none of the others."""
    numbers = parse_nf_conntrack(b"entries drop found\n00000001 00000002 00000003\n")
    assert numbers == {"entries": 1, "found": 3, "drop": 2}


def test_without_statistics_the_entries_remain(host: FakeHost) -> None:
    """A kernel without CONFIG_NF_CONNTRACK_PROCFS has the number of entries as a sysctl."""
    host.write(COUNT, "311\n")
    collector = ConntrackCollector(host.kernel)
    assert host.samples(collector) == {"node_nf_conntrack_entries": 311}
    host.write(LIMIT, "512\n")
    assert host.samples(collector) == {
        "node_nf_conntrack_entries": 311,
        "node_nf_conntrack_entries_limit": 512,
    }


def test_the_module_may_come_later(host: FakeHost) -> None:
    """Without nf_conntrack there is nothing; once it is loaded, its file is found."""
    collector = ConntrackCollector(host.kernel)
    with pytest.raises(NoData, match="nf_conntrack"):
        list(collector.collect())
    host.write(STATISTICS, HEADER + LINES)
    assert host.samples(collector)["node_nf_conntrack_entries"] == 0x137
    host.write(STATISTICS, HEADER + LINES.replace("137", "138"))
    assert host.samples(collector)["node_nf_conntrack_entries"] == 0x138


@pytest.mark.parametrize(
    "text",
    [
        b"",
        HEADER.encode(),
        (HEADER + LINES).encode()[:-9],
        b"found\n00000001\n",
        b"entries found\n00000001 0000000x\n",
    ],
)
def test_parse_refuses_what_is_no_table(text: bytes) -> None:
    """A missing header, missing lines and a cut line are errors."""
    with pytest.raises(ValueError, match=r"no entries|hexadecimal|Non-"):
        parse_nf_conntrack(text)


@given(st.binary(max_size=200) | st.binary(max_size=200).map((HEADER + LINES).encode().__add__))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_nf_conntrack(text)
