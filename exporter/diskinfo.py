"""The constant facts about disks: model, serial number, file system, device mapper name.

Source: udev's database (see udev.py) and /sys/block/<disk>/queue/rotational (since Linux 2.6.29).
Without them the labels they would give are absent; numbers and names of the device remain.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from exporter.families import Digits, Filled, LabelValues, Layout, Series
from exporter.kernel import KernelTree
from exporter.parsing import decimal, integer
from exporter.udev import parse_udev_data

_INFO = ("ID_PATH", "ID_WWN", "ID_MODEL")
_SERIALS = ("SCSI_IDENT_SERIAL", "ID_SERIAL_SHORT", "ID_SERIAL")
"""From the number printed on the disk's label to what virtio disks have."""

_FILESYSTEM = ("ID_FS_TYPE", "ID_FS_USAGE", "ID_FS_UUID", "ID_FS_VERSION")
_DEVICE_MAPPER = ("DM_NAME", "DM_UUID", "DM_VG_NAME", "DM_LV_NAME", "DM_LV_LAYER")
_ATA = (
    (
        "ID_ATA_WRITE_CACHE",
        "node_disk_ata_write_cache",
        "Whether the ATA disk has a write cache.",
    ),
    (
        "ID_ATA_WRITE_CACHE_ENABLED",
        "node_disk_ata_write_cache_enabled",
        "Whether the write cache of the ATA disk is enabled.",
    ),
    (
        "ID_ATA_ROTATION_RATE_RPM",
        "node_disk_ata_rotation_rate_rpm",
        "Rotation rate of the ATA disk in revolutions per minute; 0 for a solid-state disk.",
    ),
)


class Disk(NamedTuple):
    """A block device."""

    device: str
    major: str
    minor: str


Known: TypeAlias = Sequence[tuple[Disk, Mapping[str, str]]]
"""Each disk with its properties."""


def read_disk_info(kernel: KernelTree, udev_data: str, disks: Iterable[Disk]) -> Filled:
    """Read what is known about the disks, as families that need no further reading."""
    known = [(disk, _read_properties(udev_data, disk)) for disk in disks]
    series = [
        Series(
            "node_disk_info",
            "What the disk is; always 1.",
            "gauge",
            (*Disk._fields, "path", "wwn", "model", "serial", "revision", "rotational"),
            [_describe(kernel, disk, properties) for disk, properties in known],
        ),
        Series(
            "node_disk_filesystem_info",
            "The file system or other content found on the disk; always 1.",
            "gauge",
            ("device", "type", "usage", "uuid", "version"),
            _rows(known, _FILESYSTEM),
        ),
        Series(
            "node_disk_device_mapper_info",
            "What the device mapper calls the device, and its logical volume; always 1.",
            "gauge",
            ("device", "name", "uuid", "vg_name", "lv_name", "lv_layer"),
            _rows(known, _DEVICE_MAPPER),
        ),
    ]
    numbers: list[int | Digits] = [1] * sum(len(one.rows) for one in series)
    for key, name, help_text in _ATA:
        values = _ata_values(known, key)
        rows = [(device,) for device, _ in values]
        series.append(Series(name, help_text, "gauge", ("device",), rows))
        numbers += [value for _, value in values]
    return Layout(series).fill(numbers)


def _describe(kernel: KernelTree, disk: Disk, properties: Mapping[str, str]) -> LabelValues:
    serial = next((properties[key] for key in _SERIALS if properties.get(key)), "")
    revision = properties.get("ID_REVISION", "")
    path, wwn, model = (properties.get(key, "") for key in _INFO)
    return (*disk, path, wwn, model, serial, revision, _read_rotational(kernel, disk))


def _read_properties(udev_data: str, disk: Disk) -> dict[str, str]:
    try:
        return parse_udev_data(Path(udev_data, f"b{disk.major}:{disk.minor}").read_bytes())
    except OSError:  # no udev here, or it does not know the device: the labels stay absent
        return {}


def _read_rotational(kernel: KernelTree, disk: Disk) -> str:
    """Tell 1 for a spinning disk, 0 for another; partitions have no queue of their own."""
    attribute = kernel.sys(f"block/{disk.device.replace('/', '!')}/queue/rotational")
    try:
        return integer(attribute.read().strip()).decode()
    except (OSError, ValueError):
        return ""
    finally:
        attribute.close()  # read again in minutes: not worth a kept descriptor


def _rows(known: Known, keys: tuple[str, ...]) -> list[LabelValues]:
    """Take the properties of the disks that have the first of the keys."""
    return [
        (disk.device, *(properties.get(key, "") for key in keys))
        for disk, properties in known
        if properties.get(keys[0])
    ]


def _ata_values(known: Known, key: str) -> list[tuple[str, Digits]]:
    values = []
    for disk, properties in known:
        if properties.get("ID_ATA") and key in properties:
            with contextlib.suppress(ValueError):
                values.append((disk.device, decimal(properties[key].encode())))
    return values
