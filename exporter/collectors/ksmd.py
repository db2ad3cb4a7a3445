"""Kernel samepage merging: equal pages of memory, of virtual machines above all, kept once.

Source: /sys/kernel/mm/ksm (Linux mm/ksm.c, since 2.6.32; merge_across_nodes only on machines with
several memory nodes, since 3.9). Needs no rights.
"""

from __future__ import annotations

from collections.abc import Iterator

from exporter.attributes import Attributes
from exporter.families import Filled
from exporter.kernel import KernelTree, NoData
from exporter.table import Column, Table

COLUMNS = {
    "full_scans": Column("node_ksmd_full_scans_total", "Scans of all memory offered.", "counter"),
    "merge_across_nodes": Column(
        "node_ksmd_merge_across_nodes",
        "Whether pages of different memory nodes are merged; 1 is yes.",
        "gauge",
    ),
    "pages_shared": Column("node_ksmd_pages_shared", "Pages that stand for several.", "gauge"),
    "pages_sharing": Column(
        "node_ksmd_pages_sharing", "Pages saved: those that others stand for.", "gauge"
    ),
    "pages_to_scan": Column("node_ksmd_pages_to_scan", "Pages to scan between pauses.", "gauge"),
    "pages_unshared": Column(
        "node_ksmd_pages_unshared", "Pages that are scanned but have no equal.", "gauge"
    ),
    "pages_volatile": Column(
        "node_ksmd_pages_volatile", "Pages that change too fast to be merged.", "gauge"
    ),
    "run": Column(
        "node_ksmd_run", "What ksmd does: 0 stopped, 1 running, 2 unmerging all.", "gauge"
    ),
    "sleep_millisecs": Column(
        "node_ksmd_sleep_seconds", "Pause between scans, in seconds.", "gauge", exponent=-3
    ),
}
"""The family of each attribute."""


class KsmdCollector:
    """What page merging saves, and how it is set."""

    name = "ksmd"

    def __init__(self, kernel: KernelTree) -> None:
        self._attributes = Attributes(kernel, "kernel/mm/ksm")
        self._table = Table(tuple(COLUMNS.values()), ())

    def collect(self) -> Iterator[Filled]:
        """Yield one family for each attribute that this kernel has."""
        if not self._attributes.names():
            raise NoData("this kernel has no samepage merging (CONFIG_KSM)")
        yield self._table.fill({(): [self._attributes.number(name) for name in COLUMNS]})
