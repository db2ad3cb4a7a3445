"""Replicated block devices of DRBD 8 from /proc/drbd.

Source: Linux drivers/block/drbd/drbd_proc.c (since 2.6.33). DRBD 9 writes no devices there. Amounts
of data are in KiB. Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from exporter.families import Digits, Filled, LabelValues
from exporter.kernel import KernelTree, NoData
from exporter.parsing import integer, shorten
from exporter.table import Column, Table

KIB = 1024

AMOUNTS = {
    b"ns": Column("node_drbd_network_sent_bytes_total", "Bytes sent to the peer.", "counter"),
    b"nr": Column(
        "node_drbd_network_received_bytes_total", "Bytes received from the peer.", "counter"
    ),
    b"dw": Column(
        "node_drbd_disk_written_bytes_total", "Bytes written to the local disk.", "counter"
    ),
    b"dr": Column("node_drbd_disk_read_bytes_total", "Bytes read from the local disk.", "counter"),
    b"oos": Column(
        "node_drbd_out_of_sync_bytes", "Data known to differ between the nodes, in bytes.", "gauge"
    ),
}
COUNTS = {
    b"al": Column(
        "node_drbd_activitylog_writes_total", "Updates of the activity log on disk.", "counter"
    ),
    b"bm": Column("node_drbd_bitmap_writes_total", "Updates of the bitmap on disk.", "counter"),
    b"lo": Column(
        "node_drbd_local_pending", "Requests that the local disk has to answer.", "gauge"
    ),
    b"pe": Column("node_drbd_remote_pending", "Requests that the peer has to answer.", "gauge"),
    b"ua": Column(
        "node_drbd_remote_unacknowledged", "Requests of the peer to be answered here.", "gauge"
    ),
    b"ap": Column(
        "node_drbd_application_pending", "Requests that DRBD has not answered yet.", "gauge"
    ),
    b"ep": Column("node_drbd_epochs", "Epochs on the fly.", "gauge"),
}
_CONNECTED = Column("node_drbd_connected", "Whether the peer is connected: 1 or 0.", "gauge")
_NODES = {
    b"ro": Column("node_drbd_node_role_is_primary", "Whether the node is the primary.", "gauge"),
    b"ds": Column(
        "node_drbd_disk_state_is_up_to_date", "Whether the node's disk is up to date.", "gauge"
    ),
}
_WANTED = {b"ro": b"Primary", b"ds": b"UpToDate"}
_FIELDS = {b"cs", *AMOUNTS, *COUNTS, *_NODES}

_DEVICE = re.compile(rb"\s*([0-9]{1,9}): ")


class Device(NamedTuple):
    """A device, and what stands behind each field's colon."""

    name: str
    fields: dict[bytes, bytes]


def parse_drbd(text: bytes) -> list[Device]:
    """Parse the devices. Raises ValueError when the file does not start as it should."""
    if not text.startswith(b"version:"):
        raise ValueError(f"/proc/drbd: expected a version: {shorten(text)}")
    devices: list[Device] = []
    fields: dict[bytes, bytes] = {}  # of the lines before the first device: taken by none
    for line in text.splitlines():
        if number := _DEVICE.match(line):
            fields = {}
            devices.append(Device(f"drbd{int(number[1])}", fields))
        pairs = (word.partition(b":") for word in line.split())
        fields |= {name: value for name, _, value in pairs if value and name in _FIELDS}
    return devices


class DrbdCollector:
    """Traffic, state and consistency of each DRBD device."""

    name = "drbd"

    def __init__(self, kernel: KernelTree) -> None:
        self._file = kernel.proc("drbd")
        self._devices = Table([*AMOUNTS.values(), *COUNTS.values(), _CONNECTED], ("device",))
        self._nodes = Table(list(_NODES.values()), ("device", "node"))

    def collect(self) -> Iterable[Filled]:
        """Yield the numbers of each device, and the state of both nodes."""
        try:
            devices = parse_drbd(self._file.read())
        except FileNotFoundError as error:
            raise NoData("no /proc/drbd: its kernel module is not loaded") from error
        if not devices:
            raise NoData("no devices in /proc/drbd: none is set up, or DRBD is of version 9")
        yield self._devices.fill(
            {
                (device.name,): [
                    *(_find(device, name, KIB) for name in AMOUNTS),
                    *(_find(device, name, 1) for name in COUNTS),
                    int(device.fields.get(b"cs") == b"Connected"),
                ]
                for device in devices
            }
        )
        nodes: dict[LabelValues, list[int | None]] = {}
        for device in devices:
            for position, node in enumerate(("local", "remote")):
                nodes[device.name, node] = [_compare(device, name, position) for name in _NODES]
        yield self._nodes.fill(nodes)


def _find(device: Device, name: bytes, factor: int) -> Digits | int | None:
    value = device.fields.get(name)
    return None if value is None else int(integer(value)) * factor


def _compare(device: Device, name: bytes, position: int) -> int | None:
    """Tell whether the local (0) or remote (1) node is as it should be; None when not told."""
    values = device.fields.get(name, b"").split(b"/")
    return int(values[position] == _WANTED[name]) if len(values) == 2 else None
