"""A folder whose files may be removed, safely also where somebody wants something else removed.

What is checked, and what an attacker could do without it:

- The folder is opened once, component by component and without following symbolic links, and all
  else happens relative to that descriptor. Whoever may write to a parent folder could put a link
  there, or swap the folder during a run, and have files removed elsewhere.
- The folder belongs to the effective user or to root, and nobody else may write to it unless it
  has the sticky bit, as shared folders such as `/tmp` do. Where others may write and the service
  runs as root, they would choose what root removes.
- A file is removed if it is a regular file directly in the folder, belongs to the effective user
  and has no other name (a hard link): the content would remain, and somebody uses the other name.
  Folders, symbolic links, sockets, pipes, devices and the files of other users stay.

Parent folders are trusted otherwise: who may rename them can swap in a folder that passes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple


class RefusedFolderError(Exception):
    """A folder in which nothing may be removed; the message says why and what to do."""


class OwnedFile(NamedTuple):
    """A file that may be removed. Sorts by age, the oldest first."""

    modified_ns: int
    name: str
    size: int
    inode: int
    touched_ns: int
    """When its content, name, owner or rights last changed: unlike `modified_ns`, nobody can set
    it back, so it shows a file that has just been put there with an old date."""


class OwnedFolder:
    """An open folder, whatever its path leads to meanwhile."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._owner = os.geteuid()
        status = os.fstat(descriptor)
        _check(status, self._owner)
        self.shared = bool(status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
        """Whether others may write to it too (it has the sticky bit then)."""

    @contextmanager
    def names(self) -> Iterator[Iterator[str]]:
        """Give the name of everything in the folder, in no order."""
        with os.scandir(self._descriptor) as entries:
            yield (entry.name for entry in entries)

    def look_at(self, name: str) -> OwnedFile | None:
        """Give the file of this name, or None when it is gone or must not be removed."""
        try:
            status = os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(status.st_mode) or status.st_uid != self._owner or status.st_nlink != 1:
            return None
        return OwnedFile(
            status.st_mtime_ns,
            name,
            status.st_size,
            status.st_ino,
            max(status.st_mtime_ns, status.st_ctime_ns),
        )

    def remove(self, file: OwnedFile) -> bool:
        """Remove it if it is still as it was; False when it has changed or is gone.

        Raises OSError when it cannot be removed.
        """
        if self.look_at(file.name) != file:
            return False
        try:
            os.unlink(file.name, dir_fd=self._descriptor)
        except FileNotFoundError:
            return False
        return True


@contextmanager
def open_owned_folder(path: Path) -> Iterator[OwnedFolder]:
    """Open a folder by its absolute path.

    Raises FileNotFoundError when it does not exist, RefusedFolderError when nothing may be removed
    in it, and OSError when it cannot be opened.
    """
    descriptor = os.open(path.anchor, os.O_PATH | os.O_DIRECTORY)
    try:
        for depth, name in enumerate(path.parts[1:], 2):
            parent = descriptor
            mode = os.O_RDONLY if depth == len(path.parts) else os.O_PATH
            descriptor = _open_next(name, mode, parent, path)
            os.close(parent)
        yield OwnedFolder(descriptor)
    finally:
        os.close(descriptor)


def _open_next(name: str, mode: int, parent: int, path: Path) -> int:
    try:
        return os.open(name, mode | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    except NotADirectoryError as error:
        raise RefusedFolderError(
            f"{name!a} in {os.fspath(path)!a} is a symbolic link or no folder: "
            "give the path without symbolic links, as `realpath` prints it"
        ) from error


def _check(status: os.stat_result, owner: int) -> None:
    if status.st_uid not in {owner, 0}:
        raise RefusedFolderError(
            f"the folder belongs to user {status.st_uid}: it must belong to the service's user "
            f"({owner}) or to root"
        )
    writable = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if writable and not status.st_mode & stat.S_ISVTX:
        raise RefusedFolderError(
            "others may write to the folder: take that away (chmod go-w), or set its sticky bit "
            "(chmod +t)"
        )
