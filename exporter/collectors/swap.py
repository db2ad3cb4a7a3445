"""The devices and files that are swapped to.

Source: /proc/swaps (Linux mm/swapfile.c), in KiB. Needs no rights. The sum of all is in
/proc/meminfo, what comes and goes in /proc/vmstat.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from exporter.families import Digits, Filled
from exporter.kernel import KernelTree, NoData
from exporter.parsing import integers, shorten, signed_integers
from exporter.table import Column, Table

KIB = 1024

COLUMNS = (
    Column("node_swap_size_bytes", "Size of the swap, in bytes.", "gauge"),
    Column("node_swap_used_bytes", "Used part of the swap, in bytes.", "gauge"),
    Column("node_swap_priority", "Priority of the swap: the highest is filled first.", "gauge"),
)


class Swap(NamedTuple):
    """A line of the table."""

    device: str
    """As the kernel writes it: a space in it is `\\040`."""
    kind: str
    """partition or file."""
    size_kib: int
    used_kib: int
    priority: Digits


def parse_swaps(text: bytes) -> list[Swap]:
    """Parse the table below its header. Raises ValueError when it is not one."""
    header, _, body = text.partition(b"\n")
    if not header.startswith(b"Filename"):
        raise ValueError(f"/proc/swaps: expected a header: {shorten(header)}")
    return [_parse_line(line) for line in body.splitlines()]


def _parse_line(line: bytes) -> Swap:
    words = line.split()
    if len(words) < 5:
        raise ValueError(f"/proc/swaps: expected 5 columns: {shorten(line)}")
    device, kind = (word.decode("utf-8", "surrogateescape") for word in words[:2])
    size, used = map(int, integers(words[2:4]))
    return Swap(device, kind, size, used, signed_integers(words[4:5])[0])


class SwapCollector:
    """Size and use of each device that is swapped to."""

    name = "swap"

    def __init__(self, kernel: KernelTree) -> None:
        self._file = kernel.proc("swaps")
        self._table = Table(COLUMNS, ("device", "swap_type"))

    def collect(self) -> Iterator[Filled]:
        """Yield size, use and priority of each."""
        try:
            swaps = parse_swaps(self._file.read())
        except FileNotFoundError as error:
            raise NoData("this kernel has no /proc/swaps (CONFIG_SWAP)") from error
        if not swaps:
            raise NoData("nothing is swapped to")
        yield self._table.fill(
            {
                (one.device, one.kind): (one.size_kib * KIB, one.used_kib * KIB, one.priority)
                for one in swaps
            }
        )
