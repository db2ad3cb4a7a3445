"""The diskstats collector: /proc/diskstats, udev's database and queue/rotational."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.diskstats import (
    INFO_SECONDS,
    DiskstatsCollector,
    Options,
    parse_diskstats,
)
from exporter.kernel import KernelTree, NoData
from exporter.udev import parse_udev_data
from tests.samples import read_samples

OLD = b"   8       0 sda 25353 34367 1003337 64480 28451 2 1024 134 0 55543 68178\n"
LINUX_4_18 = (
    b"   8       0 sda 25353 34367 1003337 64480 28451 2 1024 134 0 55543 68178 11 12 13 14\n"
)
NEW = (
    b"   7       0 loop0 1 0 2 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
    b" 254       0 vda 11421 7594 1969538 6032 2006 11735 812592 1560 4 2148 7749"
    b" 3255 7 80936 151 107 3\n"
    b" 254       1 vda1 1 0 8 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
)
UDEV = b"""S:disk/by-id/ata-disk
I:1234567
E:ID_ATA=1
E:ID_ATA_WRITE_CACHE=1
E:ID_ATA_WRITE_CACHE_ENABLED=0
E:ID_ATA_ROTATION_RATE_RPM=7200
E:ID_FS_TYPE=LVM2_member
E:ID_FS_USAGE=raid
E:ID_MODEL=DISK_9000
E:ID_PATH=pci-0000:00:1f.2-ata-1
E:ID_SERIAL=DISK_9000_S1
E:ID_SERIAL_SHORT=S1
E:ID_WWN=0x5000
E:DM_NAME=vg-data
E:DM_VG_NAME=vg
E:noequals
G:systemd
"""


INFO = (
    'node_disk_info{device="vda",major="254",minor="0",model="DISK_9000",'
    'path="pci-0000:00:1f.2-ata-1",rotational="0",serial="S1",wwn="0x5000"}'
)


class Host:
    """A fake host with disks."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now = 0.0
        for folder in ("proc", "sys", "udev"):
            (root / folder).mkdir()

    def collector(self, options: Options | None = None) -> DiskstatsCollector:
        """Make the collector of this host."""
        return DiskstatsCollector(
            KernelTree(
                str(self.root / "proc"), str(self.root / "sys"), "/", str(self.root / "udev")
            ),
            options,
            now=lambda: self.now,
        )

    def write(self, path: str, content: bytes) -> None:
        """Put a file there."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host with the disks of NEW."""
    host = Host(tmp_path)
    host.write("proc/diskstats", NEW)
    return host


def test_parse_keeps_every_column() -> None:
    """A row is numbers, name and counters, as the kernel wrote them."""
    assert parse_diskstats(OLD) == [OLD.split()]


@pytest.mark.parametrize(
    "text", [b"8 0 sda 1 2 3\n", OLD.replace(b"134", b"-1"), OLD.replace(b"8  ", b"x  "), b"\n"]
)
def test_parse_refuses_other_tables(text: bytes) -> None:
    """Short rows and cells that are no numbers are errors."""
    with pytest.raises(ValueError, match=r"diskstats|integers"):
        parse_diskstats(text)


@given(st.binary(max_size=300) | st.lists(st.sampled_from(OLD.split())).map(b" ".join))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_diskstats(text)


@given(st.binary(max_size=300))
def test_udev_data_is_read_from_any_bytes(text: bytes) -> None:
    """What is no property is skipped."""
    assert all("\n" not in key for key in parse_udev_data(text))


def test_units_are_seconds_and_bytes(host: Host) -> None:
    """Milliseconds become seconds, sectors become bytes, all 17 columns are there."""
    samples = read_samples(host.collector().collect())
    assert samples['node_disk_read_time_seconds_total{device="vda"}'] == 6.032
    assert samples['node_disk_read_bytes_total{device="vda"}'] == 1969538 * 512
    assert samples['node_disk_written_bytes_total{device="vda"}'] == 812592 * 512
    assert samples['node_disk_io_now{device="vda"}'] == 4
    assert samples['node_disk_io_time_weighted_seconds_total{device="vda"}'] == 7.749
    assert samples['node_disk_discarded_sectors_total{device="vda"}'] == 80936
    assert samples['node_disk_flush_requests_time_seconds_total{device="vda"}'] == 0.003
    assert len(samples) == 17 + 1


def test_default_leaves_out_loop_devices_and_partitions(host: Host) -> None:
    """As in node_exporter, only whole disks are shown."""
    assert not [name for name in read_samples(host.collector().collect()) if "vda1" in name]


def test_include_shows_what_the_default_leaves_out(host: Host) -> None:
    """An include pattern replaces the default exclude pattern."""
    options = Options(device_include=re.compile("^loop"))
    samples = read_samples(host.collector(options).collect())
    assert samples['node_disk_reads_completed_total{device="loop0"}'] == 1
    assert not [name for name in samples if "vda" in name]


def test_an_empty_exclude_shows_everything(host: Host) -> None:
    """Without any pattern no device is left out."""
    samples = read_samples(host.collector(Options(device_exclude=None)).collect())
    assert len([name for name in samples if name.startswith("node_disk_io_now")]) == 3


