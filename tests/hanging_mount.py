"""A mount that hangs for real, in the kernel, as a network mount does whose server is gone."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

FORBIDDEN = {errno.EPERM, errno.EACCES, errno.ENOENT, errno.ENODEV}
"""No right to mount, or no FUSE at all, as in most containers. Nothing that could be installed
changes that, so it is no failure under CI either."""


class HangingMount:
    """A FUSE file system whose program never answers, not even the kernel's greeting."""

    def __init__(self, mount_point: Path) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.mount_point = mount_point
        mount_point.mkdir()
        self._device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self._device},rootmode=40000,user_id=0,group_id=0"
        if self._libc.mount(b"hanging", bytes(mount_point), b"fuse.hanging", 0, options.encode()):
            os.close(self._device)
            raise OSError(ctypes.get_errno(), "mount")

    def answer(self) -> None:
        """End the connection: the kernel lets go of all who wait, with an error."""
        if self._device >= 0:
            os.close(self._device)
            self._device = -1

    def close(self) -> None:
        """Unmount, waiting for nobody."""
        force, detach = 1, 2
        self.answer()
        self._libc.umount2(bytes(self.mount_point), force | detach)


@contextlib.contextmanager
def mount_that_hangs(mount_point: Path) -> Iterator[HangingMount]:
    """Mount it, and unmount it on every path; the test is skipped where that is not permitted."""
    try:
        mount = HangingMount(mount_point)
    except OSError as error:
        if error.errno not in FORBIDDEN:
            raise
        pytest.skip(f"cannot mount a FUSE file system here: {error}")
    with contextlib.closing(mount):
        yield mount
