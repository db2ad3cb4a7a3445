"""Sockets in use from /proc/net/sockstat and /proc/net/sockstat6.

Source: Linux net/ipv4/proc.c (since 2.4) and net/ipv6/proc.c; sockstat6 is absent without IPv6.
`mem` is in pages, `memory` (of FRAG) in bytes. Needs no rights.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import NamedTuple

from exporter.families import Digits, Filled, Layout, Number, Series
from exporter.kernel import KernelFile, KernelTree, NoData
from exporter.parsing import shorten, signed_integers

_HELP = {
    "used": "Sockets of all families in use.",
    "inuse": "{} sockets in use (FRAG: datagrams being put together).",
    "orphan": "{} sockets that no process holds any more.",
    "tw": "{} sockets waiting in TIME_WAIT.",
    "alloc": "{} sockets allocated, in whatever state.",
    "mem": "Pages of memory that {} sockets hold in buffers.",
    "mem_bytes": "Memory that {} sockets hold in buffers, in bytes.",
    "memory": "Memory that {} holds, in bytes.",
}
_METRIC_NAME = re.compile(rb"[A-Za-z0-9_]+\Z")


class SocketStatistics(NamedTuple):
    """Protocol and field of each number, in the file's order."""

    names: tuple[tuple[bytes, bytes], ...]
    numbers: tuple[Digits, ...]


def parse_sockstat(text: bytes) -> SocketStatistics:
    """Parse lines such as `TCP: inuse 5 orphan 0 mem 3`. Raises ValueError on anything else."""
    names: list[tuple[bytes, bytes]] = []
    numbers: list[Digits] = []
    for line in text.splitlines():
        protocol, colon, rest = line.partition(b":")
        words = rest.split()
        if not colon or len(words) % 2:
            raise ValueError(f"not a line of /proc/net/sockstat: {shorten(line)}")
        names += [(protocol, field) for field in words[0::2]]
        numbers += words[1::2]
    if numbers:
        signed_integers(numbers)
    return SocketStatistics(tuple(names), tuple(numbers))


class SockstatCollector:
    """Sockets in use by protocol, and their memory."""

    name = "sockstat"

    def __init__(self, kernel: KernelTree, *, page_size: int = os.sysconf("SC_PAGE_SIZE")) -> None:
        self._files = (kernel.net("sockstat"), kernel.net("sockstat6"))
        self._page_size = page_size
        self._names: list[tuple[bytes, bytes]] = []
        self._layout = Layout(())
        self._texts: list[bytes] | None = None

    def collect(self) -> Iterable[Filled]:
        """Yield one gauge per protocol and field."""
        texts = [text for file in self._files if (text := _read(file)) is not None]
        if texts != self._texts:
            self._filled = self._fill(texts)
            self._texts = texts
        yield self._filled

    def _fill(self, texts: Iterable[bytes]) -> Filled:
        names: list[tuple[bytes, bytes]] = []
        numbers: list[Number] = []
        for statistics in map(parse_sockstat, texts):
            names += statistics.names
            numbers += statistics.numbers
        if not names:
            raise NoData("neither /proc/net/sockstat nor sockstat6: this kernel has no IP")
        if names != self._names:
            self._lay_out(names)
            self._names = names
        shown = [numbers[position] for position in self._shown]
        shown += [int(numbers[position]) * self._page_size for position in self._pages]
        return self._layout.fill(shown)

    def _lay_out(self, names: list[tuple[bytes, bytes]]) -> None:
        self._shown = [
            position
            for position, name in enumerate(names)
            if _METRIC_NAME.match(b"_".join(name)) and name not in names[:position]
        ]
        self._pages = [position for position in self._shown if names[position][1] == b"mem"]
        series = [_gauge(*names[position]) for position in self._shown]
        series += [_gauge(names[position][0], b"mem_bytes") for position in self._pages]
        self._layout = Layout(series)


def _read(file: KernelFile) -> bytes | None:
    try:
        return file.read()
    except FileNotFoundError:  # this IP version is not built in, or disabled at boot
        return None


def _gauge(protocol: bytes, field: bytes) -> Series:
    title, word = protocol.decode(), field.decode()
    help_text = _HELP.get(word, f"{word} of {{}} sockets.").format(title)
    return Series(f"node_sockstat_{title}_{word}", help_text, "gauge")
