"""The sockstat collector: /proc/net/sockstat and sockstat6."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.sockstat import SockstatCollector, parse_sockstat
from exporter.kernel import KernelTree, NoData
from tests.samples import read_samples

SOCKSTAT = b"""sockets: used 1602
TCP: inuse 35 orphan 0 tw 4 alloc 59 mem 22
UDP: inuse 12 mem 62
UDPLITE: inuse 0
RAW: inuse 0
FRAG: inuse 0 memory 0
"""
SOCKSTAT6 = b"TCP6: inuse 17\nUDP6: inuse 9\nFRAG6: inuse 0 memory 512\n"


def make_collector(root: Path, **files: bytes) -> SockstatCollector:
    """Make a collector of a host with these files below /proc/net."""
    folder = root / "net"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return SockstatCollector(KernelTree(str(root)), page_size=4096)


def test_parse_names_each_number() -> None:
    """Names are protocol and field, numbers the kernel's digits."""
    statistics = parse_sockstat(b"TCP: inuse 35 mem 22\nFRAG: inuse 0\n")
    assert statistics.names == ((b"TCP", b"inuse"), (b"TCP", b"mem"), (b"FRAG", b"inuse"))
    assert statistics.numbers == (b"35", b"22", b"0")


@pytest.mark.parametrize("text", [b"TCP inuse 1", b"TCP: inuse", b"TCP: inuse many", b"\n"])
def test_parse_refuses_other_lines(text: bytes) -> None:
    """Lines without a title, and fields without a number, are errors."""
    with pytest.raises(ValueError, match=r"sockstat|integers"):
        parse_sockstat(text)


@given(st.binary(max_size=200))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_sockstat(text)


def test_both_versions_are_shown(tmp_path: Path) -> None:
    """Each field is a gauge; pages are shown in bytes too."""
    collector = make_collector(tmp_path, sockstat=SOCKSTAT, sockstat6=SOCKSTAT6)
    samples = read_samples(collector.collect())
    assert samples["node_sockstat_sockets_used"] == 1602
    assert samples["node_sockstat_TCP_tw"] == 4
    assert samples["node_sockstat_TCP_mem_bytes"] == 22 * 4096
    assert samples["node_sockstat_UDP_mem_bytes"] == 62 * 4096
    assert samples["node_sockstat_FRAG6_memory"] == 512
    assert len(samples) == 12 + 4 + 2


def test_a_host_without_ipv6_shows_ipv4_only(tmp_path: Path) -> None:
    """A missing sockstat6 is no failure."""
    samples = read_samples(make_collector(tmp_path, sockstat=SOCKSTAT).collect())
    assert len(samples) == 12 + 2
    assert not [name for name in samples if "6_" in name]


def test_fields_follow_the_kernel(tmp_path: Path) -> None:
    """A field that appears is shown, and keeps its own number."""
    collector = make_collector(tmp_path, sockstat=b"TCP: inuse 1\n")
    assert read_samples(collector.collect()) == {"node_sockstat_TCP_inuse": 1}
    make_collector(tmp_path, sockstat=b"TCP: new 7 inuse 2\n")
    assert read_samples(collector.collect()) == {
        "node_sockstat_TCP_new": 7,
        "node_sockstat_TCP_inuse": 2,
    }


def test_names_that_are_no_metric_names_are_left_out(tmp_path: Path) -> None:
    """Neither a strange word nor a repeated field breaks the page."""
    collector = make_collector(tmp_path, sockstat=b"TCP: in-use 1 tw 2 tw 3\n")
    assert read_samples(collector.collect()) == {"node_sockstat_TCP_tw": 2}


def test_a_kernel_without_ip_has_no_data(tmp_path: Path) -> None:
    """Neither file: nothing to show, and no failure."""
    with pytest.raises(NoData, match="sockstat"):
        list(make_collector(tmp_path).collect())
