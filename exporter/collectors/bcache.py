"""Caches of bcache, and the disks behind them, from /sys/fs/bcache/<UUID>.

Source: Linux drivers/md/bcache/sysfs.c (since 3.10; writeback_rate_debug as it is here since 4.14),
Documentation/admin-guide/bcache.rst. The kernel rounds sizes and writes them with a unit (`5.9G`).
Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exporter.attributes import Attributes
from exporter.families import Filled, LabelValues
from exporter.kernel import KernelTree, NoData
from exporter.options import option
from exporter.parsing import shorten
from exporter.table import Column, Table

_SET = {
    "average_key_size": Column(
        "node_bcache_average_key_size_sectors",
        "Data for each key of the tree, on average, in sectors of 512 bytes.",
        "gauge",
    ),
    "btree_cache_size": Column(
        "node_bcache_btree_cache_size_bytes", "Memory that holds the tree.", "gauge"
    ),
    "cache_available_percent": Column(
        "node_bcache_cache_available_percent",
        "Percentage of the cache without dirty data, which can be written to.",
        "gauge",
    ),
    "congested": Column("node_bcache_congested", "Congestion of the cache.", "gauge"),
    "root_usage_percent": Column(
        "node_bcache_root_usage_percent", "Percentage of the tree's root in use.", "gauge"
    ),
    "tree_depth": Column("node_bcache_tree_depth", "Depth of the tree.", "gauge"),
    "internal/active_journal_entries": Column(
        "node_bcache_active_journal_entries", "Entries of the journal newer than the tree.", "gauge"
    ),
    "internal/btree_nodes": Column("node_bcache_btree_nodes", "Nodes of the tree.", "gauge"),
    "internal/btree_read_average_duration_us": Column(
        "node_bcache_btree_read_average_duration_seconds",
        "How long it takes to read a node of the tree, on average.",
        "gauge",
        -6,
    ),
    "internal/cache_read_races": Column(
        "node_bcache_cache_read_races_total",
        "Reads from the cache whose data were replaced meanwhile.",
        "counter",
    ),
}
_BACKING = {
    "dirty_data": Column(
        "node_bcache_dirty_data_bytes", "Data that wait to be written to the disk.", "gauge"
    ),
    "stats_total/bypassed": Column(
        "node_bcache_bypassed_bytes_total", "Bytes read and written past the cache.", "counter"
    ),
    "stats_total/cache_hits": Column(
        "node_bcache_cache_hits_total", "I/Os that the cache answered.", "counter"
    ),
    "stats_total/cache_misses": Column(
        "node_bcache_cache_misses_total", "I/Os that the cache could not answer.", "counter"
    ),
    "stats_total/cache_bypass_hits": Column(
        "node_bcache_cache_bypass_hits_total",
        "I/Os meant to go past the cache that were in it.",
        "counter",
    ),
    "stats_total/cache_bypass_misses": Column(
        "node_bcache_cache_bypass_misses_total",
        "I/Os meant to go past the cache that were not in it.",
        "counter",
    ),
    "stats_total/cache_miss_collisions": Column(
        "node_bcache_cache_miss_collisions_total",
        "Reads not put into the cache because a write was faster.",
        "counter",
    ),
    "stats_total/cache_readaheads": Column(
        "node_bcache_cache_readaheads_total", "Times data were read ahead.", "counter"
    ),
}
_WRITEBACK = {
    b"target": Column(
        "node_bcache_dirty_target_bytes", "Dirty data that writeback aims at.", "gauge"
    ),
    b"rate": Column("node_bcache_writeback_rate", "Bytes written back per second.", "gauge"),
    b"proportional": Column(
        "node_bcache_writeback_rate_proportional_term",
        "Part of the rate that follows the distance from the target.",
        "gauge",
    ),
    b"integral": Column(
        "node_bcache_writeback_rate_integral_term",
        "Part of the rate that follows the distance over time.",
        "gauge",
    ),
    b"change": Column("node_bcache_writeback_change", "Last change of the rate.", "gauge"),
}
_CACHE = {
    "io_errors": Column(
        "node_bcache_io_errors", "Errors of the cache device, older ones counting less.", "gauge"
    ),
    "metadata_written": Column(
        "node_bcache_metadata_written_bytes_total", "Bytes of metadata written.", "counter"
    ),
    "written": Column("node_bcache_written_bytes_total", "Bytes of data written.", "counter"),
}
_PRIORITY = {
    b"Unused": Column(
        "node_bcache_priority_stats_unused_percent", "Percentage that holds no data.", "gauge"
    ),
    b"Metadata": Column(
        "node_bcache_priority_stats_metadata_percent", "Percentage that holds metadata.", "gauge"
    ),
}

_AMOUNT = re.compile(rb"(-?)([0-9]{1,20})(?:\.([0-9]{1,4}))?([kMGTPEZY])?\Z")
_UNITS = b"kMGTPEZY"
_DEVICE = re.compile(r"(bdev|cache)[0-9]+\Z")
_PERCENT = re.compile(rb"[0-9]{1,3}%\Z")


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of the bcache collector."""

    priority_stats: bool = option(
        False,
        "Show what the buckets of a cache hold; reading that takes the kernel long.",
        flag="priorityStats",
    )


