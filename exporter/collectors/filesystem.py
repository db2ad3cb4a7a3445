"""Space and files of the mounted file systems: /proc/1/mountinfo and statvfs.

Source: Linux fs/proc_namespace.c (mountinfo since 2.6.26) and statvfs(3). File systems that answer
from memory are asked right here; all others can hang, and exporter/mounts.py asks them. Without the
right to read process 1's table (hidepid), the mounts of the daemon's own namespace are shown.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from exporter.families import Filled, Layout, Series
from exporter.kernel import KernelTree, NoData
from exporter.mountinfo import Mount, find_remote, is_local, parse_mountinfo, strip_root
from exporter.mounts import TIMED_OUT, Answer, StatVfs, StatWorkers, Target, ask_mount
from exporter.options import (
    NameFilter,
    exclude_option,
    include_option,
    option,
    parse_seconds,
    reject_both,
)

DEFAULT_MOUNT_POINTS_EXCLUDE = re.compile(
    "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)"
)
DEFAULT_FS_TYPES_EXCLUDE = re.compile(
    "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660"
    "|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs"
    "|tracefs)$"
)


def parse_timeout(raw: Any) -> float:
    """Take a duration longer than nothing."""
    seconds = parse_seconds(raw)
    if not seconds:
        raise ValueError(f"expected a duration longer than 0, got {raw!r}")
    return seconds


@dataclass(frozen=True, slots=True)
class Options:
    """Which mounts are shown, and how long to wait for one that hangs."""

    mount_points_exclude: re.Pattern[str] | None = exclude_option(
        "mount points", "mount-points", DEFAULT_MOUNT_POINTS_EXCLUDE
    )
    mount_points_include: re.Pattern[str] | None = include_option("mount points", "mount-points")
    fs_types_exclude: re.Pattern[str] | None = exclude_option(
        "file system types", "fs-types", DEFAULT_FS_TYPES_EXCLUDE
    )
    fs_types_include: re.Pattern[str] | None = include_option("file system types", "fs-types")
    mount_timeout: float = option(
        0.25,
        "How long a scrape waits for a mount the first time that it does not answer.",
        parse=parse_timeout,
    )
    stat_workers: int = option(
        4, "How many mounts may hang at once; beyond that, only local ones are asked (least: 1)."
    )

    def __post_init__(self) -> None:
        if self.mount_points_exclude != DEFAULT_MOUNT_POINTS_EXCLUDE:
            reject_both(self.mount_points_include, self.mount_points_exclude, "mount-points")
        if self.fs_types_exclude != DEFAULT_FS_TYPES_EXCLUDE:
            reject_both(self.fs_types_include, self.fs_types_exclude, "fs-types")


REREAD_SECONDS = 30.0
"""The kernel tells of mounts that come and go, but not of a file system that becomes read-only
after an error."""


class FilesystemCollector:
    """Size, free space and files of each mount, and the mounts that hang."""

    name = "filesystem"

    def __init__(
        self,
        kernel: KernelTree,
        options: Options | None = None,
        *,
        statvfs: StatVfs = os.statvfs,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        options = options or Options()
        self._kernel = kernel
        self._statvfs = statvfs
        self._now = now
        self._reread_at = 0.0
        self._file = kernel.mountinfo()
        self._mount_points = NameFilter(options.mount_points_include, options.mount_points_exclude)
        self._fs_types = NameFilter(options.fs_types_include, options.fs_types_exclude)
        self._workers = StatWorkers(options.mount_timeout, max(options.stat_workers, 1), statvfs)
        self._text: bytes | None = None
        self._mounts: list[Mount] = []
        self._local: list[str] = []
        self._remote: list[Target] = []
        self._answers: list[Answer] | None = None
        self._errors: list[str] | None = None

    def collect(self) -> Iterable[Filled]:
        """Yield the node_filesystem_* families and perfwatch_filesystem_stuck_mounts."""
        try:
            self._read_mounts()
        except FileNotFoundError as error:
            raise NoData(f"no {self._file.path}") from error
        answers = [ask_mount(self._statvfs, path) for path in self._local]
        if self._remote:
            answers += self._workers.ask(self._remote)
        if answers != self._answers:
            self._sizes = self._fill_sizes(answers)
            self._answers = answers
        yield self._flags
        yield self._sizes
        yield self._facts

    def close(self) -> None:
        """End the threads that ask remote mounts."""
        self._workers.close()

    def _read_mounts(self) -> None:
        now = self._now()
        if self._text is not None and not self._file.changed() and now < self._reread_at:
            return
        self._reread_at = now + REREAD_SECONDS
        # Forgotten first: the kernel tells of a change once, also when what follows fails.
        last, self._text = self._text, None
        text = self._file.read()
        if text != last:
            self._choose(parse_mountinfo(text))
            self._answers = self._errors = None
        self._text = text

    def _choose(self, table: Sequence[Mount]) -> None:
        """Choose the mounts to show, local ones first.

        Of several with the same labels the last is taken: it covers those below it, and statvfs,
        which goes by the path, answers for it.
        """
        stripped = [
            mount._replace(mount_point=strip_root(mount.mount_point, self._kernel.rootfs))
            for mount in table
        ]
        chosen = {
            (mount.device, mount.mount_point, mount.fs_type): mount
            for mount in stripped
            if self._mount_points.accepts(mount.mount_point)
            and self._fs_types.accepts(mount.fs_type)
        }
        waiting = find_remote(stripped)
        local: list[Mount] = []
        remote: list[Mount] = []
        for mount in chosen.values():
            (local if is_local(mount.mount_point, waiting) else remote).append(mount)
        self._mounts = local + remote
        self._local = [self._kernel.on_host(one.mount_point) for one in local]
        self._remote = [
            Target(one.mount_id, self._kernel.on_host(one.mount_point)) for one in remote
        ]

    def _fill_sizes(self, answers: Sequence[Answer]) -> Filled:
        """Give the numbers that move. statvfs counts blocks of f_frsize bytes."""
        errors = [answer if isinstance(answer, str) else "" for answer in answers]
        if errors != self._errors:
            self._flags = _state_flags(self._mounts, errors)
            self._layout = _lay_out_sizes(self._mounts, errors)
            self._facts = _state_facts(self._mounts, errors)
            self._errors = errors
        sizes = [answer for answer in answers if not isinstance(answer, str)]
        numbers = [size.f_blocks * size.f_frsize for size in sizes]
        numbers += [size.f_bfree * size.f_frsize for size in sizes]
        numbers += [size.f_bavail * size.f_frsize for size in sizes]
        numbers += [size.f_files for size in sizes]
        numbers += [size.f_ffree for size in sizes]
        return self._layout.fill(numbers)


def _state_flags(mounts: Sequence[Mount], errors: Sequence[str]) -> Filled:
    every = [_label(mount, error) for mount, error in zip(mounts, errors, strict=True)]
    layout = Layout(
        [
            _series("device_error", "Whether the file system could not be asked.", every),
            _series("readonly", "Whether the file system is mounted read-only.", every),
        ]
    )
    failed = [1 if error else 0 for error in errors]
    return layout.fill(failed + [1 if mount.read_only else 0 for mount in mounts])


def _lay_out_sizes(mounts: Sequence[Mount], errors: Sequence[str]) -> Layout:
    good = [_label(mount) for mount in _answering(mounts, errors)]
    return Layout(
        [
            _series("size_bytes", "Size of the file system.", good),
            _series("free_bytes", "Free space, with what is reserved for root.", good),
            _series("avail_bytes", "Free space for users other than root.", good),
            _series("files", "Files (inodes) that the file system can hold.", good),
            _series("files_free", "Files (inodes) that can still be created.", good),
        ]
    )


def _state_facts(mounts: Sequence[Mount], errors: Sequence[str]) -> Filled:
    good = _answering(mounts, errors)
    layout = Layout(
        [
            _series(
                "purgeable_bytes",
                "Space freed on demand (macOS); 0 on Linux.",
                [_label(mount) for mount in good],
            ),
            Series(
                "node_filesystem_mount_info",
                "The device number of the mount; always 1.",
                "gauge",
                ("device", "major", "minor", "mountpoint"),
                [(one.device, one.major, one.minor, one.mount_point) for one in good],
            ),
            Series(
                "perfwatch_filesystem_stuck_mounts",
                "Mounts whose statvfs call has not returned yet; they are skipped until it does.",
                "gauge",
            ),
        ]
    )
    return layout.fill([0] * len(good) + [1] * len(good) + [errors.count(TIMED_OUT)])


def _answering(mounts: Sequence[Mount], errors: Sequence[str]) -> list[Mount]:
    return [mount for mount, error in zip(mounts, errors, strict=True) if not error]


def _label(mount: Mount, error: str = "") -> tuple[str, ...]:
    return (mount.device, mount.mount_point, mount.fs_type, error)


def _series(name: str, help_text: str, rows: Sequence[tuple[str, ...]]) -> Series:
    labels = ("device", "mountpoint", "fstype", "device_error")
    return Series(f"node_filesystem_{name}", help_text, "gauge", labels, rows)
