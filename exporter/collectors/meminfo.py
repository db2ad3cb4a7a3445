"""Every field of /proc/meminfo.

Source: Linux fs/proc/meminfo.c and what architectures add to it; MemAvailable since 3.14. The set
of fields depends on version and configuration, so all are exposed. Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from exporter.families import Digits, Filled, Layout, Series
from exporter.kernel import KernelTree
from exporter.parsing import shorten

_LINE = re.compile(rb"^([A-Za-z0-9_()]+): +([0-9]{1,20})( kB)?$", re.MULTILINE)

KILOBYTE = 1024


class MemoryFields(NamedTuple):
    """The file's columns."""

    names: Sequence[bytes]
    numbers: Sequence[Digits]
    units: Sequence[bytes]
    """` kB`, or nothing for the numbers of huge pages."""


def parse_meminfo(text: bytes) -> MemoryFields:
    """Parse lines such as `MemTotal:  24684084 kB`; other lines are passed over.

    Raises ValueError when there is no such line.
    """
    lines = _LINE.findall(text)
    if not lines:
        raise ValueError(f"/proc/meminfo: no field in {shorten(text)}")
    return MemoryFields(*zip(*lines, strict=True))


class MeminfoCollector:
    """The kernel's account of memory."""

    name = "meminfo"

    def __init__(self, kernel: KernelTree) -> None:
        self._file = kernel.proc("meminfo")
        self._key: tuple[Sequence[bytes], Sequence[bytes]] = ((), ())
        self._layout = Layout(())
        self._scales: list[int] = []

    def collect(self) -> Iterator[Filled]:
        """Yield node_memory_<field>_bytes, without `_bytes` for the numbers of huge pages."""
        fields = parse_meminfo(self._file.read())
        key = (fields.names, fields.units)
        if key != self._key:
            self._layout = Layout([_series(*field) for field in zip(*key, strict=True)])
            self._scales = [KILOBYTE if unit else 1 for unit in fields.units]
            self._key = key
        numbers = zip(fields.numbers, self._scales, strict=True)
        yield self._layout.fill([int(number) * scale for number, scale in numbers])


def _series(field: bytes, unit: bytes) -> Series:
    """Name a field as node_exporter does: `Active(anon)` is `Active_anon`."""
    name = field.decode().replace("(", "_").replace(")", "")
    suffix = "_bytes" if unit else ""
    return Series(f"node_memory_{name}{suffix}", f"Field {name} of /proc/meminfo.", "gauge")
