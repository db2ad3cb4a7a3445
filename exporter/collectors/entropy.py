"""The kernel's entropy pool.

Source: /proc/sys/kernel/random/entropy_avail and poolsize (Linux drivers/char/random.c, since 2.6).
Since 5.18 both are 256 once the generator is seeded. Needs no rights.
"""

from __future__ import annotations

from collections.abc import Iterator

from exporter.families import Digits, Filled
from exporter.kernel import KernelFile, KernelTree, NoData
from exporter.parsing import integer
from exporter.table import Column, Table

COLUMNS = (
    Column("node_entropy_available_bits", "Entropy in the kernel's pool, in bits.", "gauge"),
    Column("node_entropy_pool_size_bits", "Size of the kernel's entropy pool, in bits.", "gauge"),
)


def parse_bits(text: bytes) -> Digits:
    """Parse `256`. Raises ValueError when it is not a number."""
    return integer(text.strip())


class EntropyCollector:
    """How full the entropy pool is."""

    name = "entropy"

    def __init__(self, kernel: KernelTree) -> None:
        self._available = kernel.proc("sys/kernel/random/entropy_avail")
        self._size = kernel.proc("sys/kernel/random/poolsize")
        self._table = Table(COLUMNS, ())

    def collect(self) -> Iterator[Filled]:
        """Yield node_entropy_available_bits and node_entropy_pool_size_bits."""
        row = (_read(self._available), _read(self._size))
        if row == (None, None):
            raise NoData("/proc/sys/kernel/random is missing or hidden")
        yield self._table.fill({(): row})


def _read(file: KernelFile) -> Digits | None:
    try:
        return parse_bits(file.read())
    except (FileNotFoundError, NotADirectoryError):
        return None
