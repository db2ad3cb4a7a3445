"""Bytes that wait in the queues of all UDP sockets, from /proc/net/udp and /proc/net/udp6.

Source: Linux net/ipv4/udp.c and net/ipv6/udp.c, since 1.0. `tx_queue` is the memory of datagrams
that are not yet sent, `rx_queue` of those that no program has read yet, with the kernel's own
overhead. The files have a line for each socket. Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from exporter.families import Filled
from exporter.kernel import KernelFile, KernelTree, NoData
from exporter.parsing import shorten
from exporter.table import Column, Table

# The only word of a line with eight digits on both sides of the colon: addresses have four behind
# it, timers two before it.
_EMPTY = b" 00000000:00000000 "
_FILLED = re.compile(rb" (?!00000000:00000000 )([0-9A-Fa-f]{8}):([0-9A-Fa-f]{8}) ")


class Queues(NamedTuple):
    """Sums over all sockets, in bytes."""

    transmit: int
    receive: int


def parse_udp(text: bytes) -> Queues:
    """Add up the queues of all lines. Raises ValueError when it is not such a table.

    Nearly all queues are empty: they are counted, not read, which costs a tenth.
    """
    title, _, body = text.partition(b"\n")
    if b"tx_queue rx_queue" not in title:
        raise ValueError(f"/proc/net/udp: expected a title: {shorten(title)}")
    filled = _FILLED.findall(body)
    lines = body.count(b"\n") + (not body.endswith(b"\n") and bool(body))
    if body.count(_EMPTY) + len(filled) != lines:
        raise ValueError(f"/proc/net/udp: expected both queues in each line: {shorten(body)}")
    return Queues(sum(int(sent, 16) for sent, _ in filled), sum(int(got, 16) for _, got in filled))


class UdpQueuesCollector:
    """Bytes in the queues of UDP sockets."""

    name = "udp_queues"

    def __init__(self, kernel: KernelTree) -> None:
        self._files = {"v4": kernel.net("udp"), "v6": kernel.net("udp6")}
        self._table = Table(
            [
                Column(
                    "node_udp_queues",
                    "Memory of the datagrams that wait in the queues of UDP sockets, in bytes.",
                    "gauge",
                )
            ],
            ("queue", "ip"),
        )

    def collect(self) -> Iterable[Filled]:
        """Yield the sums by queue and IP version."""
        rows: dict[tuple[str, ...], tuple[int]] = {}
        for version, file in self._files.items():
            text = _read(file)
            if text is not None:
                queues = parse_udp(text)
                rows["tx", version] = (queues.transmit,)
                rows["rx", version] = (queues.receive,)
        if not rows:
            raise NoData("neither /proc/net/udp nor udp6: this kernel has no IP")
        yield self._table.fill(rows)


def _read(file: KernelFile) -> bytes | None:
    try:
        return file.read()
    except FileNotFoundError:  # this IP version is not built in, or disabled at boot
        return None
