"""Every field of /proc/meminfo.

Source: Linux fs/proc/meminfo.c and what architectures add to it; MemAvailable since 3.14. The set
of fields depends on version and configuration, so all are exposed. Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from operator import mul
from typing import NamedTuple

from exporter.families import Digits, Filled, Layout, Series
from exporter.kernel import KernelTree
from exporter.parsing import integers, shorten

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
        self._names: list[bytes] | None = None
        self._units = 0
        self._layout = Layout(())
        self._scales: list[int] = []

    def collect(self) -> Iterator[Filled]:
        """Yield node_memory_<field>_bytes, without `_bytes` for the numbers of huge pages."""
        text = self._file.read()
        # The names stay the same while a kernel runs: then the text need not be parsed anew.
        words = text.replace(b" kB", b"").split()
        if words[::2] == self._names and text.count(b" kB") == self._units and len(words) % 2 == 0:
            numbers = integers(words[1::2])
        else:
            numbers = self._adopt(text)
        yield self._layout.fill(list(map(mul, map(int, numbers), self._scales)))

    def _adopt(self, text: bytes) -> Sequence[Digits]:
        """Lay out the fields of this kernel, and remember their names for the next time."""
        fields = parse_meminfo(text)
        self._layout = Layout(list(map(_series, fields.names, fields.units)))
        self._scales = [KILOBYTE if unit else 1 for unit in fields.units]
        self._units = text.count(b" kB")
        # With lines among them that were passed over, it is parsed each time.
        names = [name + b":" for name in fields.names]
        whole = text.count(b"\n") == len(names)
        self._names = names if whole else None
        return fields.numbers


def _series(field: bytes, unit: bytes) -> Series:
    """Name a field as node_exporter does: `Active(anon)` is `Active_anon`."""
    name = field.decode().replace("(", "_").replace(")", "")
    suffix = "_bytes" if unit else ""
    return Series(f"node_memory_{name}{suffix}", f"Field {name} of /proc/meminfo.", "gauge")
