"""Tables of /proc with a column for each CPU: interrupts and softirqs.

Source: Linux fs/proc/interrupts.c, fs/proc/softirqs.c. The first line names the CPUs; those that
are offline have no column in interrupts, so a column's place is not the CPU's number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from exporter.families import Digits
from exporter.parsing import integers, shorten


class Row(NamedTuple):
    """A line of the table."""

    name: bytes
    counts: Sequence[Digits]
    """One for each CPU."""
    rest: bytes
    """What stands behind the numbers."""


class PerCpuTable(NamedTuple):
    """The table."""

    cpus: tuple[str, ...]
    rows: list[Row]


def parse_per_cpu(text: bytes) -> PerCpuTable:
    """Parse the table. Lines with one number for all CPUs (`ERR`, `MIS`) are passed over.

    A line is split once and its numbers are checked at once: with hundreds of CPUs and vectors
    there are tens of thousands of them. Raises ValueError on anything else.
    """
    header, *lines = text.split(b"\n")
    cpus = tuple(_parse_cpu(word) for word in header.split())
    width = len(cpus)
    if not width:
        raise ValueError(f"expected a line that names the CPUs: {shorten(header)}")
    rows = []
    for line in lines:
        name, _, numbers = line.partition(b":")
        words = numbers.split(None, width)
        name = name.strip()
        # Behind FIQ (32-bit ARM) stands the name of its handler, and no number.
        if len(words) >= width and name != b"FIQ":
            rest = words.pop() if len(words) > width else b""
            rows.append(Row(name, integers(words), rest))
    return PerCpuTable(cpus, rows)


def _parse_cpu(word: bytes) -> str:
    number = word.removeprefix(b"CPU")
    if number == word or not number.isdigit():
        raise ValueError(f"expected the name of a CPU: {shorten(word)}")
    return number.decode()
