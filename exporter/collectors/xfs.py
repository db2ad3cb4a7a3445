"""What each XFS file system does, from /sys/fs/xfs/<device>/stats/stats.

Source: Linux fs/xfs/xfs_stats.c (per file system since 4.4; /proc/fs/xfs/stat, which older kernels
have too, is the sum of all and is not read). A line is a name and its counters, most of 32 bits,
which start again at 0. Newer kernels have more lines. Needs no rights.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from exporter.attributes import Attributes
from exporter.families import Digits, Filled, LabelValues, Number
from exporter.kernel import KernelTree, NoData
from exporter.parsing import integers, shorten
from exporter.table import Column, Table

LINES: dict[bytes, dict[str, str]] = {
    b"extent_alloc": {
        "node_xfs_extent_allocation_extents_allocated_total": "Extents allocated.",
        "node_xfs_extent_allocation_blocks_allocated_total": "Blocks allocated.",
        "node_xfs_extent_allocation_extents_freed_total": "Extents freed.",
        "node_xfs_extent_allocation_blocks_freed_total": "Blocks freed.",
    },
    b"abt": {
        "node_xfs_allocation_btree_lookups_total": "Lookups in the tree of free space.",
        "node_xfs_allocation_btree_compares_total": "Compares in the tree of free space.",
        "node_xfs_allocation_btree_records_inserted_total": "Records put into the tree of free "
        "space.",
        "node_xfs_allocation_btree_records_deleted_total": "Records taken out of the tree of free "
        "space.",
    },
    b"blk_map": {
        "node_xfs_block_mapping_reads_total": "Block maps read.",
        "node_xfs_block_mapping_writes_total": "Block maps written.",
        "node_xfs_block_mapping_unmaps_total": "Blocks unmapped, as when a file is removed.",
        "node_xfs_block_mapping_extent_list_insertions_total": "Extents put into lists of extents.",
        "node_xfs_block_mapping_extent_list_deletions_total": "Extents taken out of lists of "
        "extents.",
        "node_xfs_block_mapping_extent_list_lookups_total": "Lookups in lists of extents.",
        "node_xfs_block_mapping_extent_list_compares_total": "Compares in lists of extents.",
    },
    b"bmbt": {
        "node_xfs_block_map_btree_lookups_total": "Lookups in trees of block maps.",
        "node_xfs_block_map_btree_compares_total": "Compares in trees of block maps.",
        "node_xfs_block_map_btree_records_inserted_total": "Records put into trees of block maps.",
        "node_xfs_block_map_btree_records_deleted_total": "Records taken out of trees of block "
        "maps.",
    },
    b"dir": {
        "node_xfs_directory_operation_lookup_total": "Names looked up that the kernel's name cache "
        "did not have.",
        "node_xfs_directory_operation_create_total": "Directory entries created.",
        "node_xfs_directory_operation_remove_total": "Directory entries removed.",
        "node_xfs_directory_operation_getdents_total": "Times a directory was listed.",
    },
    b"ig": {
        "node_xfs_inode_operation_attempts_total": "Inodes looked for in the cache.",
        "node_xfs_inode_operation_found_total": "Inodes found in the cache.",
        "node_xfs_inode_operation_recycled_total": "Inodes found in the cache, but just being "
        "recycled.",
        "node_xfs_inode_operation_missed_total": "Inodes that were not in the cache.",
        "node_xfs_inode_operation_duplicates_total": "Inodes that someone else had put into the "
        "cache meanwhile.",
        "node_xfs_inode_operation_reclaims_total": "Inodes thrown out of the cache to free memory.",
        "node_xfs_inode_operation_attribute_changes_total": "Inodes whose attributes were changed.",
    },
    b"rw": {
        "node_xfs_write_calls_total": "Calls of write(2).",
        "node_xfs_read_calls_total": "Calls of read(2).",
    },
    b"vnodes": {
        "node_xfs_vnode_active_total": "Inodes in use now.",
        "node_xfs_vnode_allocate_total": "Calls of vn_alloc.",
        "node_xfs_vnode_get_total": "Calls of vn_get.",
        "node_xfs_vnode_hold_total": "Calls of vn_hold.",
        "node_xfs_vnode_release_total": "Calls of vn_rele.",
        "node_xfs_vnode_reclaim_total": "Calls of vn_reclaim.",
        "node_xfs_vnode_remove_total": "Calls of vn_remove.",
    },
}
"""The metrics of each line, in the order of its numbers."""


def parse_xfs_stats(text: bytes) -> list[Digits | None]:
    """Give the numbers in the order of LINES; None for what this kernel does not have.

    Raises ValueError when it is not such a file.
    """
    lines = {words[0]: words[1:] for line in text.splitlines() if (words := line.split())}
    if lines.keys().isdisjoint(LINES):
        raise ValueError(f"/sys/fs/xfs/*/stats/stats: no line that is known: {shorten(text)}")
    numbers: list[Digits | None] = []
    for label, metrics in LINES.items():
        values = integers(lines.get(label, [])[: len(metrics)])
        numbers += values
        numbers += [None] * (len(metrics) - len(values))
    return numbers


class XfsCollector:
    """Operations of each mounted XFS file system."""

    name = "xfs"

    def __init__(self, kernel: KernelTree) -> None:
        self._attributes = Attributes(kernel, "fs/xfs")
        self._table = Table(
            [
                Column(name, help_text, "counter")
                for metrics in LINES.values()
                for name, help_text in metrics.items()
            ],
            ("device",),
        )

    def collect(self) -> Iterable[Filled]:
        """Yield one counter per kind of operation, for each file system."""
        rows: dict[LabelValues, Sequence[Number | None]] = {
            (device,): parse_xfs_stats(text)
            for device in self._attributes.names()
            if (text := self._attributes.read(f"{device}/stats/stats"))
        }
        if not rows:
            raise NoData("no XFS file systems are mounted, or the kernel is older than 4.4")
        yield self._table.fill(rows)
