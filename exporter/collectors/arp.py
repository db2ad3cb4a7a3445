"""Entries of the ARP cache by interface, over rtnetlink or from /proc/net/arp.

Source: RTM_GETNEIGH (Linux net/core/neighbour.c, since 2.2) for the network namespace of the
daemon; /proc/net/arp (net/ipv4/arp.c, since 1.0) for any other, such as the host's below a mounted
procfs, and where netlink is refused. Both lack interfaces that do without ARP; only the file has
addresses for which this host answers in the place of another (proxy ARP). Needs no rights.
"""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from struct import Struct

from exporter.collectors._links import IFLA_IFNAME, LinkWatch, read_links
from exporter.families import Filled
from exporter.kernel import KernelFile, KernelTree, NoData
from exporter.netlink import NETLINK_ROUTE, REFUSED, Netlink
from exporter.options import NameFilter, exclude_option, include_option, option, reject_both
from exporter.parsing import shorten
from exporter.table import Column, Table

RTM_GETNEIGH = 30
NDMSG = Struct("=BxxxiHBB")  # family, ifindex, state, flags, type
NUD_NOARP = 0x40

_WIDTH = 6


@dataclass(frozen=True, slots=True)
class Options:
    """Which interfaces are shown, and from which source."""

    device_include: re.Pattern[str] | None = include_option("interfaces", "device")
    device_exclude: re.Pattern[str] | None = exclude_option("interfaces", "device")
    netlink: bool = option(
        True,
        "Ask the kernel over netlink instead of reading /proc/net/arp, where that is possible.",
    )

    def __post_init__(self) -> None:
        reject_both(self.device_include, self.device_exclude, "device")


def parse_arp(text: bytes) -> Counter[bytes]:
    """Count the entries of each interface. Raises ValueError when it is not that table."""
    title, _, body = text.partition(b"\n")
    if not title.startswith(b"IP address"):
        raise ValueError(f"/proc/net/arp: expected a title: {shorten(title)}")
    words = body.split()
    marks = words[_WIDTH - 2 :: _WIDTH]
    if len(words) == _WIDTH * len(marks) and marks.count(b"*") == len(marks):
        return Counter(words[_WIDTH - 1 :: _WIDTH])
    # An interface whose hardware has no addresses leaves their column empty.
    rows = [line.split() for line in body.splitlines()]
    if not all(_WIDTH - 1 <= len(row) <= _WIDTH and row[-2] == b"*" for row in rows):
        raise ValueError(f"/proc/net/arp: expected rows of {_WIDTH} words: {shorten(body)}")
    return Counter(row[-1] for row in rows)


def parse_neighbour(message: bytes) -> tuple[int, int]:
    """Give interface and state of a RTM_NEWNEIGH. Raises ValueError when it is none."""
    if len(message) < NDMSG.size:
        raise ValueError(f"rtnetlink: a neighbour of {len(message)} bytes")
    _, ifindex, state, _, _ = NDMSG.unpack_from(message)
    return ifindex, state


class RouteSource:
    """The entries of the daemon's own network namespace."""

    def __init__(self) -> None:
        self._route = Netlink(NETLINK_ROUTE)
        self._watch = LinkWatch()
        self._names: dict[int, str] = {}

    def count(self) -> dict[str, int]:
        """Ask the kernel. Raises OSError when it refuses, ValueError on a wrong answer."""
        if self._watch.changed():
            self._names = {}  # also when reading them fails: a change is announced once
        if not self._names:
            self._names = {one.ifindex: one.name for one in read_links(self._route, IFLA_IFNAME)}
        request = NDMSG.pack(socket.AF_INET, 0, 0, 0, 0)
        neighbours = map(parse_neighbour, self._route.dump(RTM_GETNEIGH, request))
        counts = Counter(ifindex for ifindex, state in neighbours if not state & NUD_NOARP)
        # An interface that has come since its name was asked for is shown the next time.
        return {self._names[index]: n for index, n in counts.items() if index in self._names}


def count_in_file(file: KernelFile) -> dict[str, int]:
    """Read the file. Raises NoData when there is none."""
    try:
        counts = parse_arp(file.read())
    except FileNotFoundError as error:
        raise NoData("this kernel has no /proc/net/arp") from error
    return {name.decode("utf-8", "surrogateescape"): count for name, count in counts.items()}


class ArpCollector:
    """The entries of the ARP cache."""

    name = "arp"

    def __init__(self, kernel: KernelTree, options: Options) -> None:
        self._file = kernel.net("arp")
        self._filter = NameFilter(options.device_include, options.device_exclude)
        # Netlink answers for the daemon's own network namespace, which is that of its own /proc.
        own = options.netlink and kernel.own_network
        self._route = RouteSource() if own else None
        self._table = Table(
            [Column("node_arp_entries", "Entries of the ARP cache.", "gauge")], ("device",)
        )

    def collect(self) -> Iterable[Filled]:
        """Yield the number of entries of each interface that has any."""
        counts = self._count()
        yield self._table.fill(
            {(name,): (counts[name],) for name in sorted(counts) if self._filter.accepts(name)}
        )

    def _count(self) -> Mapping[str, int]:
        if self._route is not None:
            try:
                return self._route.count()
            except OSError as error:
                if error.errno not in REFUSED:
                    raise
                self._route = None
        return count_in_file(self._file)
