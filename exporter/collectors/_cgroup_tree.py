"""Where the control groups are, which there are, and which of them are shown.

A host has either the one hierarchy of version 2, or one for each controller of version 1, or both
(hybrid: systemd keeps its own in `unified`). Linux kernel/cgroup, fs/kernfs. Needs no rights.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from exporter.collectors._cgroup_files import SOURCES
from exporter.folders import list_subfolders
from exporter.kernel import KernelTree
from exporter.mountinfo import parse_mountinfo

USUAL = "fs/cgroup"
"""Below sysfs."""

MAX_WALKED = 10_000
"""Directories of a hierarchy that are looked at, at most: the upper ones first."""


class Hierarchy(NamedTuple):
    """A directory, named relative to sysfs, and what it has: controllers, or `unified`."""

    folder: str
    controllers: tuple[str, ...]


class Choice(NamedTuple):
    """The groups to show."""

    groups: dict[str, dict[Hierarchy, int]]
    """By path, the hierarchies that have the group, and the inode of its directory there."""
    left_out: int
    """How many more would have been chosen, were there no maximum."""
    walked: int
    """How many directories were looked at."""


def find_hierarchies(kernel: KernelTree, root: str) -> list[Hierarchy]:
    """Tell what is mounted at a place, or where it usually is."""
    for folder in [root] if root else _candidates(kernel):
        names = kernel.list_folder(folder)
        if "cgroup.controllers" in names:
            return [Hierarchy(folder, ("unified",))]
        if found := list(_find_controllers(folder, names)):
            return found
    return []


def _find_controllers(folder: str, names: Iterable[str]) -> Iterator[Hierarchy]:
    """Assign directories such as `cpu,cpuacct`; systemd adds links from the single names to it.

    Version 1 comes first: what both versions tell (hybrid), the one with the controllers knows.
    """
    wanted = set(SOURCES)
    for name in sorted(names, key=lambda name: (name == "unified", -name.count(","))):
        controllers = wanted.intersection(name.split(","))
        if controllers:
            wanted -= controllers
            yield Hierarchy(f"{folder}/{name}", tuple(sorted(controllers)))


def _candidates(kernel: KernelTree) -> Iterator[str]:
    """Give the usual place, then what the mount table names (/cgroup/memory, /mnt/cgroup2)."""
    yield USUAL
    try:
        mounts = parse_mountinfo(kernel.mountinfo().read())
    except OSError:
        return
    for mount in mounts:
        if mount.fs_type in {"cgroup", "cgroup2"}:
            # What is mounted in sysfs is found there, wherever that is mounted itself.
            top, _, rest = mount.mount_point.lstrip("/").partition("/")
            within_sysfs = top == "sys" and rest
            place = f"{kernel.sysfs}/{rest}" if within_sysfs else kernel.on_host(mount.mount_point)
            place = place if mount.fs_type == "cgroup2" else os.path.dirname(place)  # noqa: PTH120
            yield os.path.relpath(place, kernel.sysfs)


def choose(
    kernel: KernelTree,
    hierarchies: Iterable[Hierarchy],
    accepts: Callable[[str], bool],
    max_depth: int,
    max_groups: int,
) -> Choice:
    """Walk all hierarchies and choose the groups that are accepted.

    When there are more than the maximum, the deeper ones are left out first, and of equally deep
    ones the last by name: so the same tree always gives the same groups.
    """
    found: dict[str, dict[Hierarchy, int]] = {}
    walked = 0
    for hierarchy in hierarchies:
        for path, inode in islice(_walk(kernel, hierarchy.folder, max_depth), MAX_WALKED):
            walked += 1
            if path in found or accepts(path):
                found.setdefault(path, {})[hierarchy] = inode
    ordered = sorted(found, key=lambda path: (path.count("/"), path))
    chosen = {path: found[path] for path in ordered[:max_groups]}
    return Choice(chosen, len(found) - len(chosen), walked)


def _walk(kernel: KernelTree, folder: str, max_depth: int) -> Iterator[tuple[str, int]]:
    """Give the path and inode of each group, level by level from the root on."""
    yield "/", 0
    level = [""]
    for _ in range(max_depth):
        below: list[str] = []
        for parent in level:
            for child in list_subfolders(kernel, f"{folder}{parent}"):
                path = f"{parent}/{child.name}"
                yield path, child.inode
                if child.has_subfolders:
                    below.append(path)
        level = below
