"""Free blocks of memory by size, which show how fragmented it is.

Source: /proc/buddyinfo (Linux mm/vmstat.c, since 2.4): for each zone, how many blocks of one page
are free, of two pages, of four, and so on. Needs no rights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from exporter.families import Digits, Family
from exporter.kernel import KernelTree, NoData
from exporter.parsing import integers, shorten


class Zone(NamedTuple):
    """A line of the file."""

    node: str
    name: str
    blocks: Sequence[Digits]
    """Free blocks of 1, 2, 4, ... pages."""


def parse_buddyinfo(text: bytes) -> list[Zone]:
    """Parse lines such as `Node 0, zone   Normal   1889    777 ...`.

    Raises ValueError on anything else.
    """
    zones = []
    for line in text.splitlines():
        words = line.split()
        if len(words) < 4 or (words[0], words[2]) != (b"Node", b"zone") or words[1][-1:] != b",":
            raise ValueError(f"/proc/buddyinfo: not a zone: {shorten(line)}")
        (node,) = integers((words[1][:-1],))
        zones.append(Zone(node.decode(), words[3].decode("utf-8", "replace"), integers(words[4:])))
    return zones


class BuddyinfoCollector:
    """Free blocks of each zone."""

    name = "buddyinfo"

    def __init__(self, kernel: KernelTree) -> None:
        self._file = kernel.proc("buddyinfo")

    def collect(self) -> Iterator[Family]:
        """Yield node_buddyinfo_blocks, whose label `size` is the power of two of the pages."""
        try:
            zones = parse_buddyinfo(self._file.read())
        except FileNotFoundError as error:
            raise NoData("this kernel has no /proc/buddyinfo") from error
        yield Family(
            "node_buddyinfo_blocks",
            "Free blocks of two to the power of `size` pages.",
            "gauge",
            ("node", "zone", "size"),
            [
                ((zone.node, zone.name, str(size)), number)
                for zone in zones
                for size, number in enumerate(zone.blocks)
            ],
        )
