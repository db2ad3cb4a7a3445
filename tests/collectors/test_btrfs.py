"""The btrfs collector: /sys/fs/btrfs and what mount points say of the devices."""

from __future__ import annotations

import contextlib
import errno
import shutil
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors._btrfs_devices import Device, Filesystem
from exporter.collectors.btrfs import BtrfsCollector, parse_commit_stats
from exporter.kernel import KernelTree, NoData
from tests.collectors.conftest import FakeHost

UUID = "00000000-0000-4000-8000-0000000000b1"
COMMITS = "commits 3\ncur_commit_ms 0\nlast_commit_ms 4\nmax_commit_ms 1500\ntotal_commit_ms 11\n"
MOUNTS = (
    "26 1 0:30 / / rw - btrfs /dev/sda1 rw,subvol=/\n"
    "27 26 0:30 /home /home rw - btrfs /dev/sda1 rw,subvol=/home\n"
    "28 26 0:31 / /boot rw - ext4 /dev/sdb1 rw\n"
)
DEVICES = (
    Device("sda1", "00000000-0000-4000-8000-0000000000d1", 1000, 250, (1, 2, 3, 4, 5)),
    Device("<missing disk>", "00000000-0000-4000-8000-0000000000d2", 1000, 250, ()),
)


def unreachable(path: str) -> NoReturn:
    """Refuse to open a mount point."""
    raise FileNotFoundError(errno.ENOENT, "gone", path)


def add_filesystem(host: FakeHost, fs_uuid: str = UUID, mode: str = "raid1") -> None:
    """Write the attributes of a file system on two devices."""
    folder = f"sys/fs/btrfs/{fs_uuid}"
    host.write(f"{folder}/label", "my data\n")
    host.write(f"{folder}/metadata_uuid", f"{fs_uuid}\n")
    host.write(f"{folder}/commit_stats", COMMITS)
    host.write(f"{folder}/allocation/global_rsv_size", "4096\n")
    for kind in ("data", "metadata", "system"):
        host.write(f"{folder}/allocation/{kind}/bytes_reserved", "512\n")
        host.write(f"{folder}/allocation/{kind}/{mode}/used_bytes", "100\n")
        host.write(f"{folder}/allocation/{kind}/{mode}/total_bytes", "200\n")
    for device in ("sda1", "sdb1"):
        host.write(f"{folder}/devices/{device}/size", "8\n")


def test_parse_commit_stats_of_any_kernel() -> None:
    """Numbers are found by name; one that is not there is unknown."""
    assert parse_commit_stats(COMMITS.encode()) == [b"3", b"4", b"1500", b"11"]
    assert parse_commit_stats(b"commits 3\n") == [b"3", None, None, None]
    assert parse_commit_stats(b"") == [None] * 4


@pytest.mark.parametrize("text", [b"commits", b"commits many", b"commits -1"])
def test_parse_commit_stats_refuses_other_files(text: bytes) -> None:
    """A name without a number, or with something else, is an error."""
    with pytest.raises(ValueError, match=r"commit_stats|integers"):
        parse_commit_stats(text)


@given(st.binary(max_size=100))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_commit_stats(text)


def test_space_and_commits_come_from_sysfs(host: FakeHost) -> None:
    """Milliseconds become seconds; without a mount point devices have their size in bytes."""
    add_filesystem(host)
    host.write("sys/fs/btrfs/features/raid56", "1\n")
    samples = host.samples(BtrfsCollector(host.kernel, ask=unreachable))
    data = f'{{block_group_type="data",mode="raid1",uuid="{UUID}"}}'
    fs = f'{{uuid="{UUID}"}}'
    assert samples[f'node_btrfs_info{{label="my data",uuid="{UUID}"}}'] == 1
    assert samples[f"node_btrfs_used_bytes{data}"] == 100
    assert samples[f"node_btrfs_size_bytes{data}"] == 200
    assert samples[f"node_btrfs_allocation_ratio{data}"] == 2
    assert samples[f'node_btrfs_reserved_bytes{{block_group_type="system",uuid="{UUID}"}}'] == 512
    assert samples[f"node_btrfs_global_rsv_size_bytes{fs}"] == 4096
    assert samples[f"node_btrfs_commits_total{fs}"] == 3
    assert samples[f"node_btrfs_last_commit_seconds{fs}"] == 0.004
    assert samples[f"node_btrfs_max_commit_seconds{fs}"] == 1.5
    assert samples[f"node_btrfs_commit_seconds_total{fs}"] == 0.011
    assert samples[f'node_btrfs_device_size_bytes{{device="sdb1",uuid="{UUID}"}}'] == 4096
    assert len(samples) == 1 + 9 + 3 + 5 + 2


@pytest.mark.parametrize(
    ("mode", "ratio"),
    [("single", 1), ("dup", 2), ("raid1c3", 3), ("raid1c4", 4), ("raid5", 2), ("raid6", None)],
)
def test_the_ratio_follows_the_mode(host: FakeHost, mode: str, ratio: float | None) -> None:
    """With parity it depends on the number of devices; too few of them give none."""
    add_filesystem(host, mode=mode)
    samples = host.samples(BtrfsCollector(host.kernel, ask=unreachable))
    key = f'node_btrfs_allocation_ratio{{block_group_type="data",mode="{mode}",uuid="{UUID}"}}'
    assert samples.get(key) == ratio


