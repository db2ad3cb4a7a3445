"""What a mount point of btrfs says of its devices: exporter/collectors/_btrfs_devices.py."""

from __future__ import annotations

import errno
import struct
import uuid
from pathlib import Path

import pytest

from exporter.collectors._btrfs_devices import Device, Filesystem, ask_filesystem
from tests.collectors.test_btrfs import DEVICES, UUID


class FakeBtrfs:
    """Answers the ioctls as Linux 6.18 does for a file system whose second device is missing."""

    def __init__(self, refused: int = 0) -> None:
        self.refused = refused
        self.asked: list[int] = []

    def ioctl(self, descriptor: int, request: int, buffer: bytearray) -> None:
        """Fill in the answer, or raise OSError."""
        assert descriptor >= 0
        number = request & 0xFF
        device_id = buffer[0]
        self.asked.append(number)
        if number == self.refused:
            raise OSError(errno.EPERM, "refused")
        if number == FS_INFO:
            struct.pack_into("=QQ16s", buffer, 0, 4, 2, uuid.UUID(UUID).bytes)
        elif device_id not in {1, 3}:
            raise OSError(errno.ENODEV, "no such device")
        elif number == DEV_INFO:
            path = b"/dev/mapper/one\0" if device_id == 1 else b"<missing disk>\0"
            device_uuid = uuid.UUID(DEVICES[device_id // 2].uuid).bytes
            struct.pack_into("=16sQQ", buffer, 8, device_uuid, 750, 1000)
            buffer[3072 : 3072 + len(path)] = path
        else:
            struct.pack_into("=5Q", buffer, 24, 1, 2, 3, 4, 2**64 - 1)


FS_INFO, DEV_INFO, DEV_STATS = 31, 30, 52


def test_a_file_system_is_asked_for_all_of_its_devices(tmp_path: Path) -> None:
    """Numbers of devices have gaps; no more are tried than there are devices."""
    kernel = FakeBtrfs()
    errors = (1, 2, 3, 4, 2**64 - 1)
    assert ask_filesystem(str(tmp_path), ioctl=kernel.ioctl) == Filesystem(
        UUID,
        [
            Device("one", DEVICES[0].uuid, 1000, 250, errors),
            Device("<missing disk>", DEVICES[1].uuid, 1000, 250, errors),
        ],
    )
    assert kernel.asked.count(DEV_INFO) == 4


def test_errors_may_be_unknown(tmp_path: Path) -> None:
    """A device whose statistics are refused is shown without them."""
    kernel = FakeBtrfs(refused=DEV_STATS)
    devices = ask_filesystem(str(tmp_path), ioctl=kernel.ioctl).devices
    assert [device.errors for device in devices] == [(), ()]


def test_a_device_that_is_refused_is_an_error(tmp_path: Path) -> None:
    """Then what sysfs has is shown instead."""
    with pytest.raises(OSError, match="refused"):
        ask_filesystem(str(tmp_path), ioctl=FakeBtrfs(refused=DEV_INFO).ioctl)


def test_more_devices_than_numbers_end_the_search(tmp_path: Path) -> None:
    """A device that was removed between two questions is not there."""

    def ioctl(descriptor: int, request: int, buffer: bytearray) -> None:
        FakeBtrfs().ioctl(descriptor, request, buffer)
        if request & 0xFF == FS_INFO:
            buffer[8] = 3

    assert len(ask_filesystem(str(tmp_path), ioctl=ioctl).devices) == 2


def test_a_directory_of_another_kind_is_refused(tmp_path: Path) -> None:
    """The ioctl is no btrfs file system's: an OSError, and no descriptor is left open."""
    with pytest.raises(OSError, match=r"ioctl|supported|Invalid"):
        ask_filesystem(str(tmp_path))
