"""One file of the kernel, its descriptor kept between scrapes and read with `pread`.

Opening a sysfs attribute costs eight times as much as reading it. How many descriptors are kept is
bounded by the tree; what lies beyond the bound is opened, read and closed each time.
"""

from __future__ import annotations

import errno
import os
import select
from typing import Protocol

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


class Keeper(Protocol):
    """What bounds the number of descriptors that are kept: a KernelTree."""

    kept: int
    max_kept: int


class KernelFile:
    """One file of the kernel, read whole, its descriptor kept while the tree's bound allows."""

    __slots__ = ("_ask", "_descriptor", "_poller", "_tree", "_whole_below", "path")

    def __init__(self, tree: Keeper, path: str, whole_below: int) -> None:
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