def test_clones_that_share_a_uuid_go_by_that_of_their_folder(host: FakeHost) -> None:
    """Else one of them would hide the other; a third file system is shown as ever."""
    clone, other = UUID.replace("b1", "b2"), UUID.replace("b1", "b3")
    for fs_uuid in (UUID, clone, other):
        add_filesystem(host, fs_uuid)
    host.write(f"sys/fs/btrfs/{clone}/metadata_uuid", f"{UUID}\n")
    host.write(f"sys/fs/btrfs/{other}/metadata_uuid", f"{UUID.replace('b1', 'b4')}\n")
    samples = host.samples(BtrfsCollector(host.kernel, ask=unreachable))
    infos = [name for name in samples if name.startswith("node_btrfs_info")]
    assert len(infos) == 3
    for end in ("b1", "b2", "b4"):
        assert f'node_btrfs_commits_total{{uuid="{UUID.replace("b1", end)}"}}' in samples


def test_what_an_old_kernel_lacks_is_absent(host: FakeHost) -> None:
    """Neither commit_stats nor metadata_uuid: the directory's name is the UUID."""
    add_filesystem(host)
    for name in ("commit_stats", "metadata_uuid", "label", "devices/sda1/size"):
        (host.root / "sys/fs/btrfs" / UUID / name).unlink()
    samples = host.samples(BtrfsCollector(host.kernel, ask=unreachable))
    assert samples[f'node_btrfs_info{{uuid="{UUID}"}}'] == 1
    assert not [name for name in samples if "commit" in name or "sda1" in name]


def test_a_mount_point_tells_of_the_devices(host: FakeHost) -> None:
    """One mount of a file system is asked; errors of a device may be unknown."""
    add_filesystem(host)
    host.write("proc/1/mountinfo", MOUNTS)
    asked = []

    def ask(path: str) -> Filesystem:
        asked.append(path)
        return Filesystem(UUID, DEVICES)

    samples = host.samples(BtrfsCollector(host.kernel, ask=ask))
    device = f'btrfs_dev_uuid="{DEVICES[0].uuid}",device="sda1"'
    assert asked == [f"{host.root}/"]
    assert samples[f'node_btrfs_device_size_bytes{{{device},uuid="{UUID}"}}'] == 1000
    assert samples[f'node_btrfs_device_unused_bytes{{{device},uuid="{UUID}"}}'] == 250
    assert samples[f'node_btrfs_device_errors_total{{{device},type="read",uuid="{UUID}"}}'] == 2
    assert len([name for name in samples if "missing disk" in name]) == 2
    assert len([name for name in samples if "node_btrfs_device_errors_total" in name]) == 5


def test_another_mount_is_asked_when_one_does_not_answer(host: FakeHost) -> None:
    """A subvolume may be mounted where this process cannot go."""
    add_filesystem(host)
    host.write("proc/1/mountinfo", MOUNTS)

    def ask(path: str) -> Filesystem:
        if not path.endswith("/home"):
            unreachable(path)
        return Filesystem(UUID, DEVICES)

    samples = host.samples(BtrfsCollector(host.kernel, ask=ask))
    assert [name for name in samples if "missing disk" in name]


def test_nothing_is_opened_behind_a_remote_mount(host: FakeHost) -> None:
    """The way there may hang."""
    add_filesystem(host)
    host.write(
        "proc/1/mountinfo",
        "26 1 0:30 / / rw - ext4 /dev/sda1 rw\n"
        "27 26 0:40 / /far rw - nfs4 server:/far rw\n"
        "28 27 0:31 / /far/disk rw - btrfs /dev/sdb1 rw\n",
    )

    def ask(path: str) -> Filesystem:
        pytest.fail(f"asked {path}")

    assert host.samples(BtrfsCollector(host.kernel, ask=ask))


def test_an_unchanged_mount_table_is_not_read_again(host: FakeHost) -> None:
    """Only the real one tells whether it changed: every time the same mounts are asked."""
    add_filesystem(host)
    asked: list[str] = []

    def ask(path: str) -> Filesystem:
        asked.append(path)
        unreachable(path)

    collector = BtrfsCollector(KernelTree("/proc", f"{host.root}/sys"), ask=ask)
    first = host.samples(collector)
    count = len(asked)
    assert host.samples(collector) == first
    assert asked[count:] == asked[:count]


def test_file_systems_come_and_go(host: FakeHost) -> None:
    """Series follow what is mounted."""
    other = UUID.replace("b1", "b2")
    add_filesystem(host)
    collector = BtrfsCollector(host.kernel, ask=unreachable)
    host.samples(collector)
    add_filesystem(host, other)
    assert [name for name in host.samples(collector) if other in name]
    shutil.rmtree(host.root / "sys/fs/btrfs" / UUID)
    assert all(other in name for name in host.samples(collector))


def test_a_file_system_that_is_being_mounted_gets_complete(host: FakeHost) -> None:
    """Its folder and its devices are there first; reading the block groups may take minutes."""
    host.write(f"sys/fs/btrfs/{UUID}/devices/sda1/size", "8\n")
    collector = BtrfsCollector(host.kernel, ask=unreachable)
    assert len(host.samples(collector)) == 2
    add_filesystem(host)
    samples = host.samples(collector)
    assert f'node_btrfs_info{{label="my data",uuid="{UUID}"}}' in samples
    assert samples == host.samples(BtrfsCollector(host.kernel, ask=unreachable))


@pytest.mark.parametrize("path", [None, "sys/fs/btrfs/features/raid56"])
def test_a_host_without_btrfs_has_no_data(host: FakeHost, path: str | None) -> None:
    """Neither without the driver, nor while nothing is mounted."""
    if path:
        host.write(path, "1\n")
    with pytest.raises(NoData, match="no btrfs file systems"):
        list(BtrfsCollector(host.kernel).collect())
