"""The network_route collector: routes over rtnetlink."""

from __future__ import annotations

import contextlib
import socket
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.network_route import NetworkRouteCollector, parse_route
from exporter.kernel import KernelTree, NoData
from exporter.netlink import attribute
from tests.collectors.conftest import FakeHost
from tests.collectors.rtnetlink import answer, number
from tests.samples import read_samples

NAMES = {1: "lo", 2: "eth0", 3: "eth1"}
IPV4, IPV6 = int(socket.AF_INET), int(socket.AF_INET6)


def make_route(
    *attributes: bytes, length: int = 0, family: int = IPV4, kind: int = 1, protocol: int = 3
) -> bytes:
    """Write the kernel's answer for one."""
    return pack("=BBBBBBBBI", family, length, 0, 0, 254, protocol, 0, kind, 0) + b"".join(
        attributes
    )


def address(kind: int, text: str) -> bytes:
    """Write an attribute that is an address."""
    return attribute(kind, socket.inet_pton(IPV6 if ":" in text else IPV4, text))


def make_hop(ifindex: int, hops: int, *attributes: bytes) -> bytes:
    """Write one of several ways of a route."""
    inner = b"".join(attributes)
    return pack("=HBBi", 8 + len(inner), 0, hops, ifindex) + inner


def collect(host: FakeHost, *messages: bytes) -> dict[str, float]:
    """Give what is made of some routes."""
    return host.samples(NetworkRouteCollector(host.kernel, route=answer(26, 12, messages, NAMES)))


def test_a_route_is_a_series_of_labels(host: FakeHost) -> None:
    """Labels without a value are as good as absent; routes are counted by interface."""
    samples = collect(
        host,
        make_route(address(5, "192.0.2.1"), number(4, 2), number(6, 100), protocol=16),
        make_route(address(1, "192.0.2.0"), number(4, 2), address(7, "192.0.2.9"), length=24),
        make_route(address(1, "2001:db8::"), number(4, 3), length=32, family=IPV6, protocol=9),
    )
    assert samples == {
        'node_network_route_info{dest="default",device="eth0",gw="192.0.2.1",priority="100",'
        'proto="dhcp"}': 1,
        'node_network_route_info{dest="192.0.2.0/24",device="eth0",priority="0",proto="boot",'
        'src="192.0.2.9"}': 1,
        'node_network_route_info{dest="2001:db8::/32",device="eth1",priority="0",proto="ra"}': 1,
        'node_network_routes{device="eth0"}': 2,
        'node_network_routes{device="eth1"}': 1,
    }


def test_each_way_of_a_route_is_a_series(host: FakeHost) -> None:
    """The weight is one more than the hops of the kernel, which has 0 for equal shares."""
    first = make_hop(2, 0, address(5, "192.0.2.1"))
    second = make_hop(3, 4, attribute(18, pack("=H", IPV6) + socket.inet_pton(IPV6, "fe80::1")))
    samples = collect(host, make_route(attribute(9, first + second + make_hop(7, 0)), protocol=200))
    begin = 'node_network_route_info{dest="default",'
    assert samples == {
        f'{begin}device="eth0",gw="192.0.2.1",priority="0",proto="unknown",weight="1"}}': 1,
        f'{begin}device="eth1",gw="fe80::1",priority="0",proto="unknown",weight="5"}}': 1,
        f'{begin}priority="0",proto="unknown",weight="1"}}': 1,
        'node_network_routes{device="eth0"}': 1,
        'node_network_routes{device="eth1"}': 1,
        "node_network_routes": 1,
    }


def test_the_same_route_in_two_tables_is_one_series(host: FakeHost) -> None:
    """A page must not have a series twice; both count."""
    route = make_route(address(1, "192.0.2.0"), number(4, 2), length=24)
    samples = collect(host, route, route)
    assert samples['node_network_routes{device="eth0"}'] == 2
    assert len(samples) == 2


@pytest.mark.parametrize(
    "route", [make_route(kind=2), make_route(kind=6), make_route(family=28), make_route(kind=5)]
)
def test_other_routes_are_left_out(host: FakeHost, route: bytes) -> None:
    """Local, blackhole and multicast ones, and those of MPLS."""
    assert collect(host, route) == {}


def test_the_network_of_another_host_is_not_asked(host: FakeHost) -> None:
    """With the procfs of a host mounted in a container, netlink would tell of the container."""
    with pytest.raises(NoData, match="network of the host"):
        list(NetworkRouteCollector(host.kernel).collect())


def test_this_machine_answers() -> None:
    """What is counted is shown, each route at most once."""
    samples = read_samples(NetworkRouteCollector(KernelTree()).collect())
    routes = [name for name in samples if name.startswith("node_network_route_info")]
    assert len(routes) <= sum(samples.values()) - len(routes)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        make_route(number(4, 2))[:-2],
        make_route(length=24),
        make_route(address(1, "::"), length=24),
        make_route(address(5, "::")),
        make_route(attribute(18, b"")),
        make_route(attribute(18, pack("=H", 99) + bytes(4))),
        make_route(attribute(9, make_hop(1, 0)[:-1])),
        make_route(attribute(9, make_hop(1, 0) + b"\1\0\0\0\0\0\0\0")),
        make_route(attribute(9, b"\xff\0\0\0\0\0\0\0")),
    ],
)
def test_parse_refuses_broken_messages(message: bytes) -> None:
    """Cut messages, and addresses of another length, are errors."""
    with pytest.raises(ValueError, match="netlink"):
        parse_route(message)


@given(
    st.binary(max_size=100)
    | st.builds(
        lambda content, kind: make_route(attribute(kind, content), length=24),
        st.binary(max_size=40),
        st.sampled_from([1, 4, 5, 6, 7, 9, 18]),
    )
)
def test_parse_raises_nothing_but_value_error(message: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_route(message)
