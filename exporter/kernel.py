"""The only code that opens files below /proc and /sys, with kernel_file.py beside it.

The roots are parameters (`--path.procfs`, `--path.sysfs`, `--path.rootfs`): a container mounts the
host's trees elsewhere, and tests point them at captured hosts.
"""

from __future__ import annotations

import contextlib
import fnmatch
import os
import resource
from collections.abc import Iterator, Sequence
from functools import cached_property

from exporter.kernel_file import ATTRIBUTE, PAGE, SHORT, TABLE, KernelFile

__all__ = ["KernelFile", "KernelTree", "NoData"]


class NoData(Exception):  # noqa: N818 -- not an error: this host lacks the source
    """This host does not have the source of a collector: a reason in a few plain words."""


class KernelTree:
    """The host's /proc, /sys and root directory, wherever they are mounted."""

    def __init__(
        self, procfs: str = "/proc", sysfs: str = "/sys", rootfs: str = "/", udev_data: str = ""
    ) -> None:
        self.procfs = os.path.normpath(procfs)
        self.sysfs = os.path.normpath(sysfs)
        self.rootfs = os.path.normpath(rootfs)
        self.udev_data = udev_data or self.on_host("/run/udev/data")
        """Where udev describes devices: no tree of the kernel's, but found the same way."""
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        # A third: after a reload the old tree and the new one are there for a moment.
        self.max_kept = min(4096, soft // 3)
        self.kept = 0

    def proc(self, path: str) -> KernelFile:
        """A file of procfs, as `proc("meminfo")`."""
        whole_below = ATTRIBUTE if path.startswith("sys/") else SHORT
        return KernelFile(self, f"{self.procfs}/{path}", whole_below)

    def sys(self, path: str) -> KernelFile:
        """An attribute of sysfs, as `sys("class/net/eth0/mtu")`."""
        return KernelFile(self, f"{self.sysfs}/{path}", ATTRIBUTE)

    def sys_table(self, path: str) -> KernelFile:
        """A file of a file system mounted below sysfs that may be longer than a page.

        As `sys_table("fs/selinux/avc/cache_stats")`, which has a line for each CPU.
        """
        return KernelFile(self, f"{self.sysfs}/{path}", SHORT)

    @cached_property
    def own_network(self) -> bool:
        """Whether the network that is meant is the one of this process: then netlink tells of it.

        With the host's procfs mounted in a container, the host's first process says so. A file of
        /proc/net has the same inode in every mount of procfs, and another in every namespace.
        """
        if self.procfs == "/proc":
            return True
        with contextlib.suppress(OSError):
            meant = os.stat(f"{self.procfs}/1/net/dev")  # noqa: PTH116 -- as everywhere here
            own = os.stat("/proc/self/net/dev")  # noqa: PTH116
            return (meant.st_ino, meant.st_size) == (own.st_ino, 0)
        return False

    def net(self, path: str) -> KernelFile:
        """A file of /proc/net, of the host's network namespace.

        /proc/net is a link to the reader's own process. With the host's procfs mounted in a
        container it would show the container's interfaces, so there the host's first process is
        asked; beside the daemon's own /proc, the daemon's own network is what is meant.
        """
        return self._first_readable(
            [f"{self.procfs}/{folder}/{path}" for folder in self._net_folders()], SHORT
        )

    def list_net(self, folder: str) -> list[str]:
        """The sorted names in a directory of /proc/net; none when it is absent."""
        for parent in self._net_folders():
            with contextlib.suppress(OSError):
                return sorted(os.listdir(f"{self.procfs}/{parent}/{folder}"))  # noqa: PTH208 -- as below
        return []

    def _net_folders(self) -> Sequence[str]:
        return ("net",) if self.procfs == "/proc" else ("1/net", "net")

    def mountinfo(self) -> KernelFile:
        """The host's mount table, as its first process sees it.

        A hardened unit or a container has a mount namespace of its own, in which much is read-only
        or missing. Reading process 1 may be refused; then the own table is the best there is.
        """
        return self._first_readable(
            [f"{self.procfs}/{pid}/mountinfo" for pid in ("1", "self")], TABLE
        )

    def mountstats(self) -> KernelFile:
        """What file systems tell about the mounts of that table; process 1's is for root only."""
        return self._first_readable(
            [f"{self.procfs}/{pid}/mountstats" for pid in ("1", "self")], TABLE
        )

    def list_folder(self, path: str) -> list[str]:
        """The sorted names in a directory of sysfs; none when it is absent or just gone.

        Raises PermissionError when it may not be listed.
        """
        try:
            return sorted(os.listdir(f"{self.sysfs}/{path}"))  # noqa: PTH208 -- a tenth of its cost
        except (FileNotFoundError, NotADirectoryError):
            return []

    def list_matching(self, path: str, pattern: str) -> list[str]:
        """Those that match a pattern such as `cpu[0-9]*`; none when it may not be listed either."""
        try:
            return fnmatch.filter(self.list_folder(path), pattern)
        except PermissionError:
            return []

    def folder_stamp(self, path: str) -> tuple[int, ...]:
        """What differs once a directory of sysfs was made anew, or has got or lost a directory.

        Listing it costs three times as much. In sysfs only the number of links tells of what is in
        it, elsewhere the time does. Empty when there is none.
        """
        try:
            status = os.stat(f"{self.sysfs}/{path}")  # noqa: PTH116 -- as everywhere here
        except OSError:
            return ()
        return (status.st_ino, status.st_nlink, status.st_mtime_ns)

    def list_inodes(self, path: str) -> list[tuple[str, int]]:
        """The sorted names in a directory of sysfs with their inodes; none when it is absent.

        A device that is renamed keeps its inode, one that comes back under its name has another.
        Raises PermissionError when it may not be listed.
        """
        try:
            with os.scandir(f"{self.sysfs}/{path}") as entries:
                return sorted((entry.name, entry.inode()) for entry in entries)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def read_stats(self, process: str = "") -> Iterator[tuple[str, bytes]]:
        """Give number and `stat` of every process, or of every thread of one process.

        They are many and short-lived, so none is kept open; those that end meanwhile are left out.
        """
        folder = f"{self.procfs}/{process}/task" if process else self.procfs
        try:
            names = os.listdir(folder)  # noqa: PTH208 -- there may be thousands
        except (FileNotFoundError, ProcessLookupError):
            return
        for name in filter(str.isdigit, names):
            try:
                descriptor = os.open(f"{folder}/{name}/stat", os.O_RDONLY | os.O_CLOEXEC)
            except (FileNotFoundError, ProcessLookupError):
                continue
            try:
                content = os.read(descriptor, PAGE)
            except ProcessLookupError:
                continue
            finally:
                os.close(descriptor)
            yield name, content

    def link_target(self, path: str) -> str:
        """What a symbolic link of sysfs says; empty when it is none. For a device it is unique."""
        try:
            return os.readlink(f"{self.sysfs}/{path}")  # noqa: PTH115 -- a tenth of its cost
        except OSError:
            return ""

    def resolve(self, path: str) -> str:
        """The path in sysfs behind all symbolic links, absolute; empty when there is none."""
        try:
            return os.path.realpath(f"{self.sysfs}/{path}", strict=True)
        except OSError:
            return ""

    def touch_proc(self, path: str) -> None:
        """Open a file of procfs and close it: for some of them the kernel does its work then."""
        with contextlib.suppress(OSError):
            os.close(os.open(f"{self.procfs}/{path}", os.O_RDONLY | os.O_CLOEXEC))

    def list_proc(self, path: str, *, folders: bool = False) -> list[str]:
        """The sorted names in a directory of procfs, or of its directories only.

        None when it is absent or just gone.
        """
        try:
            with os.scandir(f"{self.procfs}/{path}") as entries:
                return sorted(entry.name for entry in entries if not folders or entry.is_dir())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def on_host(self, path: str) -> str:
        """Where a path of the host is found below the mounted root directory."""
        return path if self.rootfs == "/" else f"{self.rootfs}{path}"

    def _first_readable(self, paths: Sequence[str], whole_below: int) -> KernelFile:
        for path in paths[:-1]:
            try:
                os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
            except OSError:
                continue
            return KernelFile(self, path, whole_below)
        return KernelFile(self, paths[-1], whole_below)
