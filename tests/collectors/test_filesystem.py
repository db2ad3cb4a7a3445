"""The filesystem collector: mountinfo and statvfs, on a host in order."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.collectors.filesystem import REREAD_SECONDS, FilesystemCollector, Options
from exporter.kernel import KernelTree, NoData
from tests.mounted_host import ROOT, TABLE, MountedHost
from tests.samples import read_samples


@pytest.fixture
def host(tmp_path: Path) -> MountedHost:
    """A host with TABLE's mounts."""
    return MountedHost(tmp_path)


def test_a_mount_has_its_sizes(host: MountedHost) -> None:
    """Blocks count in fragments (f_frsize), which need not be the preferred block size."""
    samples = read_samples(host.collector().collect())
    root = {name: value for name, value in samples.items() if 'mountpoint="/"' in name}
    assert root == {
        f"node_filesystem_device_error{{{ROOT}}}": 0,
        f"node_filesystem_readonly{{{ROOT}}}": 0,
        f"node_filesystem_size_bytes{{{ROOT}}}": 409600,
        f"node_filesystem_free_bytes{{{ROOT}}}": 204800,
        f"node_filesystem_avail_bytes{{{ROOT}}}": 163840,
        f"node_filesystem_files{{{ROOT}}}": 10,
        f"node_filesystem_files_free{{{ROOT}}}": 5,
        f"node_filesystem_purgeable_bytes{{{ROOT}}}": 0,
        'node_filesystem_mount_info{device="/dev/sda1",major="8",minor="1",mountpoint="/"}': 1,
    }
    assert len(samples) == 3 * 9 + 1


def test_default_leaves_out_what_has_no_space_of_its_own(host: MountedHost) -> None:
    """Kernel file systems and container layers are neither shown nor asked."""
    read_samples(host.collector().collect())
    assert sorted(host.asked) == ["/", "/data here", "/nfs"]


def test_a_read_only_mount_says_so(host: MountedHost) -> None:
    """The mount's own option counts, not only the file system's."""
    samples = read_samples(host.collector().collect())
    name = 'node_filesystem_readonly{device="/dev/sda2",fstype="xfs",mountpoint="/data here"}'
    assert samples[name] == 1


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (Options(mount_points_include=re.compile("^/nfs")), ["/nfs"]),
        (Options(mount_points_exclude=re.compile("^/nfs|/v")), ["/", "/data here"]),
        (Options(fs_types_include=re.compile("^(proc|xfs)$")), ["/data here"]),
        (Options(fs_types_exclude=re.compile("^[no]")), ["/", "/data here"]),
    ],
)
def test_mounts_can_be_chosen(host: MountedHost, options: Options, expected: list[str]) -> None:
    """By mount point and by type; an include pattern replaces the default exclude pattern."""
    read_samples(host.collector(options).collect())
    assert sorted(host.asked) == expected


@pytest.mark.parametrize(
    ("what", "make"),
    [
        ("mount-points", lambda one: Options(mount_points_include=one, mount_points_exclude=one)),
        ("fs-types", lambda one: Options(fs_types_include=one, fs_types_exclude=one)),
    ],
)
def test_include_and_exclude_contradict_each_other(
    what: str, make: Callable[[re.Pattern[str]], Options]
) -> None:
    """Both at once is an error that says what to do."""
    with pytest.raises(ValueError, match=f"{what}-include and {what}-exclude cannot both be set"):
        make(re.compile("a"))


def test_sizes_follow_the_file_system(host: MountedHost) -> None:
    """What was rendered before is used again only while every answer stays the same."""
    collector = host.collector()
    name = f"node_filesystem_free_bytes{{{ROOT}}}"
    assert read_samples(collector.collect())[name] == 204800
    assert read_samples(collector.collect())[name] == 204800
    host.answer = os.statvfs_result((8192, 4096, 100, 49, 40, 10, 5, 5, 0, 255))
    assert read_samples(collector.collect())[name] == 49 * 4096


def test_a_mount_comes_and_goes(host: MountedHost) -> None:
    """The table is read again when it has changed."""
    collector = host.collector()
    read_samples(collector.collect())
    host.write(TABLE + b"27 22 0:50 / /scratch rw - tmpfs none rw\n")
    assert [name for name in read_samples(collector.collect()) if "/scratch" in name]
    host.write(TABLE)
    assert not [name for name in read_samples(collector.collect()) if "/scratch" in name]


def test_a_garbled_table_is_read_again(host: MountedHost) -> None:
    """After a failure the next scrape does not trust what it knew before."""
    collector = host.collector()
    read_samples(collector.collect())
    host.write(b"garbage\n")
    for _ in range(2):
        with pytest.raises(ValueError, match="mountinfo"):
            list(collector.collect())
    host.write(TABLE)
    assert len(read_samples(collector.collect())) == 3 * 9 + 1


@pytest.mark.parametrize("option", [b"ro", b"emergency_ro"])
def test_a_file_system_that_becomes_read_only_is_seen_in_time(
    host: MountedHost, option: bytes
) -> None:
    """The kernel does not tell of it: a file first seen empty gives no sign of a change either."""
    host.write(b"")
    clock = [100.0]
    collector = FilesystemCollector(
        KernelTree(str(host.root)), statvfs=host.statvfs, now=lambda: clock[0]
    )
    name = f"node_filesystem_readonly{{{ROOT}}}"
    for _ in range(2):
        assert name not in read_samples(collector.collect())
    root = TABLE.splitlines(keepends=True)[0]
    for table, read_only in ((root, 0), (root.replace(b" rw,errors", b" %b,errors" % option), 1)):
        host.write(table)
        before = read_samples(collector.collect())
        clock[0] += REREAD_SECONDS
        assert read_samples(collector.collect())[name] == read_only
        assert before.get(name) == (0 if read_only else None)


def test_of_equal_mounts_the_last_counts(host: MountedHost) -> None:
    """It covers the others, and statvfs answers for it."""
    host.write(TABLE + b"30 22 8:1 / / ro - ext4 /dev/sda1 ro\n")
    samples = read_samples(host.collector().collect())
    assert samples[f"node_filesystem_readonly{{{ROOT}}}"] == 1
    assert len(samples) == 3 * 9 + 1


def test_in_a_container_paths_are_the_host_s(host: MountedHost) -> None:
    """With --path.rootfs, labels lose that prefix and statvfs gets it."""
    host.write(
        b"22 1 8:1 / /host rw - ext4 /dev/sda1 rw\n23 1 8:2 / /host/data rw - xfs /dev/sda2 rw\n"
    )
    samples = read_samples(host.collector(rootfs="/host").collect())
    assert sorted(host.asked) == ["/host/", "/host/data"]
    assert f"node_filesystem_size_bytes{{{ROOT}}}" in samples
    assert [name for name in samples if 'mountpoint="/data"' in name]


def test_a_host_without_a_mount_table_has_no_data(tmp_path: Path) -> None:
    """A procfs that lacks it is not a failure of the collector."""
    with pytest.raises(NoData, match="mountinfo"):
        list(FilesystemCollector(KernelTree(str(tmp_path))).collect())


def test_this_machine_has_a_root_file_system() -> None:
    """The kernel's own table is read once, and not again while it stays the same."""
    collector = FilesystemCollector(KernelTree(), Options(fs_types_exclude=None))
    for _ in range(2):
        samples = read_samples(collector.collect())
        assert [name for name in samples if 'mountpoint="/"' in name]
