"""Ports of Fibre Channel host adapters.

Source: /sys/class/fc_host (Linux drivers/scsi/scsi_transport_fc.c, since 2.6.10). The statistics
are hexadecimal; all ones is what an adapter does not count. Reading one makes the driver ask the
adapter for all, with some of them in milliseconds. Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from exporter.attributes import Attributes
from exporter.families import Filled, LabelValues
from exporter.kernel import KernelTree, NoData
from exporter.parsing import shorten
from exporter.table import Column, Table

STATISTICS = {
    "dumped_frames": ("dumped_frames", "Frames lost for lack of buffers in the host."),
    "error_frames": ("error_frames", "Frames received with an error."),
    "fcp_packet_aborts": ("fcp_packet_aborts", "SCSI commands that were aborted."),
    "invalid_crc": ("invalid_crc_count", "Frames received with a wrong checksum."),
    "invalid_tx_words": ("invalid_tx_word_count", "Invalid transmission words received."),
    "link_failure": ("link_failure_count", "Failures of the link."),
    "loss_of_signal": ("loss_of_signal_count", "Losses of the signal."),
    "loss_of_sync": ("loss_of_sync_count", "Losses of synchronization."),
    "nos": ("nos_count", "Not-operational sequences on the link."),
    "rx_frames": ("rx_frames", "Frames received."),
    "rx_words": ("rx_words", "Words of four bytes received."),
    "seconds_since_last_reset": (
        "seconds_since_last_reset",
        "Seconds since the statistics were reset.",
    ),
    "tx_frames": ("tx_frames", "Frames transmitted."),
    "tx_words": ("tx_words", "Words of four bytes transmitted."),
}
"""The file of each family and what it counts."""

COLUMNS = [
    Column(f"node_fibrechannel_{name}_total", text, "counter")
    for name, (_, text) in STATISTICS.items()
]
FILES = [f"statistics/{file}" for file, _ in STATISTICS.values()]

INFO = Column(
    "node_fibrechannel_info",
    "What the port is connected to, its names and its speed; always 1.",
    "gauge",
)
TEXTS = (
    "speed",
    "port_state",
    "port_type",
    "port_id",
    "port_name",
    "fabric_name",
    "symbolic_name",
    "supported_classes",
    "supported_speeds",
    "dev_loss_tmo",
)
HEXADECIMAL_TEXTS = frozenset({"port_id", "port_name", "fabric_name"})
"""Shown without their 0x."""

NOT_COUNTED = 2**64 - 1

_HEXADECIMAL = re.compile(rb"(?:0x)?[0-9A-Fa-f]{1,16}\Z")


def parse_statistic(text: bytes) -> int | None:
    """Parse a number such as `0x1f`; None when the adapter does not count this.

    Raises ValueError when it is no number.
    """
    if not _HEXADECIMAL.match(text):
        raise ValueError(f"/sys/class/fc_host: not a hexadecimal number: {shorten(text)}")
    number = int(text, 16)
    return None if number == NOT_COUNTED else number


class FibrechannelCollector:
    """State and statistics of each port."""

    name = "fibrechannel"

    def __init__(self, kernel: KernelTree) -> None:
        self._attributes = Attributes(kernel, "class/fc_host")
        self._info = Table((INFO,), ("fc_host", *TEXTS))
        self._statistics = Table(COLUMNS, ("fc_host",))

    def collect(self) -> Iterator[Filled]:
        """Yield node_fibrechannel_info, then one counter for each statistic."""
        hosts = self._attributes.names()
        if not hosts:
            raise NoData("there are no Fibre Channel adapters")
        described = [self._describe(host) for host in hosts]
        yield self._info.fill({row: (1,) for row in described if any(row[1:])})
        yield self._statistics.fill(
            {(host,): [self._count(f"{host}/{file}") for file in FILES] for host in hosts}
        )

    def _describe(self, host: str) -> LabelValues:
        texts = {name: self._attributes.text(f"{host}/{name}") or "" for name in TEXTS}
        for name in HEXADECIMAL_TEXTS:
            texts[name] = texts[name].removeprefix("0x")
        return (host, *texts.values())

    def _count(self, path: str) -> int | None:
        content = self._attributes.read(path)
        return parse_statistic(content) if content else None
