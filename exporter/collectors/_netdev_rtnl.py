"""Counters of the network interfaces over rtnetlink.

Source: RTM_GETSTATS with IFLA_STATS_LINK_64 (Linux net/core/rtnetlink.c, since 4.7), which gives
the counters and nothing else: a sixth of the bytes of RTM_GETLINK, whose answer also makes the
kernel add up the IPv6 statistics of all CPUs. Names and aliases come from RTM_GETLINK when the
kernel has announced a change of interfaces. Needs no rights.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from struct import Struct

from exporter.collectors._links import IFLA_IFALIAS, IFLA_IFNAME, LinkWatch, read_links
from exporter.families import Filled, Layout, Series
from exporter.netlink import NETLINK_ROUTE, Netlink

_RTM_GETSTATS, _IFLA_STATS_LINK_64 = 94, 1
_REQUEST = Struct("=BxxxII").pack(0, 0, 1 << (_IFLA_STATS_LINK_64 - 1))

COUNTERS = 24
"""In struct rtnl_link_stats64; what newer kernels have behind them is left out."""

# struct if_stats_msg (family, ifindex, mask), struct nlattr, struct rtnl_link_stats64.
_STATISTICS = Struct(f"=4xI4xHH{COUNTERS}Q")
_LENGTH = 4 + 8 * COUNTERS

Row = Sequence[int]


def parse_statistics(message: bytes) -> Row:
    """Give the ifindex, two numbers of no interest, and the counters as the kernel has them.

    Raises ValueError when the message is something else.
    """
    if len(message) < _STATISTICS.size:
        raise ValueError(f"rtnetlink: statistics of {len(message)} bytes")
    row = _STATISTICS.unpack_from(message)
    if row[1] < _LENGTH or row[2] != _IFLA_STATS_LINK_64:
        raise ValueError(f"rtnetlink: expected the counters of a link, got attribute {row[2]}")
    return row


def sum_up(row: Row) -> Row:
    """Add up what /proc/net/dev shows as one column (Linux net/core/net-procfs.c)."""
    (
        _, _, _, packets, sent_packets, received, sent, errors, sent_errors, dropped, sent_dropped,
        multicast, collisions, length, over, crc, frame, fifo, missed, aborted, carrier, sent_fifo,
        heartbeat, window, compressed, sent_compressed, nohandler,
    ) = row  # fmt: skip
    return (
        received, packets, errors, dropped + missed, fifo, length + over + crc + frame, compressed,
        multicast, sent, sent_packets, sent_errors, sent_dropped, sent_fifo, collisions,
        carrier + aborted + window + heartbeat, sent_compressed, nohandler,
    )  # fmt: skip


take_all = itemgetter(slice(3, None))


class RouteSource:
    """The counters of the interfaces of the daemon's own network namespace."""

    def __init__(
        self,
        accepts: Callable[[str], bool],
        columns: Mapping[str, str],
        *,
        detailed: bool,
        alias: bool,
    ) -> None:
        """Take the columns with their help texts, as the kernel or `sum_up` has them."""
        self._accepts = accepts
        self._columns = columns
        self._numbers = take_all if detailed else sum_up
        self._labels = ("device", "ifalias") if alias else ("device",)
        self._route = Netlink(NETLINK_ROUTE)
        self._watch = LinkWatch()
        self._links: dict[int, tuple[str, ...]] = {}
        self._changed = False
        self._shown: list[int] = []
        self._layout = Layout(())

    def read(self) -> list[Filled]:
        """Ask the kernel. Raises OSError when it refuses, ValueError on a wrong answer."""
        # Until all has been read: a change is announced once, also when reading fails.
        self._changed = self._watch.changed() or self._changed
        if self._changed:
            self._read_links()
        rows: dict[int, Row] = {}
        # Interfaces that come and go meanwhile do not make the counters of the others wrong.
        with contextlib.suppress(InterruptedError):
            for message in self._route.stream(_RTM_GETSTATS, _REQUEST):
                row = parse_statistics(message)
                if row[0] in self._links:
                    rows[row[0]] = row
        shown = list(rows)
        if self._changed or shown != self._shown:
            self._lay_out(shown)
        self._changed = False
        numbers = map(self._numbers, rows.values())
        return [self._layout.fill(list(chain.from_iterable(zip(*numbers, strict=True))))]

    def _read_links(self) -> None:
        width = len(self._labels)
        labels = {
            link.ifindex: (link.name, link.text(IFLA_IFALIAS))[:width]
            for link in read_links(self._route, IFLA_IFNAME if width == 1 else IFLA_IFALIAS)
        }
        self._links = {index: row for index, row in labels.items() if self._accepts(row[0])}

    def _lay_out(self, shown: list[int]) -> None:
        rows = [self._links[index] for index in shown]
        self._shown = shown
        self._layout = Layout(
            [
                Series(f"node_network_{name}_total", text, "counter", self._labels, rows)
                for name, text in self._columns.items()
            ]
        )
