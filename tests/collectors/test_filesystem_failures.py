"""The filesystem collector where mounts fail or hang."""

from __future__ import annotations

import errno
import os
import re
import threading
from pathlib import Path

import pytest

from exporter.collectors.filesystem import FilesystemCollector, Options
from exporter.kernel import KernelTree
from tests.hanging_mount import HangingMount
from tests.mounted_host import ANSWER, NFS, ROOT, TABLE, MountedHost
from tests.samples import read_samples


@pytest.fixture
def host(tmp_path: Path) -> MountedHost:
    """A host with TABLE's mounts."""
    return MountedHost(tmp_path)


def test_a_scrape_must_wait_some_time() -> None:
    """A timeout of 0 would call every mount hanging."""
    parse = Options.__dataclass_fields__["mount_timeout"].metadata["parse"]
    assert parse("250ms") == 0.25
    with pytest.raises(ValueError, match="longer than 0"):
        parse("0")


def test_a_failing_mount_shows_its_error(host: MountedHost) -> None:
    """The reason is a label; sizes are absent."""
    host.errors["/nfs"] = OSError(errno.EIO, "x")
    samples = read_samples(host.collector().collect())
    failed = [name for name in samples if NFS in name]
    labels = f'device="server:/export",device_error="input/output error",{NFS}'
    assert failed == [
        f"node_filesystem_device_error{{{labels}}}",
        f"node_filesystem_readonly{{{labels}}}",
    ]
    assert samples[failed[0]] == 1


def test_an_error_without_a_number_is_shown_too(host: MountedHost) -> None:
    """Whatever the error says becomes the label."""
    host.errors["/nfs"] = OSError("Odd")
    assert [name for name in read_samples(host.collector().collect()) if 'error="odd"' in name]


def test_a_mount_that_recovers_loses_its_error(host: MountedHost) -> None:
    """Series follow the state of the moment."""
    collector = host.collector()
    host.errors["/nfs"] = PermissionError(errno.EACCES, "x")
    assert [name for name in read_samples(collector.collect()) if "permission denied" in name]
    host.errors.clear()
    samples = read_samples(collector.collect())
    assert samples[f'node_filesystem_size_bytes{{device="server:/export",{NFS}}}'] == 409600
    assert not [name for name in samples if "device_error=" in name]


def test_local_mounts_are_asked_without_a_change_of_threads(host: MountedHost) -> None:
    """They answer from memory; what can hang, or lies below that, never stops the caller."""
    threads: dict[str, int] = {}

    def statvfs(path: str) -> os.statvfs_result:
        threads[path] = threading.get_ident()
        return ANSWER

    host.write(TABLE + b"27 25 0:50 / /nfs/tmp rw - tmpfs none rw\n")
    collector = FilesystemCollector(KernelTree(str(host.root)), statvfs=statvfs)
    read_samples(collector.collect())
    here = {path for path, thread in threads.items() if thread == threading.get_ident()}
    assert here == {"/", "/data here"}
    assert threads.keys() - here == {"/nfs", "/nfs/tmp"}


def test_a_local_mount_that_fails_shows_its_error(host: MountedHost) -> None:
    """Those asked after it keep their sizes."""
    host.errors["/"] = PermissionError(errno.EACCES, "x")
    samples = read_samples(host.collector().collect())
    labels = f'device="/dev/sda1",device_error="permission denied",{ROOT.partition(",")[2]}'
    assert samples[f"node_filesystem_device_error{{{labels}}}"] == 1
    assert len([name for name in samples if "size_bytes" in name]) == 2


def test_nothing_hangs_on_a_host_in_order(host: MountedHost) -> None:
    """The gauge is there always, so that an alert can tell 0 from missing."""
    assert read_samples(host.collector().collect())["perfwatch_filesystem_stuck_mounts"] == 0


def test_a_hanging_mount_is_counted_and_named(host: MountedHost) -> None:
    """The others keep their sizes; what is not asked for want of threads says so."""
    released = threading.Event()
    host.write(TABLE + b"28 22 0:42 / /smb rw - cifs //server/share rw\n")

    def statvfs(path: str) -> os.statvfs_result:
        if path in {"/nfs", "/smb"}:
            released.wait()
        return ANSWER

    collector = FilesystemCollector(
        KernelTree(str(host.root)), Options(mount_timeout=0.3, stat_workers=1), statvfs=statvfs
    )
    for _ in range(2):
        samples = read_samples(collector.collect())
        assert samples["perfwatch_filesystem_stuck_mounts"] == 1
        assert samples[f"node_filesystem_size_bytes{{{ROOT}}}"] == 409600
        assert sorted(
            (reason, fs_type)
            for name in samples
            if name.startswith("node_filesystem_device_error")
            for reason, fs_type in re.findall(r'device_error="(.+?)",fstype="(.+?)"', name)
        ) == [("mountpoint timeout", "nfs4"), ("too many mounts hang", "cifs")]
    released.set()


def test_a_mount_that_hangs_in_the_kernel_costs_only_itself(
    host: MountedHost, hanging_mount: HangingMount
) -> None:
    """While it hangs it is skipped and named; the root file system is always there."""
    path = hanging_mount.mount_point
    host.write(
        TABLE.splitlines(keepends=True)[0] + f"40 22 0:9 / {path} rw - fuse.h h rw\n".encode()
    )
    collector = FilesystemCollector(KernelTree(str(host.root)), Options(mount_timeout=0.3))
    hanging = f'fstype="fuse.h",mountpoint="{path}"'
    for _ in range(3):
        samples = read_samples(collector.collect())
        assert samples["perfwatch_filesystem_stuck_mounts"] == 1
        assert samples[f"node_filesystem_size_bytes{{{ROOT}}}"] > 0
        error = f'device="h",device_error="mountpoint timeout",{hanging}'
        assert samples[f"node_filesystem_device_error{{{error}}}"] == 1
    hanging_mount.answer()
    while samples["perfwatch_filesystem_stuck_mounts"]:
        samples = read_samples(collector.collect())
    samples = read_samples(collector.collect())
    error = f'device="h",device_error="transport endpoint is not connected",{hanging}'
    assert samples[f"node_filesystem_device_error{{{error}}}"] == 1
