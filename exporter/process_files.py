"""The files that a process has below /proc/<pid>: they are many and short-lived, so none is kept.

Source: Linux fs/proc/array.c and fs/proc/base.c. `stat` and `status` are readable by everyone,
unless /proc is mounted with hidepid=. What else a process does needs its own user's rights, or
CAP_SYS_PTRACE.
"""

from __future__ import annotations

import os

from exporter.kernel import KernelTree
from exporter.kernel_file import PAGE
from exporter.parsing import shorten

HIDDEN = (
    "processes of others are hidden (hidepid): "
    "join the group of the mount option gid, or run as root"
)

GONE = (FileNotFoundError, ProcessLookupError)
"""The process has ended, or does not have that file."""

ROOT_INODE = 1
"""Of the root directory of a real procfs."""

MAX_FILE_BYTES = 1024 * 1024
"""Command lines and the list of groups in `status` have no other bound that is near."""


def split_stat(text: bytes) -> tuple[bytes, list[bytes]]:
    """Split `12 (name) S 1 12 ...` into the name, which may hold anything, and what is behind it.

    Raises ValueError when it is not that.
    """
    start, end = text.find(b"("), text.rfind(b")")
    fields = text[end + 1 :].split()
    if not 0 < start < end or len(fields) < 18 or len(fields[0]) != 1 or not fields[0].isalpha():
        raise ValueError(f"/proc/<pid>/stat: expected a state and numbers: {shorten(text)}")
    return text[start + 1 : end], fields


class ProcessFiles:
    """Reads the files of processes."""

    def __init__(self, kernel: KernelTree) -> None:
        self._procfs = kernel.procfs
        try:
            self._is_real = os.stat(kernel.procfs).st_ino == ROOT_INODE  # noqa: PTH116
        except OSError:
            self._is_real = False

    def list(self) -> list[str]:
        """The numbers of all processes that can be seen, in their order."""
        return sorted(filter(str.isdigit, os.listdir(self._procfs)), key=int)  # noqa: PTH208

    def read(self, pid: str, name: str) -> bytes:
        """A file, up to a megabyte of it; `GONE` when the process is."""
        descriptor = os.open(f"{self._procfs}/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            content = piece = os.read(descriptor, PAGE)
            # Nearly always a page is more than there is: one read then, as for the small files.
            while len(piece) == PAGE and len(content) < MAX_FILE_BYTES:
                piece = os.read(descriptor, PAGE)
                content += piece
            return content
        finally:
            os.close(descriptor)

    def count_descriptors(self, pid: str) -> int:
        """How many descriptors a process has open: a directory's size since Linux 6.2."""
        folder = f"{self._procfs}/{pid}/fd"
        size = os.stat(folder).st_size if self._is_real else 0  # noqa: PTH116
        return size or len(os.listdir(folder))  # noqa: PTH208 -- of thousands of processes
