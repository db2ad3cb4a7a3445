"""Open files of the whole host, and how many there may be.

Source: /proc/sys/fs/file-nr (Linux fs/file_table.c): files in use, a 0 (free ones, until 2.4), and
the limit. Needs no rights.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from exporter.families import Digits, Filled
from exporter.kernel import KernelTree, NoData
from exporter.parsing import integers, shorten
from exporter.table import Column, Table

COLUMNS = (
    Column("node_filefd_allocated", "Files that are open on the whole host.", "gauge"),
    Column(
        "node_filefd_maximum", "Files that may be open on the whole host (fs.file-max).", "gauge"
    ),
)


class OpenFiles(NamedTuple):
    """The first and the last number of the file."""

    allocated: Digits
    maximum: Digits


def parse_file_nr(text: bytes) -> OpenFiles:
    """Parse `1824	0	9223372036854775807`. Raises ValueError when it is not that."""
    numbers = integers(text.split())
    if len(numbers) < 3:
        raise ValueError(f"/proc/sys/fs/file-nr: expected 3 numbers: {shorten(text)}")
    return OpenFiles(numbers[0], numbers[2])


class FilefdCollector:
    """Open files of the host."""

    name = "filefd"

    def __init__(self, kernel: KernelTree) -> None:
        self._file = kernel.proc("sys/fs/file-nr")
        self._table = Table(COLUMNS, ())

    def collect(self) -> Iterator[Filled]:
        """Yield node_filefd_allocated and node_filefd_maximum."""
        try:
            text = self._file.read()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NoData("/proc/sys/fs/file-nr is missing or hidden") from error
        yield self._table.fill({(): parse_file_nr(text)})
