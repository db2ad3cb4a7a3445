"""The routes of the network stack, of all tables: where they lead, and how many each interface has.

Source: rtnetlink, RTM_GETROUTE (Linux net/ipv4/fib_frontend.c, net/ipv6/route.c,
include/uapi/linux/rtnetlink.h). Unicast routes of IPv4 and IPv6 are shown. Of the daemon's own
network namespace. Needs no rights.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from exporter.collectors._links import IFLA_IFNAME, read_links
from exporter.families import Family, LabelValues
from exporter.kernel import KernelTree, NoData
from exporter.netlink import NETLINK_ROUTE, Netlink, attributes, unsigned

_RTM_GETROUTE = 26
_RTMSG = Struct("=BBBBBBBBI")
"""struct rtmsg: family, lengths of destination and source, TOS, table, protocol, scope, type,
flags."""
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY = 1, 4, 5, 6
_RTA_PREFSRC, _RTA_MULTIPATH, _RTA_VIA = 7, 9, 18
_RTN_UNICAST = 1
_RTNEXTHOP = Struct("=HBBi")  # struct rtnexthop: length, flags, hops, ifindex
_VIA = Struct("=H")  # struct rtvia: the family, before the address

ADDRESS_BYTES = {int(socket.AF_INET): 4, int(socket.AF_INET6): 16}

PROTOCOLS = {
    0: "unspec",
    1: "redirect",
    2: "kernel",
    3: "boot",
    4: "static",
    8: "gated",
    9: "ra",
    10: "mrt",
    11: "zebra",
    12: "bird",
    13: "dnrouted",
    14: "xorp",
    15: "ntk",
    16: "dhcp",
    17: "mrouted",
    42: "babel",
    186: "bgp",
    187: "isis",
    188: "ospf",
    189: "rip",
    192: "eigrp",
}
"""Who made a route, as node_exporter calls them."""

LABELS = ("device", "src", "dest", "gw", "priority", "proto", "weight")


class Hop(NamedTuple):
    """One way out of a route."""

    ifindex: int
    gateway: str
    weight: str
    """Empty where there is no other way."""


class Route(NamedTuple):
    """A unicast route."""

    source: str
    destination: str
    priority: int
    protocol: str
    hops: tuple[Hop, ...]


def parse_route(message: bytes) -> Route | None:
    """Parse the kernel's answer for one route; none when it is not one that is shown.

    Raises ValueError when it is not well-formed.
    """
    if len(message) < _RTMSG.size:
        raise ValueError(f"rtnetlink: a route of {len(message)} bytes")
    family, length, _, _, _, protocol, _, kind, _ = _RTMSG.unpack_from(message)
    if kind != _RTN_UNICAST or family not in ADDRESS_BYTES:
        return None
    found = dict(attributes(message, _RTMSG.size))
    destination = "default"
    if length:
        destination = f"{_address(family, found.get(_RTA_DST, b''))}/{length}"
    source = _address(family, found[_RTA_PREFSRC]) if _RTA_PREFSRC in found else ""
    hops = tuple(_parse_hops(family, found))
    priority = unsigned(found.get(_RTA_PRIORITY, b""))
    return Route(source, destination, priority, PROTOCOLS.get(protocol, "unknown"), hops)


def _parse_hops(family: int, found: dict[int, bytes]) -> Iterator[Hop]:
    if _RTA_MULTIPATH not in found:
        yield Hop(unsigned(found.get(_RTA_OIF, b"")), _gateway(family, found), "")
        return
    content = found[_RTA_MULTIPATH]
    while content:
        if len(content) < _RTNEXTHOP.size:
            raise ValueError("rtnetlink: a route ends within its next hop")
        length, _, hops, ifindex = _RTNEXTHOP.unpack_from(content)
        if not _RTNEXTHOP.size <= length <= len(content):
            raise ValueError(f"rtnetlink: a next hop of {length} bytes in {len(content)}")
        inner = dict(attributes(content[:length], _RTNEXTHOP.size))
        yield Hop(ifindex, _gateway(family, inner), str(hops + 1))
        content = content[(length + 3) & ~3 :]


def _gateway(family: int, found: dict[int, bytes]) -> str:
    if _RTA_GATEWAY in found:
        return _address(family, found[_RTA_GATEWAY])
    via = found.get(_RTA_VIA)  # a gateway of the other IP version, since 5.2
    if via is None:
        return ""
    if len(via) < _VIA.size:
        raise ValueError("rtnetlink: a gateway without its family")
    return _address(_VIA.unpack_from(via)[0], via[_VIA.size :])


def _address(family: int, content: bytes) -> str:
    if len(content) != ADDRESS_BYTES.get(family):
        raise ValueError(f"rtnetlink: an address of {len(content)} bytes")
    return socket.inet_ntop(family, content)


class NetworkRouteCollector:
    """Unicast routes, and their number by interface."""

    name = "network_route"

    def __init__(self, kernel: KernelTree, *, route: Netlink | None = None) -> None:
        self._route = route or (Netlink(NETLINK_ROUTE) if kernel.own_network else None)

    def collect(self) -> Iterator[Family]:
        """Yield a series for each way of each route, and the number of them by interface."""
        if self._route is None:
            raise NoData("the daemon is not in the network of the host, and knows its own only")
        answers = self._route.dump(_RTM_GETROUTE, bytes(_RTMSG.size))
        names = {link.ifindex: link.name for link in read_links(self._route, IFLA_IFNAME)}
        known: dict[LabelValues, int] = {}  # in two tables there may be the same route
        count: Counter[str] = Counter()
        for route in filter(None, map(parse_route, answers)):
            for hop in route.hops:
                device = names.get(hop.ifindex, "")
                count[device] += 1
                known[
                    device,
                    route.source,
                    route.destination,
                    hop.gateway,
                    str(route.priority),
                    route.protocol,
                    hop.weight,
                ] = 1
        yield Family(
            "node_network_route_info", "A route; always 1.", "gauge", LABELS, list(known.items())
        )
        yield Family(
            "node_network_routes",
            "Routes that lead through the interface.",
            "gauge",
            ("device",),
            [((device,), number) for device, number in sorted(count.items())],
        )
