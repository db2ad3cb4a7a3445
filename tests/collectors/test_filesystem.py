"""The filesystem collector: mountinfo and statvfs."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporter.collectors.filesystem import FilesystemCollector, Options
from exporter.kernel import KernelTree, NoData
from tests.samples import read_samples

ANSWER = os.statvfs_result((8192, 4096, 100, 50, 40, 10, 5, 5, 0, 255))
TABLE = rb"""22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
23 22 0:21 / /proc rw,nosuid - proc proc rw
24 22 8:2 / /data\040here ro,relatime shared:2 - xfs /dev/sda2 rw
25 22 0:40 / /nfs rw,relatime - nfs4 server:/export rw
26 22 0:41 / /var/lib/docker/overlay2/1/merged rw - overlay overlay rw
"""
ROOT = 'device="/dev/sda1",fstype="ext4",mountpoint="/"'
NFS = 'fstype="nfs4",mountpoint="/nfs"'


class Host:
    """A fake host with mounts."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.asked: list[str] = []
        self.errors: dict[str, OSError] = {}
        self.answer = ANSWER
        (root / "self").mkdir()

    def write(self, table: bytes) -> None:
        """Replace the mount table."""
        (self.root / "self/mountinfo").write_bytes(table)

    def statvfs(self, path: str) -> os.statvfs_result:
        """Answer the same for every path that has no error."""
        self.asked.append(path)
        if path in self.errors:
            raise self.errors[path]
        return self.answer

    def collector(self, options: Options | None = None, rootfs: str = "/") -> FilesystemCollector:
        """Make the collector of this host."""
        kernel = KernelTree(str(self.root), rootfs=rootfs)
        return FilesystemCollector(kernel, options, statvfs=self.statvfs)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host with TABLE's mounts."""
    host = Host(tmp_path)
    host.write(TABLE)
    return host


def test_a_mount_has_its_sizes(host: Host) -> None:
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


def test_default_leaves_out_what_has_no_space_of_its_own(host: Host) -> None:
    """Kernel file systems and container layers are neither shown nor asked."""
    read_samples(host.collector().collect())
    assert sorted(host.asked) == ["/", "/data here", "/nfs"]


def test_a_read_only_mount_says_so(host: Host) -> None:
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
def test_mounts_can_be_chosen(host: Host, options: Options, expected: list[str]) -> None:
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


def test_a_scrape_must_wait_some_time() -> None:
    """A timeout of 0 would call every mount hanging."""
    parse = Options.__dataclass_fields__["mount_timeout"].metadata["parse"]
    assert parse("250ms") == 0.25
    with pytest.raises(ValueError, match="longer than 0"):
        parse("0")


def test_a_failing_mount_shows_its_error(host: Host) -> None:
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


def test_an_error_without_a_number_is_shown_too(host: Host) -> None:
    """Whatever the error says becomes the label."""
    host.errors["/nfs"] = OSError("Odd")
    assert [name for name in read_samples(host.collector().collect()) if 'error="odd"' in name]


def test_a_mount_that_recovers_loses_its_error(host: Host) -> None:
    """Series follow the state of the moment."""
    collector = host.collector()
    host.errors["/nfs"] = PermissionError(errno.EACCES, "x")
    assert [name for name in read_samples(collector.collect()) if "permission denied" in name]
    host.errors.clear()
    samples = read_samples(collector.collect())
    assert samples[f'node_filesystem_size_bytes{{device="server:/export",{NFS}}}'] == 409600
    assert not [name for name in samples if "device_error=" in name]


def test_local_mounts_are_asked_without_a_change_of_threads(host: Host) -> None:
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


def test_a_local_mount_that_fails_shows_its_error(host: Host) -> None:
    """Those asked after it keep their sizes."""
    host.errors["/"] = PermissionError(errno.EACCES, "x")
    samples = read_samples(host.collector().collect())
    labels = f'device="/dev/sda1",device_error="permission denied",{ROOT.partition(",")[2]}'
    assert samples[f"node_filesystem_device_error{{{labels}}}"] == 1
    assert len([name for name in samples if "size_bytes" in name]) == 2


def test_sizes_follow_the_file_system(host: Host) -> None:
    """What was rendered before is used again only while every answer stays the same."""
    collector = host.collector()
    name = f"node_filesystem_free_bytes{{{ROOT}}}"
    assert read_samples(collector.collect())[name] == 204800
    assert read_samples(collector.collect())[name] == 204800
    host.answer = os.statvfs_result((8192, 4096, 100, 49, 40, 10, 5, 5, 0, 255))
    assert read_samples(collector.collect())[name] == 49 * 4096


