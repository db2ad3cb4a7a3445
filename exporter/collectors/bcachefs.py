"""Counters, errors and devices of mounted bcachefs file systems, from /sys/fs/bcachefs/<UUID>.

Source: Linux fs/bcachefs/sysfs.c (6.7 to 6.17, a module of its own since). The kernel rounds many
of these numbers and writes them with a unit (`4.82G`). Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from exporter.attributes import Attributes
from exporter.collectors._bcachefs_text import (
    parse_btree_writes,
    parse_compression,
    parse_counter,
    parse_errors,
    parse_io_done,
    parse_io_errors,
    parse_size,
)
from exporter.families import Filled, LabelValues, Number
from exporter.kernel import KernelTree, NoData
from exporter.table import Column, Table

T = TypeVar("T")
Rows = dict[LabelValues, Sequence[Number | None]]

_FILESYSTEM = (
    Column("node_bcachefs_info", "The file system; always 1.", "gauge"),
    Column("node_bcachefs_btree_cache_size_bytes", "Memory that holds trees.", "gauge"),
)
_COMPRESSION = (
    Column("node_bcachefs_compression_compressed_bytes", "Size of the data on disk.", "gauge"),
    Column("node_bcachefs_compression_uncompressed_bytes", "Size of the data without it.", "gauge"),
)
_ERRORS = (Column("node_bcachefs_errors_total", "Errors found, by type.", "counter"),)
_BTREE_WRITES = (
    Column("node_bcachefs_btree_writes_total", "Writes of tree nodes, by reason.", "counter"),
    Column("node_bcachefs_btree_write_average_size_bytes", "Average size of these.", "gauge"),
)
_DEVICE_INFO = (Column("node_bcachefs_device_info", "What the device is; always 1.", "gauge"),)
_DEVICE = (
    Column("node_bcachefs_device_bucket_size_bytes", "Size of a bucket.", "gauge"),
    Column("node_bcachefs_device_buckets", "Buckets of the device.", "gauge"),
    Column("node_bcachefs_device_durability", "As how many copies a copy on it counts.", "gauge"),
)
_IO_DONE = (
    Column("node_bcachefs_device_io_done_bytes_total", "Bytes read and written.", "counter"),
)
_IO_ERRORS = (
    Column("node_bcachefs_device_io_errors_total", "Errors of the device, by type.", "counter"),
)
_OTHER_CHARACTERS = re.compile(r"[^A-Za-z0-9_]")


class Counters:
    """A family for each counter that the kernel has; which these are depends on its version."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._shown: list[str] = []
        self._table = Table((), ("uuid",))

    def fill(self, counters: Mapping[LabelValues, Mapping[str, int | None]]) -> Filled:
        """Join the file systems with their counters."""
        names = sorted({name for found in counters.values() for name in found})
        if names != self._names:
            self._adopt(names)
        return self._table.fill(
            {uuid: [found.get(name) for name in self._shown] for uuid, found in counters.items()}
        )

    def _adopt(self, names: list[str]) -> None:
        """Name the families, without those that another one is called like."""
        taken = {column.name for column in (*_ERRORS, *_BTREE_WRITES)}
        metrics = {_name_counter(name): name for name in names if _name_counter(name) not in taken}
        self._shown = list(metrics.values())
        columns = [
            Column(metric, f"Counter {name} since the file system was made.", "counter")
            for metric, name in metrics.items()
        ]
        self._table = Table(columns, ("uuid",))
        self._names = names


def _name_counter(counter: str) -> str:
    return f"node_bcachefs_{_OTHER_CHARACTERS.sub('_', counter)}_total"


class BcachefsCollector:
    """Counters, errors and devices of each mounted bcachefs file system."""

    name = "bcachefs"

    def __init__(self, kernel: KernelTree) -> None:
        self._kernel = kernel
        self._attributes = Attributes(kernel, "fs/bcachefs")
        self._filesystem = Table(_FILESYSTEM, ("uuid",))
        self._compression = Table(_COMPRESSION, ("uuid", "algorithm"))
        self._errors = Table(_ERRORS, ("uuid", "error_type"))
        self._counters = Counters()
        self._btree_writes = Table(_BTREE_WRITES, ("uuid", "type"))
        self._device_info = Table(_DEVICE_INFO, ("uuid", "device", "label", "state"))
        self._device = Table(_DEVICE, ("uuid", "device"))
        self._io_done = Table(_IO_DONE, ("uuid", "device", "operation", "data_type"))
        self._io_errors = Table(_IO_ERRORS, ("uuid", "device", "type"))

    def collect(self) -> Iterable[Filled]:
        """Yield what the file systems count, and then their devices."""
        uuids = self._attributes.names()
        if not uuids:
            raise NoData("no bcachefs file systems are mounted")
        yield self._filesystem.fill(
            {(uuid,): (1, self._parse(f"{uuid}/btree_cache_size", parse_size)) for uuid in uuids}
        )
        compression: Rows = {}
        errors: Rows = {}
        writes: Rows = {}
        for uuid in uuids:
            found = self._parse(f"{uuid}/compression_stats", parse_compression) or {}
            compression |= {(uuid, algorithm): sizes for algorithm, sizes in found.items()}
            counts = self._parse(f"{uuid}/errors", parse_errors) or {}
            errors |= {(uuid, kind): (count,) for kind, count in counts.items()}
            reasons = self._parse(f"{uuid}/btree_write_stats", parse_btree_writes) or {}
            writes |= {(uuid, reason): numbers for reason, numbers in reasons.items()}
        yield self._compression.fill(compression)
        yield self._errors.fill(errors)
        yield self._btree_writes.fill(writes)
        yield self._counters.fill({(uuid,): self._read_counters(uuid) for uuid in uuids})
        yield from self._collect_devices(
            [
                (uuid, name.removeprefix("dev-"))
                for uuid in uuids
                for name in self._kernel.list_folder(f"fs/bcachefs/{uuid}")
                if name.startswith("dev-")
            ]
        )

    def _read_counters(self, uuid: str) -> dict[str, int | None]:
        return {
            name: self._parse(f"{uuid}/counters/{name}", parse_counter)
            for name in self._kernel.list_folder(f"fs/bcachefs/{uuid}/counters")
        }

    def _collect_devices(self, devices: Sequence[tuple[str, str]]) -> Iterable[Filled]:
        info: Rows = {}
        sizes: Rows = {}
        done: Rows = {}
        errors: Rows = {}
        for uuid, device in devices:
            folder = f"{uuid}/dev-{device}"
            label = self._attributes.text(f"{folder}/label") or ""
            state = self._attributes.text(f"{folder}/state") or ""
            info[uuid, device, label, state] = (1,)
            sizes[uuid, device] = (
                self._parse(f"{folder}/bucket_size", parse_size),
                self._attributes.number(f"{folder}/nbuckets"),
                self._attributes.number(f"{folder}/durability"),
            )
            io = self._parse(f"{folder}/io_done", parse_io_done) or {}
            done |= {(uuid, device, *kinds): (number,) for kinds, number in io.items()}
            kinds = self._parse(f"{folder}/io_errors", parse_io_errors) or {}
            errors |= {(uuid, device, kind): (number,) for kind, number in kinds.items()}
        yield self._device_info.fill(info)
        yield self._device.fill(sizes)
        yield self._io_done.fill(done)
        yield self._io_errors.fill(errors)

    def _parse(self, path: str, parse: Callable[[bytes], T]) -> T | None:
        """Read and parse an attribute; None when it is absent or empty."""
        text = self._attributes.read(path)
        return parse(text) if text else None