def parse_amount(text: bytes) -> int:
    """Parse `1305` or `-363.2k`. Raises ValueError when it is something else.

    The digit behind the dot is a tenth on current kernels, and ran from 0 to 10 on older ones: as
    in node_exporter it counts 100/1024, which is right for neither, but keeps the order on both.
    """
    found = _AMOUNT.match(text)
    if not found or (found[3] and not found[4]):
        raise ValueError(f"/sys/fs/bcache: expected an amount such as 5.9G: {shorten(text)}")
    sign = -1 if found[1] else 1
    if not found[4]:
        return sign * int(found[2])
    factor = 1024 ** (1 + _UNITS.index(found[4]))
    return sign * int((int(found[2]) + int(found[3] or 0) / 10.24) * factor)


def parse_writeback(text: bytes) -> dict[bytes, int]:
    """Parse the amounts of writeback_rate_debug. Raises ValueError on one that is none."""
    lines = (line.partition(b":") for line in text.splitlines())
    return {
        name: parse_amount(value.strip().removesuffix(b"/sec"))
        for name, _, value in lines
        if name in _WRITEBACK
    }


def parse_priority(text: bytes) -> dict[bytes, int]:
    """Parse the percentages of priority_stats. Raises ValueError on one that is none."""
    shares: dict[bytes, int] = {}
    for line in text.splitlines():
        name, _, value = line.partition(b":")
        if name in _PRIORITY and not _PERCENT.match(value.strip()):
            raise ValueError(f"priority_stats: expected a percentage: {shorten(line)}")
        if name in _PRIORITY:
            shares[name] = int(value.strip()[:-1])
    return shares


class BcacheCollector:
    """Hits, sizes and writeback of each cache, its devices and the disks behind it."""

    name = "bcache"

    def __init__(self, kernel: KernelTree, options: Options | None = None) -> None:
        self._kernel = kernel
        self._attributes = Attributes(kernel, "fs/bcache")
        self._priority = _PRIORITY if options and options.priority_stats else {}
        self._sets = Table(list(_SET.values()), ("uuid",))
        self._backing = Table(
            [*_BACKING.values(), *_WRITEBACK.values()], ("uuid", "backing_device")
        )
        self._caches = Table([*_CACHE.values(), *self._priority.values()], ("uuid", "cache_device"))

    def collect(self) -> Iterable[Filled]:
        """Yield the numbers of each set, then those of the disks behind it and of its caches."""
        sets = [name for name in self._attributes.names() if "-" in name]
        if not sets:
            raise NoData("no bcache sets are registered")
        yield self._sets.fill({(one,): self._read_amounts(one, _SET) for one in sets})
        backing: dict[LabelValues, Sequence[int | None]] = {}
        caches: dict[LabelValues, Sequence[int | None]] = {}
        for one, device in self._list_devices(sets):
            if device.startswith("bdev"):
                backing[one, device] = self._read_backing(f"{one}/{device}")
            else:
                caches[one, device] = self._read_cache(f"{one}/{device}")
        yield self._backing.fill(backing)
        yield self._caches.fill(caches)

    def _list_devices(self, sets: Iterable[str]) -> list[tuple[str, str]]:
        return [
            (one, name)
            for one in sets
            for name in self._kernel.list_folder(f"fs/bcache/{one}")
            if _DEVICE.match(name)
        ]

    def _read_backing(self, folder: str) -> Sequence[int | None]:
        text = self._attributes.read(f"{folder}/writeback_rate_debug") or b""
        writeback = parse_writeback(text)
        return [
            *self._read_amounts(folder, _BACKING),
            *(writeback.get(name) for name in _WRITEBACK),
        ]

    def _read_cache(self, folder: str) -> Sequence[int | None]:
        text = self._attributes.read(f"{folder}/priority_stats") if self._priority else b""
        shares = parse_priority(text or b"")
        return [
            *self._read_amounts(folder, _CACHE),
            *(shares.get(name) for name in self._priority),
        ]

    def _read_amounts(self, folder: str, names: Iterable[str]) -> list[int | None]:
        texts = (self._attributes.read(f"{folder}/{name}") for name in names)
        return [parse_amount(text) if text else None for text in texts]
