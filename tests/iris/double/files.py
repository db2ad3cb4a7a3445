"""The files of the instance's host: %Library.File and %Stream.FileBinary."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from tests.iris.double.clock import Clock, horolog
from tests.iris.double.hooks import Reference, User
from tests.iris.double.objects import ModelObject
from tests.iris.double.status import OK, error_status

MANAGER_DIRECTORY = "/usr/irissys/mgr/"

NO_SUCH_FILE = -2
"""What sizes say of a file that is not there: the negative errno."""


@dataclass
class File:
    """What is known of a file."""

    content: bytes
    modified: datetime


class Files:
    """A tree of files by absolute path; directories exist once a file is below, or are made."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._files: dict[str, File] = {}
        self.directories = {MANAGER_DIRECTORY}
        self.undeletable: set[str] = set()
        """Files that the instance's account may not remove."""
        self.free_bytes = 50_000_000_000

    def write(self, path: str, content: bytes) -> None:
        """Make a file, or replace it."""
        self.directories.add(posixpath.dirname(path) + "/")
        self._files[path] = File(content, self._clock.now)

    def read(self, path: str) -> bytes | None:
        """Read a file; None where there is none."""
        file = self._files.get(path)
        return None if file is None else file.content

    def remove(self, path: str) -> bool:
        """Remove a file; tell whether that went well."""
        if path in self.undeletable:
            return False
        return self._files.pop(path, None) is not None

    def listing(self, directory: str, wildcards: str = "*") -> list[tuple[str, File]]:
        """List the files of a directory that match one of the patterns, by name."""
        directory = _with_slash(directory)
        return [
            (path, file)
            for path, file in sorted(self._files.items())
            if posixpath.dirname(path) + "/" == directory
            and any(fnmatchcase(posixpath.basename(path), one) for one in wildcards.split(";"))
        ]

    @property
    def paths(self) -> list[str]:
        """All files."""
        return sorted(self._files)

    def class_methods(self) -> Mapping[tuple[str, str], Callable[..., Any]]:
        """What can be called by name; %File is %Library.File."""
        methods: dict[str, Callable[..., Any]] = {
            "Exists": lambda _, path, *__: int(path in self._files or path in self.directories),
            "DirectoryExists": lambda _, path: int(_with_slash(path) in self.directories),
            "Delete": lambda _, path, *__: int(self.remove(path)),
            "GetFileSize": lambda _, path: self._size(path),
            "GetFileDateModified": self._modified,
            "ManagerDirectory": lambda _: MANAGER_DIRECTORY,
            "NormalizeDirectory": lambda _, path, *__: _with_slash(path),
        }
        found: dict[tuple[str, str], Callable[..., Any]] = {
            (name, method): call
            for name in ("%Library.File", "%File")
            for method, call in methods.items()
        }
        found["%Stream.FileBinary", "%New"] = lambda _: Reference(
            FileStream(self), "%Stream.FileBinary"
        )
        return found

    def _size(self, path: str) -> int:
        file = self._files.get(path)
        return NO_SUCH_FILE if file is None else len(file.content)

    def _modified(self, _: User, path: str, utc: Any = 0) -> str:
        file = self._files.get(path)
        if file is None:
            return ""
        behind = self._clock.utc_offset_minutes if utc else 0
        return horolog(file.modified - timedelta(minutes=behind))


class FileStream(ModelObject):
    """%Stream.FileBinary: a file read in chunks; each byte arrives as a character."""

    def __init__(self, files: Files) -> None:
        super().__init__()
        self._files = files
        self._path = ""
        self._at = 0
        self.methods = {
            "LinkToFile": self._link,
            "MoveTo": self._move,
            "Read": self._read,
            "Rewind": lambda _: self._move(_, 1),
        }

    def get(self, user: User, name: str) -> Any:
        """Read Size, AtEnd or Filename."""
        content = self._content
        known = {
            "Size": len(content),
            "AtEnd": int(self._at >= len(content)),
            "Filename": self._path,
        }
        return known[name] if name in known else super().get(user, name)

    @property
    def _content(self) -> bytes:
        return self._files.read(self._path) or b""

    def _link(self, _: User, path: str) -> str | int:
        if posixpath.dirname(path) + "/" not in self._files.directories:
            return error_status(5019, path)
        self._path, self._at = path, 0
        return OK

    def _move(self, _: User, position: Any) -> int:
        """Go to a byte, counted from 1."""
        self._at = int(position) - 1
        return OK

    def _read(self, _: User, length: Any = 32_000) -> str:
        chunk = self._content[self._at : self._at + int(length)]
        self._at += len(chunk)
        return chunk.decode("latin-1")


def _with_slash(directory: str) -> str:
    return directory if directory.endswith("/") else directory + "/"
