"""The files of a host: which ones match a pattern, where links lead to, what they say.

Nothing here waits: files that deliver messages (kmsg, FIFOs, trace pipes) are told apart, and of
what a host may have in any number (processes, control groups) only the first are found.
"""

from __future__ import annotations

import errno
import fnmatch
import os
import re
import stat
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

MAX_FILE_BYTES = 2 * 1024 * 1024
"""/proc/cpuinfo of 1,024 CPUs fits. Reads of 4 MiB and more are refused by /proc/sys (ENOMEM)."""

MAX_MATCHES = 2048
"""Of a pattern without braces: the CPUs of the largest machines."""

_CHUNK_BYTES = 1024 * 1024


def expand_braces(pattern: str) -> list[str]:
    """Write `cpu.{stat,max}` as `cpu.stat` and `cpu.max`; braces are not nested."""
    head, brace, rest = pattern.partition("{")
    if not brace:
        return [pattern]
    choices, _, tail = rest.partition("}")
    return [one for choice in choices.split(",") for one in expand_braces(head + choice + tail)]


class HostFiles:
    """The trees of a host (proc, sys, ...). A path starts with that of its tree: `proc/stat`."""

    def __init__(self, roots: Mapping[str, Path]) -> None:
        self._roots = {tree: root.resolve() for tree, root in roots.items()}
        self._listed: dict[str, Mapping[str, os.DirEntry[str]]] = {}
        self._places = {tree: tree for tree in roots}
        self.links: dict[str, str] = {}
        """The links that `locate` met, each with the place it leads to."""
        self.cut_short: set[str] = set()
        """The patterns that match more than was found."""

    def find(self, pattern: str) -> Iterator[str]:
        """Give the paths that match a pattern, in the order of their names and numbers."""
        for plain in expand_braces(pattern):
            tree, *parts = plain.split("/")
            found = self._walk(tree, parts)
            yield from islice(found, MAX_MATCHES)
            if next(found, None):
                self.cut_short.add(pattern)

    def source(self, path: str) -> Path:
        """Where a path is on this machine."""
        tree, _, inside = path.partition("/")
        return self._roots[tree] / inside

    def locate(self, path: str) -> str:
        """Tell the path without links: where a file is, whichever way it was found.

        Links that lead out of the trees are no links here, but the directory that they lead to.
        """
        place = self._places.get(path)
        if place is None:
            parent, _, name = path.rpartition("/")
            place = f"{self.locate(parent)}/{name}"
            target = self._follow(self.source(place))
            if target:
                self.links[place] = target
            place = self._places[path] = target or place
        return place

    def read(self, path: str) -> bytes:
        """Read a file, at once or not at all. Raises OSError when it is none or far too long."""
        source = self.source(path)
        if not stat.S_ISREG(source.stat().st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        descriptor = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            content = b""
            while chunk := os.read(descriptor, _CHUNK_BYTES):
                content += chunk
                if len(content) > MAX_FILE_BYTES:
                    raise OSError(errno.EFBIG, f"larger than {MAX_FILE_BYTES} bytes")
            return content
        finally:
            os.close(descriptor)

    def can_open(self, path: str) -> bool:
        """Tell whether the rights suffice; procfs tells that only when a file is opened."""
        try:
            os.close(os.open(self.source(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
        except OSError:
            return False
        return True

    def _walk(self, path: str, parts: list[str]) -> Iterator[str]:
        part, *below = parts
        if part == "**":
            yield from self._walk(path, below)
            for name, entry in self._list(path).items():
                if entry.is_dir(follow_symlinks=False):
                    yield from self._walk(f"{path}/{name}", parts)
            return
        for name in self._match(path, part):
            if below:
                yield from self._walk(f"{path}/{name}", below)
            else:
                yield f"{path}/{name}"

    def _match(self, folder: str, part: str) -> list[str]:
        if re.search(r"[*?[]", part):
            return fnmatch.filter(self._list(folder), part)
        known = self._listed.get(folder)
        exists = part in known if known else os.path.lexists(self.source(f"{folder}/{part}"))
        return [part] if exists else []

    def _list(self, folder: str) -> Mapping[str, os.DirEntry[str]]:
        """The entries of a directory, once and for all; none if it is gone, or not for us."""
        if folder not in self._listed:
            try:
                with os.scandir(self.source(folder)) as entries:
                    found = {entry.name: entry for entry in entries}
            except OSError:
                found = {}
            self._listed[folder] = {name: found[name] for name in sorted(found, key=_in_order)}
        return self._listed[folder]

    def _follow(self, source: Path) -> str | None:
        """Where a link leads to, if that is inside the trees."""
        if not source.is_symlink():
            return None
        try:
            real = source.resolve(strict=True)
        except (OSError, RuntimeError):  # it leads nowhere, or in a circle
            return None
        for tree, root in self._roots.items():
            if real != root and real.is_relative_to(root):
                return f"{tree}/{real.relative_to(root)}"
        return None


def _in_order(name: str) -> list[tuple[int, str]]:
    """Put cpu2 before cpu10."""
    return [(len(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name)]
