"""The devices of mounted btrfs file systems, which only an ioctl on a mount point tells all of.

Source: Linux fs/btrfs/ioctl.c, include/uapi/linux/btrfs.h (BTRFS_IOC_FS_INFO and DEV_INFO since
3.0, GET_DEV_STATS since 3.4). Needs no rights but to reach the mount point. A mount point is opened
and closed each time: one that is kept open could not be unmounted.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import uuid
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from exporter.kernel import KernelTree
from exporter.mountinfo import find_remote, is_local, parse_mountinfo, strip_root

_FS_INFO = 0x8400941F
_DEV_INFO = 0xD000941E
_GET_DEV_STATS = 0xC4089434
"""Of the common architectures; elsewhere (PowerPC, MIPS) the kernel refuses them with ENOTTY."""

_FS_INFO_BYTES = 1024
_DEV_INFO_BYTES = 4096
_DEV_STATS_BYTES = 1032
_PATH_AT = 3072

ERROR_TYPES = ("write", "read", "flush", "corruption", "generation")


class Device(NamedTuple):
    """A device of a file system."""

    name: str
    """As `sda`; `<missing disk>` when it is not there."""
    uuid: str
    size: int | None
    unused: int | None = None
    errors: Sequence[int] = ()
    """In the order of ERROR_TYPES; none when they are unknown."""


class Filesystem(NamedTuple):
    """What a file system says of itself."""

    uuid: str
    devices: Sequence[Device]


Ask: TypeAlias = Callable[[str], Filesystem]
Ioctl: TypeAlias = Callable[[int, int, bytearray], object]


def ask_filesystem(mount_point: str, *, ioctl: Ioctl = fcntl.ioctl) -> Filesystem:
    """Ask a mounted file system. Raises OSError, as when the path is of another kind."""
    descriptor = os.open(mount_point, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        info = bytearray(_FS_INFO_BYTES)
        ioctl(descriptor, _FS_INFO, info)
        greatest_id, count, fs_uuid = struct.unpack_from("=QQ16s", info)
        devices: list[Device] = []
        for device_id in range(greatest_id + 1):
            if len(devices) == count:
                break
            devices += _ask_device(ioctl, descriptor, device_id)
    finally:
        os.close(descriptor)
    return Filesystem(str(uuid.UUID(bytes=fs_uuid)), devices)


def _ask_device(ioctl: Ioctl, descriptor: int, device_id: int) -> list[Device]:
    """Ask for the device with this number; numbers of removed devices stay free."""
    info = bytearray(_DEV_INFO_BYTES)
    struct.pack_into("=Q", info, 0, device_id)
    try:
        ioctl(descriptor, _DEV_INFO, info)
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise
        return []
    device_uuid, used, size = struct.unpack_from("=16sQQ", info, 8)
    path = info[_PATH_AT:].partition(b"\0")[0].decode("utf-8", "replace")
    return [
        Device(
            path.rpartition("/")[2],
            str(uuid.UUID(bytes=device_uuid)),
            size,
            size - used,
            _ask_errors(ioctl, descriptor, device_id),
        )
    ]


def _ask_errors(ioctl: Ioctl, descriptor: int, device_id: int) -> Sequence[int]:
    stats = bytearray(_DEV_STATS_BYTES)
    struct.pack_into("=QQ", stats, 0, device_id, len(ERROR_TYPES))
    try:
        ioctl(descriptor, _GET_DEV_STATS, stats)
    except OSError:  # not read from the disks yet
        return ()
    return struct.unpack_from(f"={len(ERROR_TYPES)}Q", stats, 24)


class MountedFilesystems:
    """The btrfs file systems that can be reached through a mount point."""

    def __init__(self, kernel: KernelTree, ask: Ask) -> None:
        self._kernel = kernel
        self._ask = ask
        self._file = kernel.mountinfo()
        self._mounts: Sequence[tuple[str, str]] | None = None

    def read(self) -> dict[str, Sequence[Device]]:
        """Give the devices of each file system by its UUID.

        Of several mounts, as of subvolumes, the first that answers is enough.
        """
        answered: set[str] = set()
        found = {}
        for source, mount_point in self._find_mounts():
            if source in answered:
                continue
            try:
                fs_uuid, devices = self._ask(mount_point)
            except OSError:  # out of reach from here, or unmounted just now
                continue
            answered.add(source)
            found[fs_uuid] = devices
        return found

    def _find_mounts(self) -> Sequence[tuple[str, str]]:
        if self._mounts is not None and not self._file.changed():
            return self._mounts
        self._mounts = None  # the kernel tells of a change once, also when what follows fails
        try:
            table = parse_mountinfo(self._file.read())
        except OSError:
            return ()
        table = [
            mount._replace(mount_point=strip_root(mount.mount_point, self._kernel.rootfs))
            for mount in table
        ]
        waiting = find_remote(table)
        self._mounts = [
            (mount.device, self._kernel.on_host(mount.mount_point))
            for mount in table
            if mount.fs_type == "btrfs" and is_local(mount.mount_point, waiting)
        ]
        return self._mounts
