"""The only code that opens files below /proc and /sys.

The roots are parameters (`--path.procfs`, `--path.sysfs`, `--path.rootfs`): a container mounts the
host's trees elsewhere, and tests point them at captured hosts.

Descriptors are kept open between scrapes and read with `pread`: opening a sysfs attribute costs
eight times as much as reading it. How many are kept is bounded; what lies beyond the bound is
opened, read and closed each time.
"""

from __future__ import annotations

import errno
import os
import resource
import select
from collections.abc import Sequence
from pathlib import Path

CHUNK = 65_536
"""One read takes a whole file from the kernel where it gives it whole; iterated files (vmstat,
diskstats, net/dev, mounts) come about a page at a time and are read to their end."""

PAGE = 4096

SHORT = PAGE // 2
"""A first read that gives less is the whole file: the kernel fills a page with as many lines as
fit, so more to come would mean a line of over half a page."""

TABLE = 1
"""For mount tables, whose lines can be that long: only an empty read is known to be the end."""

ATTRIBUTE = PAGE + 1
"""For sysfs and sysctl: at most a page, and always given in one piece."""

MAX_ASKED = 4 * 1024 * 1024

MAX_FILE_BYTES = 64 * 1024 * 1024
"""No file that is read here comes near it; a runaway one must not take the memory."""

REOPEN = frozenset({errno.ENODEV, errno.ESTALE, errno.ENXIO, errno.EIO, errno.ESRCH})
"""A kept descriptor of a device or process that went away (and perhaps came back) answers so."""


class NoData(Exception):  # noqa: N818 -- not an error: this host lacks the source
    """This host does not have the source of a collector: a reason in a few plain words."""


class KernelFile:
    """One file of the kernel, read whole, its descriptor kept while the tree's bound allows."""

    __slots__ = ("_ask", "_descriptor", "_poller", "_tree", "_whole_below", "path")

    def __init__(self, tree: KernelTree, path: str, whole_below: int) -> None:
        """A first read that gives less than `whole_below` bytes is known to be all there is."""
        self._tree = tree
        self._descriptor = -1
        self._poller: select.poll | None = None
        self._whole_below = whole_below
        # An attribute is at most a page: sysctl takes and clears as much memory as it is asked for.
        self._ask = PAGE if whole_below > PAGE else CHUNK
        self.path = path

    def read(self) -> bytes:
        """Return the whole content.

        Raises FileNotFoundError, PermissionError or another OSError as the kernel says it.
        """
        if self._descriptor < 0:
            return self._open_and_read()
        try:
            content = os.pread(self._descriptor, self._ask, 0)
            if len(content) < self._whole_below:
                return content
            return self._read_rest(self._descriptor, content)
        except OSError as error:
            self.close()
            if error.errno in REOPEN:
                return self._open_and_read()
            error.filename = self.path
            raise

    def changed(self) -> bool:
        """Tell whether the content may differ from the last read.

        The kernel marks /proc/*/mountinfo with POLLPRI when the mount table changes, which costs
        a sixtieth of reading it. An ordinary file (a captured tree) always counts as changed.
        """
        if self._poller is None:
            if self._descriptor < 0 or os.fstat(self._descriptor).st_size:
                return True
            self._poller = select.poll()
            self._poller.register(self._descriptor, select.POLLPRI)
        return bool(self._poller.poll(0))

    def count_entries(self) -> int:
        """Tell how many entries a directory has whose size is their number, or list them.

        /proc/self/fd is such a directory since Linux 6.2; asking for its size costs a tenth.
        """
        if self._descriptor < 0:
            self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            self._tree.kept += 1
        return os.fstat(self._descriptor).st_size or len(os.listdir(self._descriptor))  # noqa: PTH208 -- of a descriptor

    def close(self) -> None:
        """Give the descriptor back; the next read opens the file again."""
        if self._descriptor >= 0:
            # Forgotten first: should closing fail, the number may soon be somebody else's.
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)
            self._poller = None
            self._tree.kept -= 1

    def __del__(self) -> None:
        self.close()

    def _open_and_read(self) -> bytes:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            content = os.pread(descriptor, self._ask, 0)
            if len(content) >= self._whole_below:
                content = self._read_rest(descriptor, content)
        except BaseException as error:
            os.close(descriptor)
            if isinstance(error, OSError):
                error.filename = self.path
            raise
        if self._tree.kept < self._tree.max_kept:
            self._tree.kept += 1
            self._descriptor = descriptor
        else:
            os.close(descriptor)
        return content

    def _read_rest(self, descriptor: int, content: bytes) -> bytes:
        """Read on to the end of a seq_file: the read that returns nothing is the end.

        Next time a page more is asked for than there was: large buffers are dear, split reads too.
        """
        chunks = [content]
        size = len(content)
        while content:
            content = os.pread(descriptor, CHUNK, size)
            chunks.append(content)
            size += len(content)
            if size > MAX_FILE_BYTES:
                raise OSError(errno.EFBIG, "larger than any file of the kernel that is read here")
        self._ask = min((size // PAGE + 2) * PAGE, MAX_ASKED)
        return b"".join(chunks)


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
        self.max_kept = min(4096, soft // 2)
        self.kept = 0

    def proc(self, path: str) -> KernelFile:
        """A file of procfs, as `proc("meminfo")`."""
        whole_below = ATTRIBUTE if path.startswith("sys/") else SHORT
        return KernelFile(self, f"{self.procfs}/{path}", whole_below)

    def sys(self, path: str) -> KernelFile:
        """An attribute of sysfs, as `sys("class/net/eth0/mtu")`."""
        return KernelFile(self, f"{self.sysfs}/{path}", ATTRIBUTE)

    def net(self, path: str) -> KernelFile:
        """A file of /proc/net, of the host's network namespace.

        /proc/net is a link to the reader's own process. With the host's procfs mounted in a
        container it would show the container's interfaces, so there the host's first process is
        asked; beside the daemon's own /proc, the daemon's own network is what is meant.
        """
        candidates = ("net",) if self.procfs == "/proc" else ("1/net", "net")
        return self._first_readable(
            [f"{self.procfs}/{folder}/{path}" for folder in candidates], SHORT
        )

    def mountinfo(self) -> KernelFile:
        """The host's mount table, as its first process sees it.

        A hardened unit or a container has a mount namespace of its own, in which much is read-only
        or missing. Reading process 1 may be refused; then the own table is the best there is.
        """
        return self._first_readable(
            [f"{self.procfs}/{pid}/mountinfo" for pid in ("1", "self")], TABLE
        )

    def list_sys(self, path: str, pattern: str = "*") -> list[str]:
        """The sorted names in a directory of sysfs that match a pattern; none when it is absent."""
        return sorted(entry.name for entry in Path(self.sysfs, path).glob(pattern))

    def list_folder(self, path: str) -> list[str]:
        """The sorted names in a directory of sysfs; none when it is absent or just gone.

        Raises PermissionError when it may not be listed.
        """
        try:
            return sorted(os.listdir(f"{self.sysfs}/{path}"))  # noqa: PTH208 -- a tenth of its cost
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
