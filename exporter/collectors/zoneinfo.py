"""Watermarks and pages of each memory zone.

Source: /proc/zoneinfo (Linux mm/vmstat.c, since 2.6.13). What a kernel counts by node instead of by
zone (much of it since 4.8) stands below the node's first zone. Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from exporter.families import Digits, Family
from exporter.kernel import KernelTree, NoData
from exporter.parsing import integers, shorten

# fmt: off
GAUGES = {
    "nr_free_pages": ("nr_free_pages", "Free pages."),
    "min": ("min_pages", "Watermark below which only the kernel itself gets pages."),
    "low": ("low_pages", "Watermark below which kswapd reclaims pages."),
    "high": ("high_pages", "Watermark above which kswapd sleeps."),
    "scanned": ("scanned_pages", "Pages scanned since the last reclaim, until Linux 4.7."),
    "spanned": ("spanned_pages", "Pages from the first to the last, holes too."),
    "present": ("present_pages", "Pages that exist."),
    "managed": ("managed_pages", "Pages that can be allocated."),
    "nr_active_anon": ("nr_active_anon_pages", "Pages of programs' memory used lately."),
    "nr_inactive_anon": ("nr_inactive_anon_pages", "Pages of programs' memory not used lately."),
    "nr_isolated_anon": ("nr_isolated_anon_pages", "Pages of programs' memory being reclaimed."),
    "nr_anon_pages": ("nr_anon_pages", "Pages of programs' memory mapped."),
    "nr_anon_transparent_hugepages": (
        "nr_anon_transparent_hugepages", "Transparent huge pages of programs' memory."
    ),
    "nr_active_file": ("nr_active_file_pages", "Pages of files used lately."),
    "nr_inactive_file": ("nr_inactive_file_pages", "Pages of files not used lately."),
    "nr_isolated_file": ("nr_isolated_file_pages", "Pages of files being reclaimed."),
    "nr_file_pages": ("nr_file_pages", "Pages of files in memory."),
    "nr_slab_reclaimable": ("nr_slab_reclaimable_pages", "Pages of caches that can be freed."),
    "nr_slab_unreclaimable": ("nr_slab_unreclaimable_pages", "Pages of caches that stay."),
    "nr_mlock_stack": ("nr_mlock_stack_pages", "Pages locked by mlock()."),
    "nr_kernel_stack": ("nr_kernel_stacks", "Kernel stacks; in KiB since Linux 4.8."),
    "nr_mapped": ("nr_mapped_pages", "Pages of files mapped by programs."),
    "nr_dirty": ("nr_dirty_pages", "Pages waiting to be written."),
    "nr_writeback": ("nr_writeback_pages", "Pages being written."),
    "nr_unevictable": ("nr_unevictable_pages", "Pages that cannot be reclaimed."),
    "nr_shmem": ("nr_shmem_pages", "Pages of shared memory and tmpfs."),
}
COUNTERS = {
    "nr_dirtied": ("nr_dirtied_total", "Pages that became dirty."),
    "nr_written": ("nr_written_total", "Pages written."),
    "numa_hit": ("numa_hit_total", "Pages allocated on the node where they were wanted."),
    "numa_miss": ("numa_miss_total", "Pages allocated here that were wanted elsewhere."),
    "numa_foreign": ("numa_foreign_total", "Pages wanted here but allocated elsewhere."),
    "numa_interleave": ("numa_interleave_total", "Pages allocated here by interleaving."),
    "numa_local": ("numa_local_total", "Pages allocated by programs that ran on this node."),
    "numa_other": ("numa_other_total", "Pages allocated by programs that ran elsewhere."),
}
# fmt: on
"""The family of each field, and what it says."""

SHOWN = GAUGES.keys() | COUNTERS.keys()

_ZONE = re.compile(r"Node ([0-9]+), zone +(\S+)\Z")


class Zone(NamedTuple):
    """What the file tells about a zone."""

    node: str
    name: str
    fields: dict[str, Digits]
    protection: list[Digits]
    """Pages kept back from allocations that could use each higher zone."""


def parse_zoneinfo(text: bytes) -> list[Zone]:
    """Parse the zones and those of their fields that are shown.

    Raises ValueError when a line is not below a zone, or a number is none.
    """
    zones: list[Zone] = []
    for line in text.decode("utf-8", "replace").splitlines():
        if match := _ZONE.match(line):
            zones.append(Zone(match[1], match[2], {}, []))
        elif not zones:
            raise ValueError(f"/proc/zoneinfo: expected a zone: {shorten(line.encode())}")
        else:
            _add(zones[-1], line.split())
    return zones


def _add(zone: Zone, words: list[str]) -> None:
    """Add a line of the zone, such as `nr_mapped 5828` or `protection: (0, 3019, 5707)`."""
    if len(words) < 2:
        return
    if words[0] == "protection:":
        zone.protection[:] = integers([word.strip("(),").encode() for word in words[1:]])
    elif words[0] in SHOWN:
        (zone.fields[words[0]],) = integers([words[1].encode()])


class ZoneinfoCollector:
    """Watermarks and pages of each zone."""

    name = "zoneinfo"

    def __init__(self, kernel: KernelTree) -> None:
        self._file = kernel.proc("zoneinfo")

    def collect(self) -> Iterator[Family]:
        """Yield a family for each field that this kernel has, and for each level of protection."""
        try:
            zones = parse_zoneinfo(self._file.read())
        except FileNotFoundError as error:
            raise NoData("this kernel has no /proc/zoneinfo") from error
        for kind, families in (("gauge", GAUGES), ("counter", COUNTERS)):
            for field, (name, text) in families.items():
                found = [(zone, zone.fields[field]) for zone in zones if field in zone.fields]
                yield _make_family(name, text, kind, found)
        for level in range(max(chain((0,), (len(zone.protection) for zone in zones)))):
            text = f"Pages kept back from allocations that could use zone {level} as well."
            levels = [
                (zone, zone.protection[level]) for zone in zones if level < len(zone.protection)
            ]
            yield _make_family(f"protection_{level}", text, "gauge", levels)


def _make_family(name: str, text: str, kind: str, found: list[tuple[Zone, Digits]]) -> Family:
    samples = [((zone.node, zone.name), number) for zone, number in found]
    return Family(f"node_zoneinfo_{name}", text, kind, ("node", "zone"), samples)