def test_include_and_exclude_contradict_each_other() -> None:
    """Both at once is an error that says what to do."""
    with pytest.raises(ValueError, match="device-include and device-exclude"):
        Options(device_include=re.compile("a"), device_exclude=re.compile("b"))


@pytest.mark.parametrize(("text", "columns"), [(OLD, 11), (LINUX_4_18, 15)])
def test_columns_of_newer_kernels_are_absent_on_older_ones(
    host: Host, text: bytes, columns: int
) -> None:
    """Discards came with 4.18 and flushes with 5.5: before, their families have no sample."""
    host.write("proc/diskstats", text)
    assert len(read_samples(host.collector().collect())) == columns + 1


def test_columns_of_kernels_to_come_are_ignored(host: Host) -> None:
    """A 21st column changes nothing."""
    host.write("proc/diskstats", NEW.replace(b"107 3\n", b"107 3 99\n"))
    assert len(read_samples(host.collector().collect())) == 17 + 1


def test_a_device_may_have_fewer_columns_than_another(host: Host) -> None:
    """What one device lacks is absent for it alone."""
    host.write("proc/diskstats", NEW + OLD)
    samples = read_samples(host.collector().collect())
    assert samples['node_disk_flush_requests_total{device="vda"}'] == 107
    assert samples['node_disk_io_time_weighted_seconds_total{device="sda"}'] == 68.178
    assert 'node_disk_flush_requests_total{device="sda"}' not in samples


def test_a_disk_comes_and_goes(host: Host) -> None:
    """Series follow the devices of the moment."""
    collector = host.collector()
    read_samples(collector.collect())
    host.write("proc/diskstats", NEW + OLD)
    assert 'node_disk_io_now{device="sda"}' in read_samples(collector.collect())
    host.write("proc/diskstats", OLD)
    samples = read_samples(collector.collect())
    assert 'node_disk_io_now{device="sda"}' in samples
    assert 'node_disk_io_now{device="vda"}' not in samples


def test_a_host_without_disks_has_no_samples(host: Host) -> None:
    """An empty table, as in some containers, is no failure."""
    host.write("proc/diskstats", b"")
    assert read_samples(host.collector().collect()) == {}


def test_a_kernel_without_the_file_has_no_data(tmp_path: Path) -> None:
    """CONFIG_BLOCK or procfs missing is not a failure of the collector."""
    with pytest.raises(NoData, match="diskstats"):
        list(Host(tmp_path).collector().collect())


def test_info_comes_from_udev_and_sysfs(host: Host) -> None:
    """Labels are what udev knows; unknown ones are left out."""
    host.write("udev/b254:0", UDEV)
    host.write("sys/block/vda/queue/rotational", b"0\n")
    samples = read_samples(host.collector().collect())
    assert [name for name in samples if "_info" in name or "_ata" in name] == [
        INFO,
        'node_disk_filesystem_info{device="vda",type="LVM2_member",usage="raid"}',
        'node_disk_device_mapper_info{device="vda",name="vg-data",vg_name="vg"}',
        'node_disk_ata_write_cache{device="vda"}',
        'node_disk_ata_write_cache_enabled{device="vda"}',
        'node_disk_ata_rotation_rate_rpm{device="vda"}',
    ]
    assert samples['node_disk_ata_rotation_rate_rpm{device="vda"}'] == 7200


def test_an_ata_value_that_is_no_number_is_absent(host: Host) -> None:
    """Only numbers become samples."""
    host.write("udev/b254:0", UDEV.replace(b"=7200", b"=fast"))
    samples = read_samples(host.collector().collect())
    assert 'node_disk_ata_rotation_rate_rpm{device="vda"}' not in samples
    assert 'node_disk_ata_write_cache{device="vda"}' in samples


def test_info_is_read_again_when_udev_writes(host: Host) -> None:
    """A new file is renamed over the old one by udev, which changes its directory."""
    collector = host.collector()
    assert not [name for name in read_samples(collector.collect()) if "model" in name]
    host.write("udev/b254:0", UDEV)
    os.utime(host.root / "udev", ns=(1, 1))
    assert [name for name in read_samples(collector.collect()) if "model" in name]


def test_info_of_sysfs_is_read_again_after_some_minutes(host: Host) -> None:
    """/sys/block tells of no change, so its labels have a greatest age."""
    collector = host.collector()
    host.write("sys/block/vda/queue/rotational", b"1\n")
    assert [name for name in read_samples(collector.collect()) if 'rotational="1"' in name]
    host.write("sys/block/vda/queue/rotational", b"0\n")
    assert [name for name in read_samples(collector.collect()) if 'rotational="1"' in name]
    host.now = INFO_SECONDS
    assert [name for name in read_samples(collector.collect()) if 'rotational="0"' in name]


def test_a_host_without_udev_still_has_info(host: Host) -> None:
    """Numbers and name of the device are known without udev."""
    (host.root / "udev").rmdir()
    samples = read_samples(host.collector().collect())
    assert samples['node_disk_info{device="vda",major="254",minor="0"}'] == 1
