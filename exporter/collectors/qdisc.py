"""Queueing disciplines: what the one at the root of each network interface sent, dropped, holds.

Source: rtnetlink, RTM_GETQDISC (Linux net/sched/sch_api.c, include/uapi/linux/{rtnetlink,gen_stats,
pkt_sched}.h; the nested statistics since 2.6.10). Of the daemon's own network namespace. Needs no
rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from exporter.collectors._links import IFLA_IFNAME, read_links
from exporter.families import Filled, LabelValues
from exporter.kernel import KernelTree, NoData
from exporter.netlink import NETLINK_ROUTE, Netlink, attributes
from exporter.options import NameFilter, exclude_option, include_option, reject_both
from exporter.table import Column, Table

_RTM_GETQDISC = 38
_TCMSG = Struct("=B3xiIII")  # struct tcmsg: family, ifindex, handle, parent, info
_TCA_KIND, _TCA_STATS2 = 1, 7
_TCA_STATS_BASIC, _TCA_STATS_QUEUE, _TCA_STATS_PKT64 = 1, 3, 8
_BASIC = Struct("=QI")  # bytes, packets
_QUEUE = Struct("=IIIII")  # length, backlog, drops, requeues, overlimits
_PACKETS = Struct("=Q")

_ROOTS = frozenset({0, 0xFFFF_FFFF})

COLUMNS = (
    Column("node_qdisc_bytes_total", "Bytes that the queueing discipline sent.", "counter"),
    Column("node_qdisc_packets_total", "Packets that the queueing discipline sent.", "counter"),
    Column("node_qdisc_drops_total", "Packets that the queueing discipline dropped.", "counter"),
    Column("node_qdisc_requeues_total", "Packets put back because the device was busy.", "counter"),
    Column("node_qdisc_overlimits_total", "Times that a limit held a packet back.", "counter"),
    Column("node_qdisc_current_queue_length", "Packets waiting to be sent.", "gauge"),
    Column("node_qdisc_backlog", "Bytes waiting to be sent.", "gauge"),
)


@dataclass(frozen=True, slots=True)
class Options:
    """Which interfaces are shown."""

    device_include: re.Pattern[str] | None = include_option("interfaces", "device")
    device_exclude: re.Pattern[str] | None = exclude_option("interfaces", "device")

    def __post_init__(self) -> None:
        reject_both(self.device_include, self.device_exclude, "device")


class Qdisc(NamedTuple):
    """A queueing discipline."""

    ifindex: int
    parent: int
    kind: str
    counters: tuple[int, ...]
    """In the order of the columns."""


def parse_qdisc(message: bytes) -> Qdisc:
    """Parse the kernel's answer for one. Raises ValueError when it is not that."""
    if len(message) < _TCMSG.size:
        raise ValueError(f"rtnetlink: a queueing discipline of {len(message)} bytes")
    _, ifindex, _, parent, _ = _TCMSG.unpack_from(message)
    found = dict(attributes(message, _TCMSG.size))
    kind = found.get(_TCA_KIND, b"").rstrip(b"\0").decode("utf-8", "replace")
    statistics = dict(attributes(found.get(_TCA_STATS2, b"")))
    sent, packets = _numbers(_BASIC, statistics.get(_TCA_STATS_BASIC))
    if _TCA_STATS_PKT64 in statistics:  # since 5.5, once 32 bits do not hold the number
        (packets,) = _numbers(_PACKETS, statistics[_TCA_STATS_PKT64])
    length, backlog, drops, requeues, limited = _numbers(_QUEUE, statistics.get(_TCA_STATS_QUEUE))
    counters = (sent, packets, drops, requeues, limited, length, backlog)
    return Qdisc(ifindex, parent, kind, counters)


class QdiscCollector:
    """The root queueing discipline of each interface."""

    name = "qdisc"

    def __init__(
        self, kernel: KernelTree, options: Options | None = None, *, route: Netlink | None = None
    ) -> None:
        options = options or Options()
        self._route = route or (Netlink(NETLINK_ROUTE) if kernel.own_network else None)
        self._filter = NameFilter(options.device_include, options.device_exclude)
        self._table = Table(COLUMNS, ("device", "kind"))

    def collect(self) -> Iterator[Filled]:
        """Yield one family for each number, by interface and kind."""
        if self._route is None:
            raise NoData("the daemon is not in the network of the host, and knows its own only")
        answers = self._route.dump(_RTM_GETQDISC, bytes(_TCMSG.size))
        names = {link.ifindex: link.name for link in read_links(self._route, IFLA_IFNAME)}
        rows: dict[LabelValues, tuple[int, ...]] = {}
        for qdisc in map(parse_qdisc, answers):
            name = names.get(qdisc.ifindex)  # none when the interface has just gone
            if qdisc.parent in _ROOTS and name is not None and self._filter.accepts(name):
                rows[name, qdisc.kind] = qdisc.counters
        yield self._table.fill(rows)


def _numbers(layout: Struct, content: bytes | None) -> tuple[int, ...]:
    """Unpack a structure, which newer kernels may have made longer."""
    if content is None or len(content) < layout.size:
        raise ValueError("rtnetlink: a queueing discipline without its statistics")
    return layout.unpack_from(content)
