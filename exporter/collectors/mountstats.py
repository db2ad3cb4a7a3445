"""Statistics of each NFS mount: bytes, events, calls by operation, transports.

Source: /proc/<pid>/mountstats (Linux fs/proc_namespace.c and fs/nfs/super.c, since 2.6.17), and
/proc/<pid>/mountinfo for the servers' addresses. Only root may read the file of process 1, which
sees the host's mounts; others get their own process's, where a hardened unit may lack some.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from exporter.collectors._mountstats_columns import (
    BYTES,
    EVENT_POSITIONS,
    EVENTS,
    MOUNT,
    OPERATIONS,
    TRANSPORT_POSITIONS,
    TRANSPORTS,
)
from exporter.families import Digits, Filled, LabelValues
from exporter.kernel import KernelTree, NoData
from exporter.parsing import integers, shorten
from exporter.table import Table

_DEVICE = re.compile(rb"(\S+) mounted on (\S+) with fstype nfs4? statvers=")

NEGATIVE = 2**63
"""From here on it is a negative number that the kernel has printed without its sign."""

Cells = list[Digits | None]
"""Numbers by column; none where the kernel gave none."""


class NfsMount(NamedTuple):
    """What the file tells about an NFS mount."""

    device: str
    mount_point: str
    numbers: Cells
    """Age, bytes and events."""
    transports: list[tuple[str, Cells]]
    """Protocol and numbers of each connection, of which `nconnect` makes several."""
    operations: list[tuple[str, Cells]]


def parse_mountstats(text: bytes) -> list[NfsMount]:
    """Parse the NFS mounts; other file systems are passed over.

    Raises ValueError when a mount's numbers are none.
    """
    mounts = []
    for entry in (b"\n" + text).split(b"\ndevice ")[1:]:
        head, _, body = entry.partition(b"\n")
        if match := _DEVICE.match(head):
            mounts.append(_parse_mount(_decode(match[1]), _decode(match[2]), body))
    return mounts


def _parse_mount(device: str, mount_point: str, body: bytes) -> NfsMount:
    general, _, operations = body.partition(b"\n\n")[0].partition(b"per-op statistics\n")
    lines: dict[bytes, Sequence[Digits]] = {}
    transports = []
    for line in general.splitlines():
        word, _, rest = line.strip().partition(b":")
        if word == b"xprt":
            transports.append(_parse_transport(rest.split()))
        elif word in {b"age", b"bytes", b"events"}:
            lines[word] = integers(rest.split())
    numbers = [
        *_take(lines.get(b"age", ()), range(1)),
        *_take(lines.get(b"bytes", ()), range(len(BYTES))),
        *_take(lines.get(b"events", ()), EVENT_POSITIONS),
    ]
    rows = [_parse_operation(line) for line in operations.splitlines()]
    return NfsMount(device, mount_point, numbers, transports, rows)


def _parse_transport(words: list[bytes]) -> tuple[str, Cells]:
    """Parse `tcp 812 1 1 0 31 4042 ...`; of an unknown protocol no number is understood."""
    if not words:
        raise ValueError("mountstats: a transport without a name")
    protocol, *numbers = words
    positions = TRANSPORT_POSITIONS.get(protocol, [None] * len(TRANSPORTS))
    return _decode(protocol), _take(integers(numbers), positions)


def _parse_operation(line: bytes) -> tuple[str, Cells]:
    """Parse `READ: 1298 1298 0 207680 95007184 2 47 61`."""
    name, colon, rest = line.strip().partition(b":")
    if not colon:
        raise ValueError(f"mountstats: not an operation: {shorten(line)}")
    return _decode(name), _take(integers(rest.split()), range(len(OPERATIONS)))


def _take(numbers: Sequence[Digits], positions: Sequence[int | None]) -> Cells:
    return [
        numbers[position]
        if position is not None and position < len(numbers) and int(numbers[position]) < NEGATIVE
        else None
        for position in positions
    ]


def parse_addresses(text: bytes) -> dict[tuple[str, str], str]:
    """Give the servers' addresses by device and mount point, from the text of mountinfo."""
    addresses = {}
    for line in text.splitlines():
        before, _, after = line.partition(b" - nfs")
        fields, rest = before.split(b" "), after.split(b" ")
        if len(fields) > 5 and len(rest) > 2:
            found = [word for word in rest[2].split(b",") if word.startswith(b"addr=")]
            address = found[0].removeprefix(b"addr=") if found else b""
            addresses[_decode(rest[1]), _decode(fields[4])] = _decode(address)
    return addresses


def _decode(word: bytes) -> str:
    return word.decode("utf-8", "surrogateescape")


class MountstatsCollector:
    """Statistics of the NFS mounts."""

    name = "mountstats"

    def __init__(self, kernel: KernelTree) -> None:
        labels = ("export", "protocol", "mountaddr")
        self._statistics = kernel.mountstats()
        self._table = kernel.mountinfo()
        self._mounts = Table(MOUNT + BYTES + EVENTS, labels)
        self._transports = Table(TRANSPORTS, (*labels, "transport"))
        self._operations = Table(OPERATIONS, (*labels, "operation"))

    def collect(self) -> Iterator[Filled]:
        """Yield the mounts' families; of an export that is mounted twice, numbers once."""
        try:
            mounts = [one for one in parse_mountstats(self._statistics.read()) if one.transports]
        except FileNotFoundError as error:
            raise NoData("this kernel has no mountstats") from error
        except PermissionError as error:
            raise NoData("mountstats cannot be read: run as root") from error
        if not mounts:
            raise NoData("there are no NFS mounts")
        addresses = parse_addresses(self._table.read())
        exports: dict[LabelValues, NfsMount] = {}
        for mount in mounts:
            address = addresses.get((mount.device, mount.mount_point), "")
            labels = (mount.device, mount.transports[0][0], address)
            exports.setdefault(labels, mount)
        yield self._mounts.fill({labels: one.numbers for labels, one in exports.items()})
        yield self._transports.fill(
            {
                (*labels, str(position)): cells
                for labels, one in exports.items()
                for position, (_, cells) in enumerate(one.transports)
            }
        )
        yield self._operations.fill(
            {
                (*labels, operation): cells
                for labels, one in exports.items()
                for operation, cells in one.operations
            }
        )
