"""The netstat collector: /proc/net/netstat, snmp and snmp6."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.netstat import (
    NetstatCollector,
    Options,
    parse_paired_lines,
    parse_snmp6,
)
from exporter.kernel import KernelTree, NoData
from tests.samples import read_samples

NETSTAT = b"""TcpExt: SyncookiesSent ListenOverflows ListenDrops TCPHPHits
TcpExt: 1 2 3 4
IpExt: InNoRoutes InOctets OutOctets
IpExt: 0 6286396970 2786264347
"""
SNMP = b"""Ip: Forwarding DefaultTTL
Ip: 2 64
Tcp: RtoAlgorithm MaxConn ActiveOpens CurrEstab
Tcp: 1 -1 3556 9
"""
SNMP6 = b"Ip6InReceives                   \t7\nIp6InOctets 460\nUdpLite6InErrors 1\nOdd 3\n"


def make_collector(root: Path, options: Options | None = None, **files: bytes) -> NetstatCollector:
    """Make a collector of a host with these files below /proc/net."""
    folder = root / "net"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return NetstatCollector(KernelTree(str(root)), options)


def test_parse_pairs_names_with_numbers() -> None:
    """Every second line is numbers."""
    names, numbers = parse_paired_lines(NETSTAT)
    assert names[0].startswith(b"TcpExt: Sync")
    assert numbers == (b"TcpExt: 1 2 3 4", b"IpExt: 0 6286396970 2786264347")


def test_parse_snmp6_pairs_names_with_numbers() -> None:
    """Every second word is a number."""
    assert parse_snmp6(b"Ip6InReceives   \t7\nIp6InOctets 460\n") == (
        [b"Ip6InReceives", b"Ip6InOctets"],
        [b"7", b"460"],
    )


@pytest.mark.parametrize("text", [b"", b"Tcp: A\n", b"Tcp: A\nTcp: 1\nUdp: B\n", b"\n\n"])
def test_parse_refuses_odd_lines(text: bytes) -> None:
    """A file cut short is an error."""
    with pytest.raises(ValueError, match="pairs of lines"):
        parse_paired_lines(text)


def test_parse_snmp6_refuses_odd_words() -> None:
    """A name without its number is an error."""
    with pytest.raises(ValueError, match="pairs of words"):
        parse_snmp6(b"Ip6InReceives 7 Ip6InOctets")


@given(st.binary(max_size=200))
def test_parsers_raise_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    for parse in (parse_paired_lines, parse_snmp6):
        with contextlib.suppress(ValueError):
            parse(text)


def test_the_default_counters_are_shown(tmp_path: Path) -> None:
    """Protocol and name make the metric's name."""
    collector = make_collector(tmp_path, netstat=NETSTAT, snmp=SNMP, snmp6=SNMP6)
    assert read_samples(collector.collect()) == {
        "node_netstat_TcpExt_SyncookiesSent": 1,
        "node_netstat_TcpExt_ListenOverflows": 2,
        "node_netstat_TcpExt_ListenDrops": 3,
        "node_netstat_IpExt_InOctets": 6286396970,
        "node_netstat_IpExt_OutOctets": 2786264347,
        "node_netstat_Ip_Forwarding": 2,
        "node_netstat_Tcp_ActiveOpens": 3556,
        "node_netstat_Tcp_CurrEstab": 9,
        "node_netstat_Ip6_InOctets": 460,
        "node_netstat_UdpLite6_InErrors": 1,
    }


def test_types_are_untyped(tmp_path: Path) -> None:
    """The kernel mixes counters, gauges and settings in these files."""
    collector = make_collector(tmp_path, netstat=NETSTAT, snmp=SNMP)
    types = {family.type for filled in collector.collect() for family in filled.families()}
    assert types == {"untyped"}


def test_an_empty_pattern_shows_everything(tmp_path: Path) -> None:
    """Negative numbers, such as MaxConn, are as valid as others."""
    collector = make_collector(
        tmp_path, Options(fields=None), netstat=NETSTAT, snmp=SNMP, snmp6=SNMP6
    )
    samples = read_samples(collector.collect())
    assert samples["node_netstat_Tcp_MaxConn"] == -1
    assert len(samples) == 7 + 6 + 3


def test_names_that_are_no_metric_names_are_left_out(tmp_path: Path) -> None:
    """A strange word in a header does not break the page."""
    collector = make_collector(
        tmp_path, Options(fields=re.compile(".")), netstat=b"T: a-b c\nT: 1 2\n", snmp=SNMP
    )
    samples = read_samples(collector.collect())
    assert samples["node_netstat_T_c"] == 2
    assert "node_netstat_T_a-b" not in samples


def test_columns_move_with_their_names(tmp_path: Path) -> None:
    """After a change of the names (a module was loaded) numbers keep to their names."""
    collector = make_collector(tmp_path, netstat=NETSTAT, snmp=SNMP)
    read_samples(collector.collect())
    make_collector(tmp_path, snmp=SNMP.replace(b"MaxConn", b"New MaxConn").replace(b"-1", b"5 -1"))
    assert read_samples(collector.collect())["node_netstat_Tcp_ActiveOpens"] == 3556


@pytest.mark.parametrize(
    "numbers", [b"Tcp: 1 -1 3556", b"Udp: 1 -1 3556 9", b"Tcp: 1 -1 x 9", b"Tcp: 1 -1 - 9"]
)
def test_numbers_that_do_not_fit_their_names_fail(tmp_path: Path, numbers: bytes) -> None:
    """A row that is short, of another protocol or no numbers is an error, never data."""
    snmp = SNMP.replace(b"Tcp: 1 -1 3556 9", numbers)
    with pytest.raises(ValueError, match=r"Tcp|integers"):
        list(make_collector(tmp_path, netstat=NETSTAT, snmp=snmp).collect())


def test_a_number_of_snmp6_that_is_none_fails(tmp_path: Path) -> None:
    """The numbers of snmp6 are checked too."""
    collector = make_collector(tmp_path, netstat=NETSTAT, snmp=SNMP, snmp6=b"Ip6InOctets x\n")
    with pytest.raises(ValueError, match="integers"):
        list(collector.collect())


def test_a_kernel_without_ipv4_has_no_data(tmp_path: Path) -> None:
    """Missing files are not a failure of the collector."""
    with pytest.raises(NoData, match="netstat"):
        list(make_collector(tmp_path).collect())
