"""The meminfo_numa collector: /sys/devices/system/node."""

from __future__ import annotations

import contextlib
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.meminfo_numa import (
    MeminfoNumaCollector,
    parse_node_meminfo,
    parse_numastat,
)
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

NODES = "sys/devices/system/node"


def write_node(host: FakeHost, node: int, active: int) -> None:
    """Write a node of which so much memory is active."""
    host.write(
        f"{NODES}/node{node}/meminfo",
        f"Node {node} MemTotal:        5859544 kB\n"
        f"Node {node} Active(anon):    {active:7d} kB\n"
        f"Node {node} HugePages_Free:      7\n",
    )
    host.write(f"{NODES}/node{node}/numastat", f"numa_hit {active}\nlocal_node 9\n")


@pytest.fixture
def collector(host: FakeHost) -> MeminfoNumaCollector:
    """A collector of a machine with two nodes."""
    host.write(f"{NODES}/online", "0-1\n")
    host.write(f"{NODES}/nodes", "no node\n")
    write_node(host, 0, 1568)
    write_node(host, 1, 2)
    return MeminfoNumaCollector(host.kernel)


def test_parse_knows_units_and_brackets() -> None:
    """What is in kB becomes bytes, and brackets become part of the name."""
    text = b"Node 12 Active(file):  3 kB\nNode 12 HugePages_Total:     4\n"
    assert parse_node_meminfo(text) == {"Active_file": 3072, "HugePages_Total": 4}


@pytest.mark.parametrize("text", [b"", b"MemTotal: 1 kB", b"Node 0 MemTotal: much"])
def test_parse_refuses_a_text_without_fields(text: bytes) -> None:
    """As when the format has changed."""
    with pytest.raises(ValueError, match="no field"):
        parse_node_meminfo(text)


@pytest.mark.parametrize("text", [b"", b"numa_hit", b"numa_hit x", b"numa-hit 1", b"1 2"])
def test_parse_refuses_other_counters(text: bytes) -> None:
    """Names that are none, and words in place of numbers."""
    with pytest.raises(ValueError, match=r"numastat|integers"):
        parse_numastat(text)


@given(st.binary(max_size=100))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    for parse in (parse_node_meminfo, parse_numastat):
        with contextlib.suppress(ValueError):
            parse(text)


def test_nodes_are_shown(host: FakeHost, collector: MeminfoNumaCollector) -> None:
    """Each with its own numbers, families over all nodes."""
    samples = host.samples(collector)
    assert samples['node_memory_numa_Active_anon{node="0"}'] == 1568 * 1024
    assert samples['node_memory_numa_Active_anon{node="1"}'] == 2048
    assert samples['node_memory_numa_HugePages_Free{node="1"}'] == 7
    assert samples['node_memory_numa_numa_hit_total{node="1"}'] == 2
    assert samples['node_memory_numa_local_node_total{node="0"}'] == 9
    assert len(samples) == 10


def test_nodes_come_and_go(host: FakeHost, collector: MeminfoNumaCollector) -> None:
    """One that is going has no attributes any more, and costs itself only."""
    host.samples(collector)
    shutil.rmtree(host.root / NODES / "node1")
    (host.root / NODES / "node1").mkdir()
    write_node(host, 2, 3)
    samples = host.samples(collector)
    assert samples['node_memory_numa_Active_anon{node="2"}'] == 3072
    assert not [name for name in samples if 'node="1"' in name]


def test_kernel_without_nodes_has_no_data(host: FakeHost) -> None:
    """And says which part of its configuration is missing."""
    with pytest.raises(NoData, match="CONFIG_NUMA"):
        list(MeminfoNumaCollector(host.kernel).collect())
