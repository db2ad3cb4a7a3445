"""TCP sockets by state, and the bytes that wait in their queues, of IPv4 and IPv6.

Source: the socket diagnosis of netlink (Linux net/ipv4/inet_diag.c, SOCK_DIAG_BY_FAMILY since 3.3),
of the daemon's own network namespace. Where it does not answer, or procfs is another host's,
/proc/net/tcp and tcp6 (net/ipv4/tcp_ipv4.c, net/ipv6/tcp_ipv6.c), which cost the kernel three times
as much. Needs no rights.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Iterator
from struct import Struct

from exporter.families import Family
from exporter.kernel import KernelTree, NoData
from exporter.netlink import NETLINK_SOCK_DIAG, Netlink
from exporter.parsing import shorten

_SOCK_DIAG_BY_FAMILY = 20
_REQUEST = Struct("=BBBxI48x")  # struct inet_diag_req_v2: family, protocol, extensions, states
_ALL_STATES = 0xFFF
_MESSAGE = Struct("=xB54xII8x")  # struct inet_diag_msg: state, receive queue, transmit queue
_QUEUES = slice(56, 64)
_EMPTY = bytes(8)

STATES = {
    1: "established",
    2: "syn_sent",
    3: "syn_recv",
    4: "fin_wait1",
    5: "fin_wait2",
    6: "time_wait",
    7: "close",
    8: "close_wait",
    9: "last_ack",
    10: "listen",
    11: "closing",
}
LISTEN = 10

_LINE = re.compile(
    rb"^ *[0-9]+: \S+ \S+ ([0-9A-F]{2}) ([0-9A-F]{8}):([0-9A-F]{8}) .*$", re.MULTILINE
)


class Totals:
    """Sockets by state, and bytes in queues."""

    def __init__(self) -> None:
        self.states = [0] * 256
        self.received = 0
        self.to_send = 0

    def add(self, state: int, received: int, to_send: int) -> None:
        """Count a socket.

        The queues of one that listens hold connections, not bytes: those waiting to be accepted,
        and how many may.
        """
        self.states[state] += 1
        if state != LISTEN:
            self.received += received
            self.to_send += to_send


def count_messages(messages: Iterable[bytes], totals: Totals) -> None:
    """Count the sockets that the kernel describes. Raises ValueError when it does not.

    There may be 100,000 of them, nearly all with empty queues: a few operations for each.
    """
    states = totals.states
    for message in messages:
        if len(message) < _MESSAGE.size:
            raise ValueError(f"inet_diag: a socket of {len(message)} bytes")
        if message[_QUEUES] == _EMPTY:
            states[message[1]] += 1
        else:
            totals.add(*_MESSAGE.unpack_from(message))


def count_lines(text: bytes, totals: Totals) -> None:
    """Count the sockets of /proc/net/tcp or tcp6. Raises ValueError when it is neither."""
    found = _LINE.findall(text)
    if len(found) != text.count(b"\n") - 1:
        raise ValueError(f"/proc/net/tcp: expected a header and sockets: {shorten(text)}")
    for state, to_send, received in found:
        totals.add(int(state, 16), int(received, 16), int(to_send, 16))


class TcpstatCollector:
    """Sockets by state."""

    name = "tcpstat"

    def __init__(self, kernel: KernelTree, *, diagnosis: Netlink | None = None) -> None:
        own = Netlink(NETLINK_SOCK_DIAG) if kernel.own_network else None
        self._diagnosis = diagnosis or own
        self._files = (kernel.net("tcp"), kernel.net("tcp6"))

    def collect(self) -> Iterator[Family]:
        """Yield one gauge, by state."""
        totals = self._ask() or self._read()
        counts = {
            STATES.get(state, "unknown"): number
            for state, number in enumerate(totals.states)
            if number
        }
        counts["rx_queued_bytes"] = totals.received
        counts["tx_queued_bytes"] = totals.to_send
        yield Family(
            "node_tcp_connection_states",
            "TCP sockets by state, and the bytes in their queues.",
            "gauge",
            ("state",),
            [((state,), number) for state, number in counts.items()],
        )

    def _ask(self) -> Totals | None:
        """Ask the kernel; none when it does not answer, as without its module tcp_diag."""
        if self._diagnosis is None:
            return None
        totals = Totals()
        try:
            for family in (socket.AF_INET, socket.AF_INET6):
                request = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, _ALL_STATES)
                count_messages(self._diagnosis.stream(_SOCK_DIAG_BY_FAMILY, request), totals)
        except OSError:
            return None
        return totals

    def _read(self) -> Totals:
        totals = Totals()
        known = False
        for file in self._files:
            try:
                count_lines(file.read(), totals)
            except FileNotFoundError:  # this IP version is not built in, or disabled at boot
                continue
            known = True
        if not known:
            raise NoData("neither netlink nor /proc/net/tcp tells of TCP sockets")
        return totals
