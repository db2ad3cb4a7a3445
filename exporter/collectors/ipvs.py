"""IP Virtual Server, the kernel's load balancer: its traffic and its backends.

Source: /proc/net/ip_vs_stats and /proc/net/ip_vs (Linux net/netfilter/ipvs/ip_vs_ctl.c, since
2.6.10; IPv6 since 2.6.28), both of one network namespace. The totals, addresses, ports and marks
are hexadecimal. Needs no rights.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from exporter.families import Digits, Filled, LabelValues, Layout, Number, Series
from exporter.kernel import KernelFile, KernelTree, NoData
from exporter.options import option, parse_text
from exporter.parsing import integers, shorten
from exporter.table import Column, Table

LABELS = (
    "local_address",
    "local_port",
    "remote_address",
    "remote_port",
    "proto",
    "local_mark",
)


def parse_labels(raw: Any) -> str:
    """Take names of labels, separated by commas."""
    text = parse_text(raw)
    unknown = sorted({label for label in text.split(",") if label} - set(LABELS))
    if unknown:
        raise ValueError(f"expected some of {','.join(LABELS)}, got {','.join(unknown)}")
    return text


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of the ipvs collector."""

    backend_labels: str = option(
        ",".join(LABELS),
        "Labels of the backends, separated by commas; backends equal in them are added up.",
        parse=parse_labels,
    )


TOTALS = Layout(
    [
        Series("node_ipvs_connections_total", "Connections made.", "counter"),
        Series("node_ipvs_incoming_packets_total", "Packets to the backends.", "counter"),
        Series("node_ipvs_outgoing_packets_total", "Packets from the backends.", "counter"),
        Series("node_ipvs_incoming_bytes_total", "Bytes to the backends.", "counter"),
        Series("node_ipvs_outgoing_bytes_total", "Bytes from the backends.", "counter"),
    ]
)

BACKENDS = (
    Column("node_ipvs_backend_weight", "Weight of the backend; 0 takes no new work.", "gauge"),
    Column("node_ipvs_backend_connections_active", "Established connections.", "gauge"),
    Column(
        "node_ipvs_backend_connections_inactive", "Connections that are not established.", "gauge"
    ),
)

_HEXADECIMAL = re.compile(rb"[0-9A-Fa-f]{1,16}\Z")
_ADDRESS = re.compile(rb"(?:([0-9A-Fa-f]{8})|\[([0-9A-Fa-f:]{39})\]):([0-9A-Fa-f]{4})\Z")
_HEADERS = (b"IP", b"Prot")


class Backends(NamedTuple):
    """The backends of /proc/net/ip_vs."""

    names: list[tuple[bytes, bytes, bytes]]
    """Protocol, the service's address or mark, the backend's address; undecoded."""
    numbers: tuple[list[Digits], ...]
    """Weights, active and inactive connections."""


def parse_ip_vs_stats(text: bytes) -> list[int]:
    """Give connections, packets in and out, bytes in and out: the line behind the two of titles.

    Raises ValueError when there is none.
    """
    lines = text.split(b"\n", 3)
    words = lines[2].split() if len(lines) > 2 else []
    if len(words) != TOTALS.size or not all(map(_HEXADECIMAL.match, words)):
        raise ValueError(f"/proc/net/ip_vs_stats: expected five hex numbers: {shorten(text)}")
    return [int(word, 16) for word in words]


def parse_ip_vs(text: bytes) -> Backends:
    """Parse the services and, behind their arrows, the backends of each.

    Raises ValueError on a backend without a service or without its numbers.
    """
    names: list[tuple[bytes, bytes, bytes]] = []
    numbers: list[Digits] = []
    service: tuple[bytes, bytes] | None = None
    for words in map(bytes.split, text.splitlines()):
        if len(words) < 2 or words[0] in _HEADERS or words[1] == b"RemoteAddress:Port":
            continue
        if words[0] != b"->":
            service = (words[0], words[1])
            continue
        if service is None or len(words) < 6:
            raise ValueError(f"/proc/net/ip_vs: not a backend: {shorten(b' '.join(words))}")
        names.append((*service, words[1]))
        numbers += words[3:6]
    integers(numbers)
    return Backends(names, (numbers[0::3], numbers[1::3], numbers[2::3]))


@lru_cache(maxsize=4096)
def parse_address(field: bytes) -> tuple[str, str]:
    """Give address and port of `C000020A:01BB` or `[2001:0db8:...:000a]:01BB`, as text.

    Raises ValueError on anything else.
    """
    match = _ADDRESS.match(field)
    if match is None:
        raise ValueError(f"/proc/net/ip_vs: not an address and port: {shorten(field)}")
    four, six, port = match.groups()
    address = ipaddress.IPv4Address(int(four, 16)) if four else ipaddress.IPv6Address(six.decode())
    return str(address), str(int(port, 16))


class IpvsCollector:
    """Totals of the load balancer, connections and weight of each backend."""

    name = "ipvs"

    def __init__(self, kernel: KernelTree, options: Options | None = None) -> None:
        chosen = set((options or Options()).backend_labels.split(","))
        self._kernel = kernel
        self._labels = tuple(label for label in LABELS if label in chosen)
        self._table = Table(BACKENDS, self._labels)
        self._names: list[tuple[bytes, bytes, bytes]] = []
        self._rows: list[LabelValues] = []
        self._files: tuple[KernelFile, KernelFile] | None = None

    def collect(self) -> Iterator[Filled]:
        """Yield the totals, then three gauges for each backend."""
        # Looked for until the module is loaded: only then are process 1's files, the host's, found.
        files = self._files or (self._kernel.net("ip_vs_stats"), self._kernel.net("ip_vs"))
        try:
            totals = parse_ip_vs_stats(files[0].read())
            backends = parse_ip_vs(files[1].read())
        except FileNotFoundError as error:
            self._files = None
            raise NoData("the kernel's load balancer (ip_vs) is not loaded") from error
        self._files = files
        yield TOTALS.fill(totals)
        if backends.names != self._names:
            self._rows = [self._label(*name) for name in backends.names]
            self._names = backends.names
        if self._rows:
            yield self._table.fill(self._sum(list(zip(*backends.numbers, strict=True))))

    def _label(self, protocol: bytes, local: bytes, remote: bytes) -> LabelValues:
        marked = protocol == b"FWM"
        local_address, local_port = ("", "0") if marked else parse_address(local)
        remote_address, remote_port = parse_address(remote)
        values = {
            "local_address": local_address,
            "local_port": local_port,
            "remote_address": remote_address,
            "remote_port": remote_port,
            "proto": protocol.decode("utf-8", "replace"),
            "local_mark": local.decode("utf-8", "replace") if marked else "",
        }
        return tuple(values[label] for label in self._labels)

    def _sum(self, numbers: list[tuple[Digits, ...]]) -> dict[LabelValues, Sequence[Number]]:
        """Add up the backends that the chosen labels do not tell apart; mostly there are none."""
        sums: dict[LabelValues, Sequence[Number]] = dict(zip(self._rows, numbers, strict=True))
        if len(sums) == len(self._rows):
            return sums
        totals = {row: [0, 0, 0] for row in self._rows}
        for row, three in zip(self._rows, numbers, strict=True):
            totals[row] = [
                total + int(number) for total, number in zip(totals[row], three, strict=True)
            ]
        return dict(totals)
