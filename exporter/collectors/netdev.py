"""Traffic and errors of the network interfaces from /proc/net/dev.

Source: Linux net/core/net-procfs.c, unchanged since 2.2. Some of its columns are sums: received
`drop` is what the kernel dropped and what the device missed; `frame` is length, overrun, CRC and
frame errors; `carrier` is carrier, aborted, window and heartbeat errors. rx_nohandler is not among
them: it comes from /sys/class/net/*/statistics (since 4.6). Needs no rights.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress
from typing import NamedTuple

from exporter.families import Digits, Family, Filled, Layout, Series
from exporter.interfaces import Address, read_addresses
from exporter.kernel import KernelFile, KernelTree, NoData
from exporter.options import NameFilter, option, parse_regexp, reject_both
from exporter.parsing import integers, shorten


@dataclass(frozen=True, slots=True)
class Options:
    """Which interfaces are shown, and whether with their addresses."""

    device_include: re.Pattern[str] | None = option(
        None,
        "Regexp of the only interfaces to show (not together with device-exclude).",
        parse=parse_regexp,
    )
    device_exclude: re.Pattern[str] | None = option(
        None,
        "Regexp of interfaces to leave out (not together with device-include).",
        parse=parse_regexp,
    )
    address_info: bool = option(
        False, "Show the addresses of all interfaces as node_network_address_info."
    )

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
}


class Interfaces(NamedTuple):
    """The table of /proc/net/dev."""

    header: bytes
    names: list[bytes]
    """Each with its colon."""
    columns: list[list[Digits]]
    """One list for each word of the header, with one number for each interface."""


def parse_net_dev(text: bytes) -> Interfaces:
    """Split the table into names and columns. Raises ValueError when it is not one.

    Names have neither spaces nor colons in them (dev_valid_name() in Linux net/core/dev.c), so the
    table is split as a whole, which on a machine with many interfaces costs a third of doing it
    line by line. Before 2.6.31 a long number could touch the colon.
    """
    header, _, body = text.partition(b"\n")[2].partition(b"\n")
    width = len(parse_columns(header)) + 1
    words = body.replace(b":", b": ").split()
    names = words[::width]
    if len(words) % width or b":" in names or not all(name.endswith(b":") for name in names):
        raise ValueError(f"/proc/net/dev: expected names and numbers: {shorten(body)}")
    del words[::width]
    width -= 1
    if words:
        integers(words)
    return Interfaces(header, names, [words[position::width] for position in range(width)])


@lru_cache(maxsize=4)
def parse_columns(header: bytes) -> tuple[str, ...]:
    """Name the columns of ` face |bytes packets ...|bytes packets ...`: receive_bytes, ..."""
    parts = header.decode("utf-8", "replace").split("|")
    if len(parts) != 3 or not parts[1].strip():
        raise ValueError(f"/proc/net/dev: expected a header of 3 parts: {shorten(header)}")
    return tuple(
        f"{direction}_{word}"
        for direction, part in (("receive", parts[1]), ("transmit", parts[2]))
        for word in part.split()
    )


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
        self._file = kernel.net("dev")
        self._filter = NameFilter(options.device_include, options.device_exclude)
        self._addresses = addresses if options.address_info else None
        self._table: tuple[bytes, list[bytes]] | None = None
        self._nohandler: dict[str, KernelFile] = {}

    def collect(self) -> Iterable[Family | Filled]:
        """Yield one family per column, node_network_receive_nohandler_total, and the addresses."""
        try:
            text = self._file.read()
        except FileNotFoundError as error:
            raise NoData("this kernel has no /proc/net/dev") from error
        header, names, columns = parse_net_dev(text)
        if (header, names) != self._table:
            self._lay_out(header, names)
        numbers: list[Digits] = []
        for position in self._positions:
            numbers += compress(columns[position], self._shown)
        yield self._layout.fill(numbers)
        yield from self._collect_nohandler()
        if self._addresses is not None:
            yield Family(
                "node_network_address_info",
                "An address of the interface; always 1.",
                "gauge",
                Address._fields,
                [(address, 1) for address in self._addresses()],
            )

    def _lay_out(self, header: bytes, names: list[bytes]) -> None:
        titles = [name[:-1].decode("utf-8", "surrogateescape") for name in names]
        self._shown = [self._filter.accepts(title) for title in titles]
        self._devices = list(compress(titles, self._shown))
        words = parse_columns(header)
        self._positions = [position for position, word in enumerate(words) if word in HELP]
        rows = [(device,) for device in self._devices]
        self._layout = Layout(
            [
                Series(f"node_network_{word}_total", HELP[word], "counter", ("device",), rows)
                for word in (words[position] for position in self._positions)
            ]
        )
        self._every_device = set(titles)
        self._find_nohandler()
        self._table = (header, names)

    def _collect_nohandler(self) -> Iterable[Filled]:
        if not self._in_sysfs:
            self._find_nohandler()
        try:
            numbers = [file.read().rstrip() for file in self._nohandler.values()]
        except OSError:  # an interface went away since /proc/net/dev was read
            self._table = None
            return
        if numbers:
            yield self._nohandler_layout.fill(integers(numbers))

    def _find_nohandler(self) -> None:
        """Find the files of the shown interfaces.

        /sys/class/net shows the network namespace in which sysfs was mounted. In a container that
        need not be the one of /proc/net/dev: then an equal name would mean another interface.
        """
        self._in_sysfs = self._every_device == set(self._kernel.list_sys("class/net")) - {
            "bonding_masters"
        }
        devices = self._devices if self._in_sysfs else []
        # All anew: a descriptor stays with its device, also when that was renamed.
        for file in self._nohandler.values():
            file.close()
        found = {}
        for device in devices:
            path = f"class/net/{device}/statistics/rx_nohandler"
            file = self._kernel.sys(path)
            with contextlib.suppress(OSError):  # before Linux 4.6
                file.read()
                found[device] = file
        self._nohandler = found
        self._nohandler_layout = Layout(
            [
                Series(
                    "node_network_receive_nohandler_total",
                    "Packets dropped because the device is not active, as the backup of a bond.",
                    "counter",
                    ("device",),
                    [(device,) for device in found],
                )
            ]
        )