def test_a_mount_comes_and_goes(host: Host) -> None:
    """The table is read again when it has changed."""
    collector = host.collector()
    read_samples(collector.collect())
    host.write(TABLE + b"27 22 0:50 / /scratch rw - tmpfs none rw\n")
    assert [name for name in read_samples(collector.collect()) if "/scratch" in name]
    host.write(TABLE)
    assert not [name for name in read_samples(collector.collect()) if "/scratch" in name]


def test_a_garbled_table_is_read_again(host: Host) -> None:
    """After a failure the next scrape does not trust what it knew before."""
    collector = host.collector()
    read_samples(collector.collect())
    host.write(b"garbage\n")
    for _ in range(2):
        with pytest.raises(ValueError, match="mountinfo"):
            list(collector.collect())
    host.write(TABLE)
    assert len(read_samples(collector.collect())) == 3 * 9 + 1


def test_of_equal_mounts_the_last_counts(host: Host) -> None:
    """It covers the others, and statvfs answers for it."""
    host.write(TABLE + b"30 22 8:1 / / ro - ext4 /dev/sda1 ro\n")
    samples = read_samples(host.collector().collect())
    assert samples[f"node_filesystem_readonly{{{ROOT}}}"] == 1
    assert len(samples) == 3 * 9 + 1


def test_in_a_container_paths_are_the_host_s(host: Host) -> None:
    """With --path.rootfs, labels lose that prefix and statvfs gets it."""
    host.write(
        b"22 1 8:1 / /host rw - ext4 /dev/sda1 rw\n23 1 8:2 / /host/data rw - xfs /dev/sda2 rw\n"
    )
    samples = read_samples(host.collector(rootfs="/host").collect())
    assert sorted(host.asked) == ["/host/", "/host/data"]
    assert f"node_filesystem_size_bytes{{{ROOT}}}" in samples
    assert [name for name in samples if 'mountpoint="/data"' in name]


def test_nothing_hangs_on_a_host_in_order(host: Host) -> None:
    """The gauge is there always, so that an alert can tell 0 from missing."""
    assert read_samples(host.collector().collect())["perfwatch_filesystem_stuck_mounts"] == 0


def test_a_hanging_mount_is_counted_and_named(host: Host) -> None:
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


def test_a_host_without_a_mount_table_has_no_data(tmp_path: Path) -> None:
    """A procfs that lacks it is not a failure of the collector."""
    with pytest.raises(NoData, match="mountinfo"):
        list(Host(tmp_path).collector().collect())


def test_this_machine_has_a_root_file_system() -> None:
    """The kernel's own table is read once, and not again while it stays the same."""
    collector = FilesystemCollector(KernelTree(), Options(fs_types_exclude=None))
    for _ in range(2):
        samples = read_samples(collector.collect())
        assert [name for name in samples if 'mountpoint="/"' in name]


class HangingMount:
    """A FUSE file system whose program never answers, not even the kernel's greeting."""

    def __init__(self, mount_point: Path) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.mount_point = mount_point
        mount_point.mkdir()
        self._device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self._device},rootmode=40000,user_id=0,group_id=0"
        if self._libc.mount(b"hanging", bytes(mount_point), b"fuse.hanging", 0, options.encode()):
            os.close(self._device)
            raise OSError(ctypes.get_errno(), "mount")

    def answer(self) -> None:
        """End the connection: the kernel lets go of all who wait, with an error."""
        if self._device >= 0:
            os.close(self._device)
            self._device = -1

    def close(self) -> None:
        """Unmount, waiting for nobody."""
        force, detach = 1, 2
        self.answer()
        self._libc.umount2(bytes(self.mount_point), force | detach)


@pytest.fixture
def hanging_mount(tmp_path: Path) -> Iterator[HangingMount]:
    """A mount that hangs for real; needs root and FUSE."""
    try:
        mount = HangingMount(tmp_path / "hanging")
    except OSError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"cannot mount a FUSE file system here: {error}")
    yield mount
    mount.close()


def test_a_mount_that_hangs_in_the_kernel_costs_only_itself(
    host: Host, hanging_mount: HangingMount
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
