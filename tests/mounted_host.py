"""A fake host with mounts, for tests of the filesystem collector."""

from __future__ import annotations

import os
from pathlib import Path

from exporter.collectors.filesystem import FilesystemCollector, Options
from exporter.kernel import KernelTree

ANSWER = os.statvfs_result((8192, 4096, 100, 50, 40, 10, 5, 5, 0, 255))
TABLE = rb"""22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
23 22 0:21 / /proc rw,nosuid - proc proc rw
24 22 8:2 / /data\040here ro,relatime shared:2 - xfs /dev/sda2 rw
25 22 0:40 / /nfs rw,relatime - nfs4 server:/export rw
26 22 0:41 / /var/lib/docker/overlay2/1/merged rw - overlay overlay rw
"""
ROOT = 'device="/dev/sda1",fstype="ext4",mountpoint="/"'
NFS = 'fstype="nfs4",mountpoint="/nfs"'


class MountedHost:
    """A fake host with TABLE's mounts."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.asked: list[str] = []
        self.errors: dict[str, OSError] = {}
        self.answer = ANSWER
        (root / "self").mkdir()
        self.write(TABLE)

    def write(self, table: bytes) -> None:
        """Replace the mount table."""
        (self.root / "self/mountinfo").write_bytes(table)

    def statvfs(self, path: str) -> os.statvfs_result:
        """Answer the same for every path that has no error."""
        self.asked.append(path)
        if path in self.errors:
            raise self.errors[path]
        return self.answer

    def collector(self, options: Options | None = None, rootfs: str = "/") -> FilesystemCollector:
        """Make the collector of this host."""
        kernel = KernelTree(str(self.root), rootfs=rootfs)
        return FilesystemCollector(kernel, options, statvfs=self.statvfs)
