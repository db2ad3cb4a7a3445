"""The counters below /proc/net/stat: neighbour tables, routes, connection tracking, by CPU.

Sources: one file for each subsystem, with a header and a line of hexadecimal numbers for each
possible CPU (Linux net/core/neighbour.c, net/ipv4/route.c, net/netfilter/nf_conntrack_standalone.c
and others; since 2.6). nf_flowtable, since 6.0, has decimal ones. Of one network namespace, but for
the neighbour tables. Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from exporter.families import Family, LabelValues
from exporter.kernel import KernelFile, KernelTree, NoData
from exporter.parsing import shorten

_WORD = re.compile(r"[A-Za-z0-9_]+\Z")
_NUMBER = re.compile(rb"[0-9a-f]{1,16}\Z")

DECIMAL = frozenset({"nf_flowtable"})


def parse_net_stat(text: bytes, base: int = 16) -> dict[str, list[int]]:
    """Split the table into columns, by name. Raises ValueError when it is not one."""
    header, *lines = text.splitlines() or (b"",)
    names = header.decode("ascii", "replace").split()
    if not names or not all(map(_WORD.match, names)):
        raise ValueError(f"expected a line with names first: {shorten(header)}")
    columns: dict[str, list[int]] = {name: [] for name in names}
    for line in lines:
        fields = line.split()
        if len(fields) != len(columns) or not all(map(_NUMBER.match, fields)):
            raise ValueError(f"expected {len(columns)} numbers: {shorten(line)}")
        for name, field in zip(names, fields, strict=True):
            columns[name].append(int(field, base))
    return columns


class LnstatCollector:
    """Every column of every file, as the program lnstat shows them."""

    name = "lnstat"

    def __init__(self, kernel: KernelTree) -> None:
        self._kernel = kernel
        self._files: dict[str, KernelFile] = {}

    def collect(self) -> Iterator[Family]:
        """Yield one family for each name of a column."""
        families: dict[str, list[tuple[LabelValues, int]]] = {}
        for subsystem, text in self._read():
            columns = parse_net_stat(text, 10 if subsystem in DECIMAL else 16)
            for name, numbers in columns.items():
                families.setdefault(name, []).extend(
                    ((subsystem, str(cpu)), number) for cpu, number in enumerate(numbers)
                )
        if not families:
            raise NoData("this kernel has no files in /proc/net/stat")
        for name, samples in sorted(families.items()):
            help_text = f"Column {name} of the files in /proc/net/stat, which are the subsystems."
            yield Family(
                f"node_lnstat_{name}_total", help_text, "counter", ("subsystem", "cpu"), samples
            )

    def _read(self) -> Iterator[tuple[str, bytes]]:
        names = self._kernel.list_net("stat")
        self._files = {
            name: self._files.get(name) or self._kernel.net(f"stat/{name}") for name in names
        }
        for name, file in self._files.items():
            try:
                yield name, file.read()
            except FileNotFoundError:  # its module has just been removed
                continue
