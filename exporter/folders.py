"""Directories in a directory of sysfs, or of what is mounted below it."""

from __future__ import annotations

import contextlib
import os
from typing import NamedTuple

from exporter.kernel import KernelTree


class Subfolder(NamedTuple):
    """A directory in a directory."""

    name: str
    inode: int
    has_subfolders: bool
    """False when it surely has none."""


def list_subfolders(kernel: KernelTree, path: str) -> list[Subfolder]:
    """The directories in a directory of sysfs, sorted by name; none when it has just gone.

    The kernel counts a directory's subdirectories among its links, so that many a leaf need not be
    listed; some file systems, where captured trees may lie, do not.
    """
    try:
        with os.scandir(f"{kernel.sysfs}/{path}") as entries:
            folders = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = []
    for entry in folders:
        with contextlib.suppress(FileNotFoundError):  # it has gone; the others have not
            stat = entry.stat(follow_symlinks=False)
            found.append(Subfolder(entry.name, stat.st_ino, stat.st_nlink != 2))
    return sorted(found)
