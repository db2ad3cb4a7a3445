"""The connections that netfilter tracks: how many there are and may be, and what went wrong.

Sources: /proc/net/stat/nf_conntrack (Linux net/netfilter/nf_conntrack_standalone.c, since 2.6.20,
with CONFIG_NF_CONNTRACK_PROCFS), and below /proc/sys/net/netfilter nf_conntrack_max, and
nf_conntrack_count where the first is missing. All come and go with the module nf_conntrack. They
are of one network namespace. Needs no rights.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from exporter.families import Filled, Layout, Number, Series
from exporter.kernel import KernelTree, NoData
from exporter.parsing import hexadecimal_columns, integer, shorten

COUNTERS = {
    "found": "Lookups that found their connection, where the kernel counts them.",
    "invalid": "Packets that belong to no connection and cannot start one.",
    "ignore": "Packets that were not to be tracked, or were tracked already.",
    "insert": "Connections entered into the table, where the kernel counts them.",
    "insert_failed": "Connections not entered because the same one was there already.",
    "drop": "Packets dropped because no entry could be made for them.",
    "early_drop": "Entries dropped to make room for new ones in a full table.",
    "search_restart": "Lookups begun again because the table was resized meanwhile.",
}

ENTRIES = Series("node_nf_conntrack_entries", "Connections in the table.", "gauge")
LIMIT = Series("node_nf_conntrack_entries_limit", "Connections that the table may hold.", "gauge")


def parse_nf_conntrack(text: bytes) -> dict[str, int]:
    """Sum up each column over the CPUs, but for `entries`, which is the same on each line.

    Raises ValueError when it is no table with a header, or has no `entries`.
    """
    header, _, body = text.partition(b"\n")
    names = header.decode("ascii", "replace").split()
    columns = dict(zip(names, hexadecimal_columns(body, len(names)), strict=True))
    if not columns.get("entries"):
        raise ValueError(f"/proc/net/stat/nf_conntrack: no entries: {shorten(text)}")
    entries = columns["entries"][0]
    sums = {name: sum(columns[name]) for name in COUNTERS if name in columns}
    return {"entries": entries, **sums}


class ConntrackCollector:
    """The table of tracked connections."""

    name = "conntrack"

    def __init__(self, kernel: KernelTree) -> None:
        self._kernel = kernel
        self._statistics = kernel.net("stat/nf_conntrack")
        self._limit = kernel.proc("sys/net/netfilter/nf_conntrack_max")
        self._count = kernel.proc("sys/net/netfilter/nf_conntrack_count")
        self._names: list[str] = []
        self._layout = Layout(())

    def collect(self) -> Iterable[Filled]:
        """Yield the size of the table, its limit, and the sums of the counters."""
        numbers = self._read_statistics()
        with contextlib.suppress(FileNotFoundError):
            numbers["limit"] = integer(self._limit.read().strip())
        names = list(numbers)
        if names != self._names:
            self._layout = Layout([_series(name) for name in names])
            self._names = names
        yield self._layout.fill(list(numbers.values()))

    def _read_statistics(self) -> dict[str, Number]:
        try:
            return {**parse_nf_conntrack(self._statistics.read())}
        except FileNotFoundError:
            # The module may come later, and then with the file of the host's first process.
            self._statistics = self._kernel.net("stat/nf_conntrack")
        with contextlib.suppress(FileNotFoundError):
            return {**parse_nf_conntrack(self._statistics.read())}
        try:
            return {"entries": integer(self._count.read().strip())}
        except FileNotFoundError as error:
            raise NoData("connections are not tracked: nf_conntrack is not loaded") from error


def _series(name: str) -> Series:
    if name in COUNTERS:
        return Series(f"node_nf_conntrack_stat_{name}", COUNTERS[name], "gauge")
    return ENTRIES if name == "entries" else LIMIT
