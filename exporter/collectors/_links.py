"""Network interfaces over rtnetlink: which there are, and a watch that tells when they change.

Source: Linux net/core/rtnetlink.c (RTM_GETLINK and the group RTNLGRP_LINK, since 2.2). The kernel
announces an interface that comes, goes, or is changed in its name, alias, MTU, flags, queue length,
carrier or operational state; a change of the carrier up to a second late (net/core/link_watch.c).
It does not announce what a driver alone knows, such as the speed. Needs no rights.
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable
from struct import Struct
from typing import NamedTuple

from exporter.netlink import NETLINK_ROUTE, Netlink, attributes, unsigned

RTM_GETLINK = 18
IFINFOMSG = Struct("=BxHiII")  # family, type (ARPHRD_*), index, flags, mask of changes
_ANNOUNCED = Struct("=20xi")  # struct nlmsghdr, and struct ifinfomsg up to the ifindex

IFLA_ADDRESS, IFLA_BROADCAST, IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_TXQLEN = 1, 2, 3, 4, 5, 13
IFLA_OPERSTATE, IFLA_LINKMODE, IFLA_IFALIAS, IFLA_GROUP, IFLA_EXT_MASK = 16, 17, 20, 27, 29
IFLA_CARRIER, IFLA_CARRIER_CHANGES, IFLA_CARRIER_UP_COUNT, IFLA_CARRIER_DOWN_COUNT = 33, 35, 47, 48
IFLA_PROP_LIST, IFLA_ALT_IFNAME = 52, 53

_RTMGRP_LINK = 1

_BUFFER = 65_536
"""For some fifty announcements; when there are more, everything is read anew, which is cheaper."""

MAX_AGE_SECONDS = 60.0
"""For what the kernel does not announce."""

# Statistics are left out: for IPv6 the kernel adds them up over all CPUs (RTEXT_FILTER_SKIP_STATS).
_WITHOUT_STATISTICS = Struct("=HHI").pack(8, IFLA_EXT_MASK, 1 << 3)


class Link(NamedTuple):
    """An interface."""

    ifindex: int
    kind: int
    """ARPHRD_ETHER (1), ARPHRD_LOOPBACK (772), ..."""
    flags: int
    attributes: dict[int, bytes]

    @property
    def name(self) -> str:
        """The name, without the zero byte behind it."""
        return self.text(IFLA_IFNAME)

    def text(self, attribute: int) -> str:
        """A text; empty when there is none."""
        return as_text(self.attributes.get(attribute, b""))

    def hardware_address(self, attribute: int) -> str:
        """An address as sysfs shows it; empty when there is none."""
        return self.attributes.get(attribute, b"").hex(":")

    def number(self, attribute: int) -> int | None:
        """A number; none when there is none."""
        content = self.attributes.get(attribute)
        return unsigned(content) if content else None


def as_text(content: bytes) -> str:
    """Give the text that an attribute holds."""
    return content.rstrip(b"\0").decode("utf-8", "surrogateescape")


def parse_link(message: bytes, until: int = 0) -> Link:
    """Parse a RTM_NEWLINK, up to the attribute that is looked for if one is: there are dozens.

    Raises ValueError when it is none.
    """
    if len(message) < IFINFOMSG.size:
        raise ValueError(f"rtnetlink: a link of {len(message)} bytes")
    _, kind, ifindex, flags, _ = IFINFOMSG.unpack_from(message)
    found = {}
    for attribute, content in attributes(message, IFINFOMSG.size):
        found[attribute] = content
        if attribute == until:
            break
    return Link(ifindex, kind, flags, found)


def read_links(route: Netlink, until: int = 0) -> list[Link]:
    """Ask for all interfaces of the network namespace. Raises OSError and ValueError."""
    request = IFINFOMSG.pack(0, 0, 0, 0, 0) + _WITHOUT_STATISTICS
    return [parse_link(message, until) for message in route.dump(RTM_GETLINK, request)]


class LinkWatch:
    """Tells which interfaces may have changed since it was asked the last time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._socket: socket.socket | None = None
        self._since = 0.0

    def changes(self) -> set[int] | None:
        """Give the ifindex of those that were announced; None when it may be any.

        So it is at first, when the announcements were too many, and after a minute at the latest.
        To be asked before the interfaces are read, so that what changes meanwhile is seen next
        time. Raises OSError where the kernel does not let us listen.
        """
        now = self._clock()
        if self._socket is None:
            self._socket = _listen()
            heard = None
        else:
            heard = _hear(self._socket)
        if heard is None or now - self._since >= MAX_AGE_SECONDS:
            self._since = now
            return None
        return heard

    def changed(self) -> bool:
        """Tell whether any may have changed."""
        return self.changes() != set()

    def close(self) -> None:
        """Stop listening."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __del__(self) -> None:
        self.close()


def _listen() -> socket.socket:
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        opened.setblocking(False)
        opened.bind((0, _RTMGRP_LINK))
    except BaseException:
        opened.close()
        raise
    return opened


def _hear(listening: socket.socket) -> set[int] | None:
    """Empty the buffer: which interfaces are in it, and None when it was too small."""
    heard: set[int] = set()
    complete = True
    while True:
        try:
            announced = listening.recv(_ANNOUNCED.size)
        except BlockingIOError:
            return heard if complete else None
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            complete = False
        else:
            heard.add(_ANNOUNCED.unpack(announced)[0])
