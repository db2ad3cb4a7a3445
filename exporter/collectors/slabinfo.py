"""The kernel's caches of small objects.

Source: /proc/slabinfo (Linux mm/slab_common.c; version 2.1 of its format since 2.6.10). Only root
may read it; without, there is nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from exporter.families import Digits, Filled
from exporter.kernel import KernelTree, NoData
from exporter.options import option, parse_regexp
from exporter.parsing import integers, shorten
from exporter.table import Column, Table


@dataclass(frozen=True, slots=True)
class Options:
    """Which caches are shown. As in node_exporter, both patterns may be set."""

    slabs_include: re.Pattern[str] | None = option(
        None, "Regexp of the only slabs to show.", parse=parse_regexp
    )
    slabs_exclude: re.Pattern[str] | None = option(
        None, "Regexp of slabs to leave out.", parse=parse_regexp
    )


COLUMNS = (
    Column("node_slabinfo_active_objects", "Objects in use.", "gauge"),
    Column("node_slabinfo_objects", "Objects that there is room for.", "gauge"),
    Column("node_slabinfo_object_size_bytes", "Size of an object, in bytes.", "gauge"),
    Column("node_slabinfo_objects_per_slab", "Objects that a slab has room for.", "gauge"),
    Column("node_slabinfo_pages_per_slab", "Pages of memory that a slab takes.", "gauge"),
)


def parse_slabinfo(text: bytes) -> dict[str, Sequence[Digits]]:
    """Give the five numbers behind each name, in the columns' order.

    Names may have colons and even spaces in them. Raises ValueError on another version of the
    format, and on a line with less numbers.
    """
    title, _, rest = text.partition(b"\n")
    if not title.startswith(b"slabinfo - version: 2."):
        raise ValueError(f"/proc/slabinfo: expected version 2 of the format: {shorten(title)}")
    slabs = {}
    for line in rest.splitlines():
        if line.startswith(b"# "):
            continue
        words = line.partition(b" : tunables ")[0].rsplit(None, len(COLUMNS))
        if len(words) <= len(COLUMNS):
            raise ValueError(f"/proc/slabinfo: expected a name and numbers: {shorten(line)}")
        slabs[words[0].decode("utf-8", "replace")] = integers(words[1:])
    return slabs


class SlabinfoCollector:
    """Objects of each cache, and their size."""

    name = "slabinfo"

    def __init__(self, kernel: KernelTree, options: Options | None = None) -> None:
        options = options or Options()
        self._file = kernel.proc("slabinfo")
        self._include = options.slabs_include
        self._exclude = options.slabs_exclude
        self._table = Table(COLUMNS, ("slab",))

    def collect(self) -> Iterator[Filled]:
        """Yield five gauges for each cache that is shown."""
        try:
            slabs = parse_slabinfo(self._file.read())
        except PermissionError as error:
            raise NoData("/proc/slabinfo is for root only: run as root") from error
        except FileNotFoundError as error:
            raise NoData("this kernel has no /proc/slabinfo") from error
        yield self._table.fill(
            {(name,): numbers for name, numbers in slabs.items() if self._is_shown(name)}
        )

    def _is_shown(self, name: str) -> bool:
        if self._exclude is not None and self._exclude.search(name):
            return False
        return self._include is None or self._include.search(name) is not None
