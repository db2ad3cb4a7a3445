"""Counters of the network interfaces from /proc/net/dev, and rx_nohandler from sysfs.

Source: Linux net/core/net-procfs.c, unchanged since 2.2, and since 4.6 the attribute rx_nohandler
in /sys/class/net/*/statistics, which is not among the columns. Needs no rights.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import compress
from typing import NamedTuple

from exporter.attributes import Attributes
from exporter.families import Digits, Filled, Layout, Series
from exporter.kernel import KernelFile, KernelTree, NoData
from exporter.parsing import integers, shorten

_NOHANDLER = "receive_nohandler"


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


class FileSource:
    """The counters of the interfaces in the network namespace of the tree."""

    def __init__(
        self,
        kernel: KernelTree,
        accepts: Callable[[str], bool],
        columns: Mapping[str, tuple[str, str]],
        *,
        alias: bool,
    ) -> None:
        """Take name and help text of the family for each column, and for rx_nohandler."""
        self._kernel = kernel
        self._file = kernel.net("dev")
        self._accepts = accepts
        self._columns = columns
        self._aliases = Attributes(kernel, "class/net") if alias else None
        self._table: tuple[bytes, list[bytes]] | None = None
        self._rows: list[tuple[str, ...]] = []
        self._nohandler: dict[tuple[str, ...], KernelFile] = {}

    def read(self) -> list[Filled]:
        """Read the file, and rx_nohandler. Raises NoData when there is no such file."""
        try:
            text = self._file.read()
        except FileNotFoundError as error:
            raise NoData("this kernel has no /proc/net/dev") from error
        header, names, columns = parse_net_dev(text)
        if (header, names) != self._table or self._aliases:
            self._adopt(header, names)
        numbers: list[Digits] = []
        for position in self._positions:
            numbers += compress(columns[position], self._shown)
        return [self._layout.fill(numbers), *self._read_nohandler()]

    def _adopt(self, header: bytes, names: list[bytes]) -> None:
        titles = [name[:-1].decode("utf-8", "surrogateescape") for name in names]
        self._shown = [self._accepts(title) for title in titles]
        self._every_device = set(titles)
        in_sysfs = self._is_in_sysfs()
        rows: list[tuple[str, ...]] = [(device,) for device in compress(titles, self._shown)]
        if self._aliases:
            self._aliases.names()  # hot-plug
            rows = [(device, self._alias(device) if in_sysfs else "") for (device,) in rows]
        if (header, names) == self._table and rows == self._rows:
            return
        self._rows = rows
        words = parse_columns(header)
        self._positions = [place for place, word in enumerate(words) if word in self._columns]
        self._layout = Layout([self._series(words[place], rows) for place in self._positions])
        self._find_nohandler()
        self._table = (header, names)

    def _alias(self, device: str) -> str:
        return (self._aliases and self._aliases.text(f"{device}/ifalias")) or ""

    def _series(self, word: str, rows: list[tuple[str, ...]]) -> Series:
        name, text = self._columns[word]
        labels = ("device", "ifalias") if self._aliases else ("device",)
        return Series(f"node_network_{name}_total", text, "counter", labels, rows)

    def _read_nohandler(self) -> list[Filled]:
        if not self._in_sysfs:
            self._find_nohandler()
        try:
            numbers = [file.read().rstrip() for file in self._nohandler.values()]
        except OSError:  # an interface went away since /proc/net/dev was read
            self._table = None
            return []
        return [self._nohandler_layout.fill(integers(numbers))] if numbers else []

    def _is_in_sysfs(self) -> bool:
        """Tell whether sysfs shows the same interfaces.

        /sys/class/net is of the network namespace in which sysfs was mounted. In a container that
        need not be the one of /proc/net/dev: then an equal name would mean another interface.
        """
        try:
            names = set(self._kernel.list_folder("class/net"))
        except PermissionError:
            return False
        return self._every_device == names - {"bonding_masters"}

    def _find_nohandler(self) -> None:
        self._in_sysfs = self._is_in_sysfs()
        # All anew: a descriptor stays with its device, also when that was renamed.
        for file in self._nohandler.values():
            file.close()
        found = {}
        for row in self._rows if self._in_sysfs else ():
            file = self._kernel.sys(f"class/net/{row[0]}/statistics/rx_nohandler")
            with contextlib.suppress(OSError):  # before Linux 4.6
                file.read()
                found[row] = file
        self._nohandler = found
        self._nohandler_layout = Layout([self._series(_NOHANDLER, list(found))])
