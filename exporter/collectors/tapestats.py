"""I/O of SCSI tape drives from /sys/class/scsi_tape/<drive>/stats.

Source: Linux drivers/scsi/st.c, Documentation/scsi/st.rst, since 4.2. A drive has several entries
there, by mode and for use without rewinding; the counters are the same, and those of `st<number>`
are shown. Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from exporter.attributes import Attributes
from exporter.families import Filled
from exporter.kernel import KernelTree, NoData
from exporter.options import NameFilter, option, parse_regexp
from exporter.table import Column, Table

COLUMNS = {
    "in_flight": Column("node_tape_io_now", "I/Os in progress.", "gauge"),
    "io_ns": Column(
        "node_tape_io_time_seconds_total",
        "Seconds in which the drive was busy, moving the tape included.",
        "counter",
        -9,
    ),
    "other_cnt": Column(
        "node_tape_io_others_total", "Commands that were neither reads nor writes.", "counter"
    ),
    "read_byte_cnt": Column("node_tape_read_bytes_total", "Bytes read.", "counter"),
    "read_cnt": Column("node_tape_reads_completed_total", "Reads completed.", "counter"),
    "read_ns": Column(
        "node_tape_read_time_seconds_total", "Seconds spent by reads.", "counter", -9
    ),
    "resid_cnt": Column(
        "node_tape_residual_total",
        "Reads and writes that transferred less than was asked for.",
        "counter",
    ),
    "write_byte_cnt": Column("node_tape_written_bytes_total", "Bytes written.", "counter"),
    "write_cnt": Column("node_tape_writes_completed_total", "Writes completed.", "counter"),
    "write_ns": Column(
        "node_tape_write_time_seconds_total", "Seconds spent by writes.", "counter", -9
    ),
}
_DRIVE = re.compile(r"st[0-9]+\Z")


@dataclass(frozen=True, slots=True)
class Options:
    """Which drives are shown."""

    ignored_devices: re.Pattern[str] | None = option(
        re.compile("^$"), "Regexp of drives to leave out.", parse=parse_regexp
    )


class TapestatsCollector:
    """I/O counters of each tape drive."""

    name = "tapestats"

    def __init__(self, kernel: KernelTree, options: Options | None = None) -> None:
        options = options or Options()
        self._attributes = Attributes(kernel, "class/scsi_tape")
        self._filter = NameFilter(None, options.ignored_devices)
        self._table = Table(list(COLUMNS.values()), ("device",))

    def collect(self) -> Iterable[Filled]:
        """Yield a family for each counter, with a row for each drive."""
        drives = [name for name in self._attributes.names("st") if _DRIVE.match(name)]
        if not drives:
            raise NoData("no SCSI tape drives")
        yield self._table.fill(
            {
                (drive,): [self._attributes.number(f"{drive}/stats/{name}") for name in COLUMNS]
                for drive in drives
                if self._filter.accepts(drive)
            }
        )
