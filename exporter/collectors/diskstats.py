"""Disk I/O from /proc/diskstats.

Source: Linux block/genhd.c, Documentation/admin-guide/iostats.rst. 14 columns since 2.6.25, 18
since 4.18 (discards), 20 since 5.5 (flushes). Times are milliseconds; a sector is 512 bytes,
whatever the disk's own block size. Needs no rights. What the disks are: see diskinfo.py.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import compress, islice, zip_longest
from typing import NamedTuple

from exporter.diskinfo import Disk, read_disk_info
from exporter.families import Digits, Filled, Layout, Number, Series
from exporter.kernel import KernelTree, NoData
from exporter.options import NameFilter, exclude_option, include_option, reject_both
from exporter.parsing import integers, shorten

SECTOR_BYTES = 512
INFO_SECONDS = 300
"""udev tells when its data change, /sys/block does not: what it says is at most this old."""

DEFAULT_EXCLUDE = re.compile(r"^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$")


@dataclass(frozen=True, slots=True)
class Options:
    """Which devices are shown."""

    device_exclude: re.Pattern[str] | None = exclude_option("devices", "device", DEFAULT_EXCLUDE)
    device_include: re.Pattern[str] | None = include_option("devices", "device")

    def __post_init__(self) -> None:
        if self.device_exclude != DEFAULT_EXCLUDE:
            reject_both(self.device_include, self.device_exclude, "device")


class Column(NamedTuple):
    """A column of /proc/diskstats behind the device's numbers and name."""

    metric: str
    help: str
    type: str = "counter"
    exponent: int = 0
    factor: int = 1


COLUMNS = (
    Column("reads_completed_total", "Reads completed."),
    Column("reads_merged_total", "Reads merged with an adjacent one before they were issued."),
    Column("read_bytes_total", "Bytes read.", factor=SECTOR_BYTES),
    Column("read_time_seconds_total", "Seconds spent by all reads.", exponent=-3),
    Column("writes_completed_total", "Writes completed."),
    Column("writes_merged_total", "Writes merged with an adjacent one before they were issued."),
    Column("written_bytes_total", "Bytes written.", factor=SECTOR_BYTES),
    Column("write_time_seconds_total", "Seconds spent by all writes.", exponent=-3),
    Column("io_now", "I/Os in progress.", type="gauge"),
    Column("io_time_seconds_total", "Seconds in which I/O was in progress.", exponent=-3),
    Column(
        "io_time_weighted_seconds_total",
        "Seconds spent doing I/O, weighted by the number of I/Os in progress.",
        exponent=-3,
    ),
    Column("discards_completed_total", "Discards completed."),
    Column("discards_merged_total", "Discards merged with an adjacent one."),
    Column("discarded_sectors_total", "Sectors of 512 bytes discarded."),
    Column("discard_time_seconds_total", "Seconds spent by all discards.", exponent=-3),
    Column("flush_requests_total", "Flush requests completed."),
    Column("flush_requests_time_seconds_total", "Seconds spent by all flushes.", exponent=-3),
)


def parse_diskstats(text: bytes) -> list[list[Digits]]:
    """Split into rows: major, minor, name, counters. Raises ValueError on anything else."""
    rows = [line.split() for line in text.splitlines()]
    for row in rows:
        if len(row) < 14:
            raise ValueError(
                f"/proc/diskstats: expected at least 14 columns, got {len(row)}: "
                f"{shorten(b' '.join(row))}"
            )
        integers(row[:2] + row[3:])
    return rows


class DiskstatsCollector:
    """I/O counters of the block devices, and what the devices are."""

    name = "diskstats"

    def __init__(
        self,
        kernel: KernelTree,
        options: Options | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        options = options or Options()
        self._kernel = kernel
        self._file = kernel.proc("diskstats")
        self._filter = NameFilter(options.device_include, options.device_exclude)
        self._udev_data = kernel.udev_data
        self._now = now
        self._text: bytes | None = None
        self._devices: list[tuple[list[Digits], int]] | None = None
        self._info_of: object = None
        self._info_until = 0.0

    def collect(self) -> Iterable[Filled]:
        """Yield node_disk_info and its like, then one family per column."""
        try:
            text = self._file.read()
        except FileNotFoundError as error:
            raise NoData("this kernel has no /proc/diskstats") from error
        if text != self._text:
            self._filled = self._fill(parse_diskstats(text))
            self._text = text
        yield self._read_info()
        yield self._filled

    def _fill(self, rows: list[list[Digits]]) -> Filled:
        devices = [(row[:3], len(row)) for row in rows]
        if devices != self._devices:
            self._lay_out(devices)
        return self._layout.fill(self._to_numbers(list(compress(rows, self._shown))))

    def _lay_out(self, devices: list[tuple[list[Digits], int]]) -> None:
        names = [[field.decode("utf-8", "replace") for field in fields] for fields, _ in devices]
        disks = [Disk(name, major, minor) for major, minor, name in names]
        self._shown = [self._filter.accepts(disk.device) for disk in disks]
        self._disks = list(compress(disks, self._shown))
        widths = list(compress((width for _, width in devices), self._shown))
        self._ragged = len(set(widths)) > 1
        self._layout = Layout(
            [
                Series(
                    f"node_disk_{column.metric}",
                    column.help,
                    column.type,
                    ("device",),
                    [
                        (disk.device,)
                        for disk, width in zip(self._disks, widths, strict=True)
                        if width > position
                    ],
                    column.exponent,
                )
                for position, column in enumerate(COLUMNS, 3)
            ]
        )
        self._devices = devices

    def _to_numbers(self, rows: Sequence[Sequence[Digits]]) -> list[Number]:
        """Turn the rows into columns; some kinds of device may have fewer columns than others."""
        numbers: list[Number] = []
        columns = islice(zip_longest(*rows), 3, None)
        for column, values in zip(COLUMNS, columns, strict=False):
            present = [value for value in values if value is not None] if self._ragged else values
            if column.factor == 1:
                numbers += present
            else:
                numbers += [int(value) * column.factor for value in present]
        return numbers

    def _read_info(self) -> Filled:
        """Read about the disks when they, or udev's data, have changed, or some minutes are over.

        udev replaces a device's file by renaming a new one over it, which shows in the directory.
        """
        try:
            changed = os.stat(self._udev_data).st_mtime_ns  # noqa: PTH116 -- a Path each scrape
        except OSError:
            changed = 0
        now = self._now()
        if (self._disks, changed) != self._info_of or now >= self._info_until:
            self._info = read_disk_info(self._kernel, self._udev_data, self._disks)
            self._info_of = (self._disks, changed)
            self._info_until = now + INFO_SECONDS
        return self._info
