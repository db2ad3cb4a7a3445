"""The ipvs collector: /proc/net/ip_vs and ip_vs_stats."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.ipvs import (
    IpvsCollector,
    Options,
    parse_address,
    parse_ip_vs,
    parse_ip_vs_stats,
    parse_labels,
)
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

STATS = """\
   Total Incoming Outgoing         Incoming         Outgoing
   Conns  Packets  Packets            Bytes            Bytes
      1C   16E9AB      B1F         3F5A2C21             A0FE

 Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s
       0       4F        0             1A2F                0
"""
HEAD = """\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
"""
SERVICES = """\
TCP  C000020A:01BB wlc persistent 360 FFFFFFFF
  -> C0000215:01BB      Route   100    248        2
  -> C0000216:01BB      Route   50     312        17
TCP  [2001:0db8:0000:0000:0000:0000:0000:000a]:0050 rr
  -> [2001:0db8:0000:0000:0000:0000:0000:0015]:0050      Tunnel  7      12         1
FWM  00000A01 sh
  -> C0000215:0000      Local   1      34         5
SCTP C000020A:1F91 rr
  -> C0000215:1F91      Masq    3      6          9
TCP  C000020A:1F90 rr
"""


def make_collector(
    host: FakeHost, services: str = SERVICES, labels: str | None = None
) -> IpvsCollector:
    """Make a collector of a host with these services."""
    host.write("proc/1/net/ip_vs_stats", STATS)
    host.write("proc/1/net/ip_vs", HEAD + services)
    return IpvsCollector(host.kernel, Options(labels) if labels is not None else None)


def test_parse_totals() -> None:
    """They are hexadecimal, and stand in the third line."""
    assert parse_ip_vs_stats(STATS.encode()) == [0x1C, 0x16E9AB, 0xB1F, 0x3F5A2C21, 0xA0FE]


@pytest.mark.parametrize(
    "text", ["", "a\nb", "a\nb\n1 2 3 4", "a\nb\n1 2 3 4 x", "a\nb\n1 2 3 4 -5"]
)
def test_parse_refuses_other_totals(text: str) -> None:
    """Too few lines or numbers, and words that are none."""
    with pytest.raises(ValueError, match="hex numbers"):
        parse_ip_vs_stats(text.encode())


def test_parse_addresses() -> None:
    """IPv4 and IPv6, in the notation that everybody uses."""
    assert parse_address(b"C0A80001:0050") == ("192.168.0.1", "80")
    assert parse_address(b"[fe80:0000:0000:0000:0001:0000:0000:0001]:FFFF") == (
        "fe80::1:0:0:1",
        "65535",
    )


def test_parse_refuses_backends_that_are_none() -> None:
    """Neither one before the first service, nor one cut short."""
    arrow = b"  -> C0000215:01BB      Route   1      2          3\n"
    for text in (
        arrow,
        b"TCP  C000020A:01BB rr\n" + arrow[:40],
        b"TCP a b\n" + arrow.replace(b"3", b"x"),
    ):
        with pytest.raises(ValueError, match=r"ip_vs|integers"):
            parse_ip_vs(text)


@given(st.binary(max_size=200))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    for parse in (parse_ip_vs_stats, parse_ip_vs, parse_address):
        with contextlib.suppress(ValueError):
            parse(text)


@given(st.from_regex(rb"\[[0-9a-f:]{39}\]:[0-9A-F]{4}", fullmatch=True))
def test_addresses_raise_nothing_but_value_error(field: bytes) -> None:
    """What only looks like an IPv6 address is an error as well."""
    with contextlib.suppress(ValueError):
        parse_address(field)


def test_backends_are_shown(host: FakeHost) -> None:
    """With IPv4 and IPv6 addresses, marks, and protocols of which node_exporter knows nothing."""
    samples = host.samples(make_collector(host))
    assert samples["node_ipvs_connections_total"] == 28
    assert samples["node_ipvs_incoming_bytes_total"] == 0x3F5A2C21
    one = (
        'local_address="192.0.2.10",local_port="443",proto="TCP",'
        'remote_address="192.0.2.22",remote_port="443"'
    )
    assert samples[f"node_ipvs_backend_weight{{{one}}}"] == 50
    assert samples[f"node_ipvs_backend_connections_active{{{one}}}"] == 312
    assert samples[f"node_ipvs_backend_connections_inactive{{{one}}}"] == 17
    six = (
        'local_address="2001:db8::a",local_port="80",proto="TCP",'
        'remote_address="2001:db8::15",remote_port="80"'
    )
    assert samples[f"node_ipvs_backend_weight{{{six}}}"] == 7
    mark = (
        'local_mark="00000A01",local_port="0",proto="FWM",'
        'remote_address="192.0.2.21",remote_port="0"'
    )
    assert samples[f"node_ipvs_backend_weight{{{mark}}}"] == 1
    assert len([name for name in samples if 'proto="SCTP"' in name]) == 3
    assert len(samples) == 5 + 3 * 5


def test_fewer_labels_add_up(host: FakeHost) -> None:
    """Backends that the labels do not tell apart are one."""
    samples = host.samples(make_collector(host, labels="proto,local_port"))
    assert samples['node_ipvs_backend_connections_active{local_port="443",proto="TCP"}'] == 560
    assert samples['node_ipvs_backend_weight{local_port="80",proto="TCP"}'] == 7
    without = host.samples(make_collector(host, labels=""))
    assert without["node_ipvs_backend_weight"] == 161


def test_backends_come_and_go(host: FakeHost) -> None:
    """And those that stay keep their own numbers."""
    collector = make_collector(host, labels="remote_address")
    host.samples(collector)
    make_collector(host, "UDP  C000020A:0035 rr\n  -> C0000217:0035  Masq  1  5  6\n")
    samples = host.samples(collector)
    assert samples['node_ipvs_backend_connections_active{remote_address="192.0.2.23"}'] == 5
    assert len(samples) == 5 + 3


def test_no_services_leave_the_totals(host: FakeHost) -> None:
    """The module is loaded, but nothing is balanced."""
    assert len(host.samples(make_collector(host, ""))) == 5


def test_unknown_labels_are_refused() -> None:
    """With the names that there are."""
    assert parse_labels("proto,local_mark") == "proto,local_mark"
    with pytest.raises(ValueError, match=r"expected some of local_address,.* got scheduler"):
        parse_labels("proto,scheduler")


def test_module_may_be_loaded_later(host: FakeHost) -> None:
    """Without it there is no data; then the host's files are found, not a container's."""
    host.write("proc/net/dev", "")
    collector = IpvsCollector(host.kernel)
    with pytest.raises(NoData, match="ip_vs"):
        list(collector.collect())
    make_collector(host)
    assert host.samples(collector)["node_ipvs_connections_total"] == 28
