"""Traffic and errors of the network interfaces, over rtnetlink or from /proc/net/dev.

Source: RTM_GETSTATS (since Linux 4.7), which is cheaper and has all counters apart, for the network
namespace of the daemon; /proc/net/dev for any other, such as the host's below a mounted procfs, and
where netlink is refused. Some columns of the file are sums, which are made of the counters too:
received `drop` is what the kernel dropped and what the device missed; `frame` is length, overrun,
CRC and frame errors; `carrier` is carrier, aborted, window and heartbeat errors. Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from exporter.collectors._netdev_file import FileSource
from exporter.collectors._netdev_rtnl import RouteSource
from exporter.families import Family, Filled
from exporter.interfaces import Address, read_addresses
from exporter.kernel import KernelTree
from exporter.netlink import REFUSED
from exporter.options import NameFilter, exclude_option, include_option, option, reject_both


@dataclass(frozen=True, slots=True)
class Options:
    """Which interfaces are shown, from which source, and how."""

    device_include: re.Pattern[str] | None = include_option("interfaces", "device")
    device_exclude: re.Pattern[str] | None = exclude_option("interfaces", "device")
    address_info: bool = option(
        False, "Show the addresses of all interfaces as node_network_address_info."
    )
    netlink: bool = option(
        True,
        "Ask the kernel over netlink instead of reading /proc/net/dev, where that is possible.",
    )
    enable_detailed_metrics: bool = option(
        False, "Show each counter of the kernel by its own name, instead of the sums."
    )
    label_ifalias: bool = option(False, "Add the alias of the interface as the label ifalias.")

    def __post_init__(self) -> None:
        reject_both(self.device_include, self.device_exclude, "device")


HELP = {
    "receive_bytes": "Bytes received.",
    "receive_packets": "Packets received.",
    "receive_errs": "Receive errors of all kinds.",
    "receive_drop": "Packets received but dropped, or missed by the device for lack of buffers.",
    "receive_fifo": "Receive FIFO overruns.",
    "receive_frame": "Frames received with a bad length, overrun, CRC or alignment.",
    "receive_compressed": "Compressed packets received.",
    "receive_multicast": "Multicast packets received.",
    "transmit_bytes": "Bytes transmitted.",
    "transmit_packets": "Packets transmitted.",
    "transmit_errs": "Transmit errors of all kinds.",
    "transmit_drop": "Packets dropped before they were transmitted.",
    "transmit_fifo": "Transmit FIFO underruns.",
    "transmit_colls": "Collisions.",
    "transmit_carrier": "Packets not transmitted for loss of carrier, aborts, late collisions.",
    "transmit_compressed": "Compressed packets transmitted.",
    "receive_nohandler": (
        "Packets dropped because the device is not active, as the backup of a bond."
    ),
}
"""The families, in the order of /proc/net/dev."""

DETAILED_HELP = {
    "receive_packets": HELP["receive_packets"],
    "transmit_packets": HELP["transmit_packets"],
    "receive_bytes": HELP["receive_bytes"],
    "transmit_bytes": HELP["transmit_bytes"],
    "receive_errors": HELP["receive_errs"],
    "transmit_errors": HELP["transmit_errs"],
    "receive_dropped": "Packets received but dropped.",
    "transmit_dropped": HELP["transmit_drop"],
    "multicast": HELP["receive_multicast"],
    "collisions": HELP["transmit_colls"],
    "receive_length_errors": "Frames received with a bad length.",
    "receive_over_errors": "Frames received that were too long for the receive buffer.",
    "receive_crc_errors": "Frames received with a bad checksum.",
    "receive_frame_errors": "Frames received with a bad alignment.",
    "receive_fifo_errors": HELP["receive_fifo"],
    "receive_missed_errors": "Packets missed by the device for lack of buffers.",
    "transmit_aborted_errors": "Packets whose transmission was given up.",
    "transmit_carrier_errors": "Packets not transmitted for loss of carrier.",
    "transmit_fifo_errors": HELP["transmit_fifo"],
    "transmit_heartbeat_errors": "Packets without a heartbeat signal behind them.",
    "transmit_window_errors": "Packets not transmitted for late collisions.",
    "receive_compressed": HELP["receive_compressed"],
    "transmit_compressed": HELP["transmit_compressed"],
    "receive_nohandler": HELP["receive_nohandler"],
}
"""The families with enable-detailed-metrics, in the order of struct rtnl_link_stats64."""

_DETAILED_NAMES = {
    "receive_errs": "receive_errors",
    "receive_drop": "receive_dropped",
    "transmit_errs": "transmit_errors",
    "transmit_drop": "transmit_dropped",
}
"""What enable-detailed-metrics changes of the file's columns: no sum can be taken apart."""


def name_columns(*, detailed: bool) -> dict[str, tuple[str, str]]:
    """Give the name and help text of the family for each column of the file."""
    names = _DETAILED_NAMES if detailed else {}
    return {
        word: (names.get(word, word), DETAILED_HELP[names[word]] if word in names else text)
        for word, text in HELP.items()
    }


class NetdevCollector:
    """Traffic and errors of each network interface."""

    name = "netdev"

    def __init__(
        self,
        kernel: KernelTree,
        options: Options | None = None,
        *,
        addresses: Callable[[], Iterable[Address]] = read_addresses,
    ) -> None:
        options = options or Options()
        self._kernel = kernel
        self._options = options
        self._accepts = NameFilter(options.device_include, options.device_exclude).accepts
        self._addresses = addresses if options.address_info else None
        # Netlink answers for the daemon's own network namespace, which is that of its own /proc.
        own = options.netlink and kernel.own_network
        self._source = self._ask_kernel() if own else self._read_file()

    def collect(self) -> Iterable[Family | Filled]:
        """Yield one family per counter, and the addresses."""
        try:
            yield from self._source.read()
        except OSError as error:
            if isinstance(self._source, FileSource) or error.errno not in REFUSED:
                raise
            self._source = self._read_file()
            yield from self._source.read()
        if self._addresses is not None:
            yield Family(
                "node_network_address_info",
                "An address of the interface; always 1.",
                "gauge",
                Address._fields,
                [(address, 1) for address in self._addresses()],
            )

    def _ask_kernel(self) -> RouteSource | FileSource:
        detailed, alias = self._options.enable_detailed_metrics, self._options.label_ifalias
        columns = DETAILED_HELP if detailed else HELP
        return RouteSource(self._accepts, columns, detailed=detailed, alias=alias)

    def _read_file(self) -> RouteSource | FileSource:
        columns = name_columns(detailed=self._options.enable_detailed_metrics)
        return FileSource(self._kernel, self._accepts, columns, alias=self._options.label_ifalias)
