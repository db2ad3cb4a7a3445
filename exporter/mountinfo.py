"""The mount table of /proc/*/mountinfo.

Source: Linux fs/proc_namespace.c, Documentation/filesystems/proc.rst 3.5, since 2.6.26.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from exporter.parsing import integer, integers, shorten

_OCTAL = re.compile(rb"\\(0[1-7][0-7]|[1-3][0-7]{2}|00[1-7])")
"""The kernel writes space, tab, newline, backslash and (since 5.x) # so."""

# fmt: off
FROM_MEMORY = frozenset((
    "bcachefs", "bpf", "btrfs", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs",
    "efivarfs", "erofs", "exfat", "ext2", "ext3", "ext4", "f2fs", "hfsplus", "hugetlbfs",
    "binfmt_misc", "fusectl", "iso9660", "jfs", "mqueue", "nsfs", "nilfs2", "ntfs3", "overlay",
    "proc", "pstore", "ramfs", "reiserfs", "rootfs", "rpc_pipefs", "securityfs", "selinuxfs",
    "squashfs", "sysfs", "tmpfs", "tracefs", "vfat", "xfs", "zfs",
))
# fmt: on
"""File systems whose statvfs answers from memory: no server or program has to answer first."""


READ_ONLY = frozenset({b"ro", b"emergency_ro"})
"""Options of the mount or of the file system; the second is ext4's after an error, since 6.18."""


class Mount(NamedTuple):
    """A line of the table."""

    mount_id: int
    major: str
    minor: str
    mount_point: str
    fs_type: str
    device: str
    read_only: bool


def parse_mountinfo(text: bytes) -> list[Mount]:
    """Parse the table, in the order of mounting. Raises ValueError on a line that is none."""
    return [_parse_line(line) for line in text.split(b"\n") if line]


def _parse_line(line: bytes) -> Mount:
    """Parse `36 35 98:0 /root /mnt rw,noatime master:1 - ext3 /dev/sda1 rw,errors=continue`.

    Any number of optional fields comes before the dash. The device can be an empty text.
    """
    before, _, after = line.partition(b" - ")
    fields, rest = before.split(b" "), after.split(b" ")
    major, colon, minor = fields[2].partition(b":") if len(fields) > 5 else (b"", b"", b"")
    if not colon or len(rest) < 3 or b"\0" in line:
        raise ValueError(f"mountinfo: expected 6 fields, a dash and 3 fields: {shorten(line)}")
    integers((major, minor))
    return Mount(
        int(integer(fields[0])),
        major.decode(),
        minor.decode(),
        _unescape(fields[4]),
        _unescape(rest[0]),
        _unescape(rest[1]),
        not READ_ONLY.isdisjoint(fields[5].split(b",") + rest[2].split(b",")),
    )


def _unescape(field: bytes) -> str:
    """Undo the octal escapes. Bytes that are no UTF-8 survive, so that the path can be opened."""
    plain = _OCTAL.sub(lambda match: bytes((int(match[1], 8),)), field)
    return plain.decode("utf-8", "surrogateescape")


def find_remote(table: Iterable[Mount]) -> frozenset[str]:
    """Give the mount points of all file systems that may have to wait for someone's answer."""
    return frozenset(mount.mount_point for mount in table if mount.fs_type not in FROM_MEMORY)


def is_local(mount_point: str, remote: AbstractSet[str]) -> bool:
    """Tell whether nothing remote has to be asked on the way to a mount point, nor there."""
    way = mount_point.rstrip("/")
    while way:
        if way in remote:
            return False
        way = way.rpartition("/")[0]
    return "/" not in remote


def strip_root(mount_point: str, rootfs: str) -> str:
    """Give the path on the host of what a container sees below its mount of the host's root.

    In process 1's table the paths are the host's already.
    """
    if rootfs == "/" or not _lies_below(mount_point, rootfs):
        return mount_point
    return mount_point[len(rootfs) :] or "/"


def _lies_below(path: str, folder: str) -> bool:
    return folder in {"/", path} or path.startswith(f"{folder}/")
