"""Properties of the network interfaces over netlink.

Sources: RTM_GETLINK (Linux net/core/rtnetlink.c), and for speed and duplex the generic netlink
family `ethtool` (net/ethtool/linkmodes.c, since 5.6; without it they come from sysfs). What only
sysfs has is taken from there when it shows the same interface. Needs no rights.
"""

from __future__ import annotations

from typing import NamedTuple

from exporter.attributes import Attributes
from exporter.collectors import _links as links
from exporter.collectors._links import Link, as_text, read_links
from exporter.collectors._netclass_interface import BYTES_PER_MBIT, Interface
from exporter.collectors._netclass_sysfs import read_hexadecimal, read_speed
from exporter.families import Number
from exporter.netlink import (
    GENL,
    NETLINK_GENERIC,
    REFUSED,
    Netlink,
    attribute,
    attributes,
    unsigned,
)

_LINKMODES_GET = 4
_HEADER, _SPEED, _DUPLEX = 1, 5, 6
_DEV_INDEX = 1
_NLA_F_NESTED = 0x8000
_DUPLEX_TEXT = {b"\0": "half", b"\1": "full"}

_OPERSTATES = ("unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up")

_IFF_DORMANT = 1 << 17

_NUMBERS = {
    "carrier": links.IFLA_CARRIER,
    "carrier_changes": links.IFLA_CARRIER_CHANGES,
    "carrier_down_count": links.IFLA_CARRIER_DOWN_COUNT,
    "carrier_up_count": links.IFLA_CARRIER_UP_COUNT,
    "link_mode": links.IFLA_LINKMODE,
    "mtu": links.IFLA_MTU,
    "netdev_group": links.IFLA_GROUP,
    "tx_queue_len": links.IFLA_TXQLEN,
}

UNKNOWN_MBIT = 2**31
"""From here on it is -1 without its sign, which means unknown."""


class LinkMode(NamedTuple):
    """What ethtool says of an interface."""

    speed: int | None
    """In bytes per second."""
    duplex: str


def parse_link_mode(message: bytes) -> tuple[int, LinkMode]:
    """Parse ETHTOOL_MSG_LINKMODES_GET_REPLY: the ifindex, and the mode. Raises ValueError."""
    found = dict(attributes(message, GENL.size))
    header = dict(attributes(found.get(_HEADER, b"")))
    mbit = unsigned(found[_SPEED]) if _SPEED in found else UNKNOWN_MBIT
    return unsigned(header.get(_DEV_INDEX, b"")), LinkMode(
        mbit * BYTES_PER_MBIT if mbit < UNKNOWN_MBIT else None,
        _DUPLEX_TEXT.get(found.get(_DUPLEX, b""), ""),
    )


class LinkModes:
    """Speed and duplex of all interfaces."""

    def __init__(self) -> None:
        self._generic = Netlink(NETLINK_GENERIC)

    def read(self) -> dict[int, LinkMode] | None:
        """Ask ethtool; gives modes by ifindex, and None where the kernel lacks this interface."""
        request = GENL.pack(_LINKMODES_GET, 1, 0) + attribute(_HEADER | _NLA_F_NESTED, b"")
        try:
            messages = self._generic.dump(self._generic.family("ethtool"), request)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno not in REFUSED:
                raise
            return None
        return dict(map(parse_link_mode, messages))


class RouteReader:
    """Reads the interfaces of the daemon's own network namespace."""

    def __init__(self, route: Netlink, attributes_of: Attributes) -> None:
        self._route = route
        self._attributes = attributes_of
        self._modes = LinkModes()

    def read(self) -> list[Interface]:
        """Give all interfaces. Raises OSError when the kernel refuses to answer."""
        modes = self._modes.read()
        return [self._complete(describe(link), modes) for link in read_links(self._route)]

    def _complete(self, one: Interface, modes: dict[int, LinkMode] | None) -> Interface:
        device, texts, numbers = one.device, dict(one.texts), dict(one.numbers)
        ifindex = self._attributes.number(f"{device}/ifindex")
        # sysfs may be that of another network namespace.
        if ifindex is not None and int(ifindex) == one.ifindex:
            for name in ("addr_assign_type", "name_assign_type"):
                numbers[name] = self._attributes.number(f"{device}/{name}")
            numbers["dev_id"] = read_hexadecimal(self._attributes, f"{device}/dev_id")
            if modes is None:
                numbers["speed"] = read_speed(self._attributes, device)
                texts["duplex"] = self._attributes.text(f"{device}/duplex") or ""
        if modes and one.ifindex in modes:
            numbers["speed"], texts["duplex"] = modes[one.ifindex]
        return one._replace(texts=texts, numbers=numbers)


def describe(link: Link) -> Interface:
    """Give what rtnetlink says of an interface. Raises ValueError when it makes no sense."""
    numbers: dict[str, Number | None] = {name: link.number(kind) for name, kind in _NUMBERS.items()}
    numbers["dormant"] = int(bool(link.flags & _IFF_DORMANT))
    numbers["flags"] = link.flags
    numbers["ifindex"] = link.ifindex
    numbers["iflink"] = link.number(links.IFLA_LINK) or link.ifindex  # left out when the same
    numbers["type"] = link.kind
    state = link.number(links.IFLA_OPERSTATE) or 0
    texts = {
        "address": link.hardware_address(links.IFLA_ADDRESS),
        "broadcast": link.hardware_address(links.IFLA_BROADCAST),
        "operstate": _OPERSTATES[state] if state < len(_OPERSTATES) else _OPERSTATES[0],
        "ifalias": link.text(links.IFLA_IFALIAS),
    }
    properties = attributes(link.attributes.get(links.IFLA_PROP_LIST, b""))
    names = [as_text(content) for kind, content in properties if kind == links.IFLA_ALT_IFNAME]
    return Interface(link.name, link.ifindex, link.flags, texts, numbers, names)
