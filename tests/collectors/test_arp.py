"""The arp collector: /proc/net/arp, and the same over rtnetlink."""

from __future__ import annotations

import contextlib
import re
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.arp import (
    NDMSG,
    ArpCollector,
    Options,
    parse_arp,
    parse_neighbour,
)
from exporter.kernel import KernelTree, NoData
from exporter.netlink import Netlink
from tests.collectors.conftest import FakeHost
from tests.isolated_network import UP, Network, run_in_network
from tests.samples import read_samples

TITLE = "IP address       HW type     Flags       HW address            Mask     Device\n"
ETH0 = "192.0.2.1        0x1         0x2         02:00:00:00:00:01     *        eth0\n"
INCOMPLETE = "192.0.2.9        0x1         0x0         00:00:00:00:00:00     *        eth0\n"
STAR = "192.0.2.3        0x1         0x2         02:00:00:00:00:03     *        a*b\n"
BARE = "192.0.2.4        0x200       0x2                               *        tun0\n"

REACHABLE, FAILED, NOARP, PERMANENT, PROXY = 0x02, 0x20, 0x40, 0x80, 8


def test_parse_counts_by_interface() -> None:
    """Incomplete entries count; an odd name of an interface is no matter."""
    assert parse_arp((TITLE + ETH0 + INCOMPLETE + STAR).encode()) == {b"eth0": 2, b"a*b": 1}
    assert parse_arp(TITLE.encode()) == {}


def test_parse_takes_hardware_without_addresses() -> None:
    """Their column is empty."""
    assert parse_arp((TITLE + ETH0 + BARE).encode()) == {b"eth0": 1, b"tun0": 1}


@pytest.mark.parametrize(
    "text", ["", "eth0\n", TITLE + "192.0.2.1 0x1\n", TITLE + ETH0.replace("*", "x")]
)
def test_parse_refuses_other_tables(text: str) -> None:
    """A missing title, a short row, and a row without its star are errors."""
    with pytest.raises(ValueError, match="net/arp"):
        parse_arp(text.encode())


@given(st.binary(max_size=200) | st.binary(max_size=100).map(TITLE.encode().__add__))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    for parse in (parse_arp, parse_neighbour):
        with contextlib.suppress(ValueError):
            parse(text)


def test_a_neighbour_has_interface_and_state() -> None:
    """What stands behind the header is of no interest."""
    assert parse_neighbour(NDMSG.pack(2, 7, FAILED, 0, 0) + b"rest") == (7, FAILED)
    with pytest.raises(ValueError, match="a neighbour of 11 bytes"):
        parse_neighbour(bytes(11))


def test_the_file_is_counted(host: FakeHost) -> None:
    """One series for each interface that has entries; they come and go."""
    host.write("proc/net/arp", TITLE + ETH0 + INCOMPLETE + BARE)
    collector = ArpCollector(host.kernel, Options())
    assert host.samples(collector) == {
        'node_arp_entries{device="eth0"}': 2,
        'node_arp_entries{device="tun0"}': 1,
    }
    host.write("proc/net/arp", TITLE)
    assert host.samples(collector) == {}


@pytest.mark.parametrize(
    "options",
    [Options(device_include=re.compile("^eth")), Options(device_exclude=re.compile("^tun"))],
)
def test_interfaces_can_be_chosen(host: FakeHost, options: Options) -> None:
    """Include and exclude patterns choose interfaces."""
    host.write("proc/net/arp", TITLE + ETH0 + BARE)
    samples = host.samples(ArpCollector(host.kernel, options))
    assert samples == {'node_arp_entries{device="eth0"}': 1}


def test_include_and_exclude_contradict_each_other() -> None:
    """Both at once is an error that says what to do."""
    with pytest.raises(ValueError, match="device-include and device-exclude"):
        Options(device_include=re.compile("a"), device_exclude=re.compile("b"))


def test_a_kernel_without_the_file_has_no_data(host: FakeHost) -> None:
    """CONFIG_INET missing is not a failure of the collector."""
    with pytest.raises(NoData, match="net/arp"):
        host.samples(ArpCollector(host.kernel, Options()))


def fill_cache() -> Any:
    """Add entries of all kinds; give what each source counts."""
    network = Network()
    collectors = [ArpCollector(KernelTree(), Options(netlink=netlink)) for netlink in (True, False)]
    network.add_pair("left", "right")
    for name in ("left", "right"):
        network.set(name, "flags", UP)
    for number, state in enumerate((REACHABLE, FAILED, PERMANENT, NOARP)):
        network.add_neighbour("left", f"192.0.2.{number}", state)
    network.add_neighbour("right", "192.0.2.10", PERMANENT)
    first = [read_samples(collector.collect()) for collector in collectors]
    network.add_pair("new", "newer")
    network.set("new", "flags", UP)
    network.add_neighbour("new", "192.0.2.20", PERMANENT)
    network.add_neighbour("new", "192.0.2.21", REACHABLE, PROXY)
    return [first, [read_samples(collector.collect()) for collector in collectors]]


def test_netlink_counts_what_the_file_counts() -> None:
    """Not what does without ARP; addresses that are answered for another are in the file alone."""
    first, second = run_in_network(fill_cache)
    counts = {'node_arp_entries{device="left"}': 3, 'node_arp_entries{device="right"}': 1}
    assert first == [counts, counts]
    name = 'node_arp_entries{device="new"}'
    assert second == [{**counts, name: 1}, {**counts, name: 2}]


def test_the_file_is_read_where_netlink_is_refused() -> None:
    """A kernel without the protocol, or a sandbox: the file has the same series."""
    collector = ArpCollector(KernelTree(), Options())
    assert collector._route is not None
    collector._route._route = Netlink(31)
    expected = read_samples(ArpCollector(KernelTree(), Options(netlink=False)).collect())
    assert read_samples(collector.collect()).keys() == expected.keys()
    assert collector._route is None


def test_other_failures_of_netlink_are_shown() -> None:
    """A connection that breaks is no reason to go without netlink ever after."""
    collector = ArpCollector(KernelTree(), Options())
    list(collector.collect())
    assert collector._route is not None
    ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    kernels.close()
    collector._route._route.close()
    collector._route._route._socket = ours
    with pytest.raises(ConnectionRefusedError):
        list(collector.collect())
    list(collector.collect())
    assert collector._route is not None


def fail_once() -> Any:
    """Break the connection before the first question; give what is counted at the next one."""
    network = Network()
    network.add_pair("left", "right")
    network.add_neighbour("left", "192.0.2.1", PERMANENT)
    collector = ArpCollector(KernelTree(), Options())
    assert collector._route is not None
    ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    kernels.close()
    collector._route._route._socket = ours
    with pytest.raises(ConnectionRefusedError):
        list(collector.collect())
    return read_samples(collector.collect())


def test_after_a_failure_the_interfaces_are_asked_for_again() -> None:
    """Their change was announced once: else all entries would be missing for a minute."""
    assert run_in_network(fail_once) == {'node_arp_entries{device="left"}': 1}
