"""Space, commits and devices of mounted btrfs file systems.

Source: /sys/fs/btrfs/<UUID> (Linux fs/btrfs/sysfs.c, since 3.14; commit_stats since 6.0), and an
ioctl on a mount point for the devices (see _btrfs_devices.py). Where no mount point can be reached,
as from most containers, the devices are shown by their size alone. Needs no rights.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from exporter.attributes import Attributes
from exporter.collectors._btrfs_devices import (
    ERROR_TYPES,
    Ask,
    Device,
    MountedFilesystems,
    ask_filesystem,
)
from exporter.families import Digits, Filled, Number
from exporter.kernel import KernelTree, NoData
from exporter.parsing import integers, shorten
from exporter.table import Column, Table

SECTOR_BYTES = 512
BLOCK_GROUPS = ("data", "metadata", "system")

COPIES = {"single": 1, "raid0": 1, "dup": 2, "raid1": 2, "raid10": 2, "raid1c3": 3, "raid1c4": 4}
PARITY_DEVICES = {"raid5": 1, "raid6": 2}
MODES = COPIES.keys() | PARITY_DEVICES.keys()

_COMMITS = (b"commits", b"last_commit_ms", b"max_commit_ms", b"total_commit_ms")

_INFO = (Column("node_btrfs_info", "The file system and its label; always 1.", "gauge"),)
_FILESYSTEM = (
    Column("node_btrfs_global_rsv_size_bytes", "Size of the global reserve.", "gauge"),
    Column("node_btrfs_commits_total", "Transactions committed.", "counter"),
    Column("node_btrfs_last_commit_seconds", "How long the last commit took.", "gauge", -3),
    Column("node_btrfs_max_commit_seconds", "How long the slowest commit took.", "gauge", -3),
    Column("node_btrfs_commit_seconds_total", "Seconds spent by all commits.", "counter", -3),
)
_TYPE = (
    Column("node_btrfs_reserved_bytes", "Space reserved for this type of block group.", "gauge"),
)
_MODE = (
    Column("node_btrfs_used_bytes", "Space used in block groups of this type and mode.", "gauge"),
    Column("node_btrfs_size_bytes", "Size of the block groups of this type and mode.", "gauge"),
    Column(
        "node_btrfs_allocation_ratio",
        "Bytes on the devices for each byte of such a block group.",
        "gauge",
    ),
)
_DEVICE = (
    Column("node_btrfs_device_size_bytes", "Size of a device of the file system.", "gauge"),
    Column(
        "node_btrfs_device_unused_bytes", "Space of a device in no block group so far.", "gauge"
    ),
)
_ERRORS = (Column("node_btrfs_device_errors_total", "Errors of a device, by type.", "counter"),)


def parse_commit_stats(text: bytes) -> list[Digits | None]:
    """Give commits, and the milliseconds of the last, the slowest and all of them.

    Raises ValueError when the lines are not a name and a number.
    """
    words = text.split()
    if len(words) % 2:
        raise ValueError(f"commit_stats: expected names and numbers: {shorten(text)}")
    numbers = dict(zip(words[::2], integers(words[1::2]), strict=True))
    return [numbers.get(name) for name in _COMMITS]


class BtrfsCollector:
    """Space, commits and devices of each mounted btrfs file system."""

    name = "btrfs"

    def __init__(self, kernel: KernelTree, *, ask: Ask = ask_filesystem) -> None:
        self._kernel = kernel
        self._attributes = Attributes(kernel, "fs/btrfs")
        self._mounted = MountedFilesystems(kernel, ask)
        self._info = Table(_INFO, ("uuid", "label"))
        self._filesystem = Table(_FILESYSTEM, ("uuid",))
        self._type = Table(_TYPE, ("uuid", "block_group_type"))
        self._mode = Table(_MODE, ("uuid", "block_group_type", "mode"))
        self._device = Table(_DEVICE, ("uuid", "device", "btrfs_dev_uuid"))
        self._errors = Table(_ERRORS, ("uuid", "device", "btrfs_dev_uuid", "type"))

    def collect(self) -> Iterable[Filled]:
        """Yield the space by block group type and mode, the commits, and the devices."""
        # Other entries are `features` and `debug`.
        folders = [name for name in self._attributes.names() if "-" in name]
        if not folders:
            raise NoData("no btrfs file systems are mounted")
        uuids = self._find_uuids(folders)
        yield self._info.fill(
            {(uuids[one], self._attributes.text(f"{one}/label") or ""): (1,) for one in folders}
        )
        yield self._filesystem.fill({(uuids[one],): self._read_commits(one) for one in folders})
        devices = {one: self._kernel.list_folder(f"fs/btrfs/{one}/devices") for one in folders}
        yield from self._fill_space(uuids, devices)
        mounted = self._mounted.read()
        yield from self._fill_devices(
            [
                (uuids[one], device)
                for one, names in devices.items()
                for device in mounted.get(one) or [self._read_device(one, name) for name in names]
            ]
        )

    def _find_uuids(self, folders: Sequence[str]) -> dict[str, str]:
        """Give the UUID to show for each folder: `metadata_uuid`, which a clone shares.

        Clones are mounted beside each other after `btrfstune -m`, and since 6.7 as they are: the
        folders then are called differently.
        """
        if any(self._attributes.read(f"{one}/label") is None for one in folders):
            # It is being mounted, which may take minutes; the rest appears with the label.
            self._attributes.forget()
        shown = [self._attributes.text(f"{one}/metadata_uuid") or one for one in folders]
        return {
            one: uuid if shown.count(uuid) == 1 else one
            for one, uuid in zip(folders, shown, strict=True)
        }

    def _read_commits(self, folder: str) -> Sequence[Number | None]:
        return (
            self._attributes.number(f"{folder}/allocation/global_rsv_size"),
            *parse_commit_stats(self._attributes.read(f"{folder}/commit_stats") or b""),
        )

    def _fill_space(
        self, uuids: Mapping[str, str], devices: Mapping[str, Sequence[str]]
    ) -> Iterable[Filled]:
        places = [(one, kind, f"{one}/allocation/{kind}") for one in uuids for kind in BLOCK_GROUPS]
        number = self._attributes.number
        yield self._type.fill(
            {
                (uuids[one], kind): (number(f"{folder}/bytes_reserved"),)
                for one, kind, folder in places
            }
        )
        yield self._mode.fill(
            {
                (uuids[one], kind, mode): self._read_mode(folder, mode, len(devices[one]))
                for one, kind, folder in places
                for mode in self._kernel.list_folder(f"fs/btrfs/{folder}")
                if mode in MODES
            }
        )

    def _read_mode(self, folder: str, mode: str, devices: int) -> Sequence[Number | None]:
        return (
            self._attributes.number(f"{folder}/{mode}/used_bytes"),
            self._attributes.number(f"{folder}/{mode}/total_bytes"),
            _find_ratio(mode, devices),
        )

    def _read_device(self, folder: str, name: str) -> Device:
        """Read what sysfs has of a device that no ioctl told of."""
        sectors = self._attributes.number(f"{folder}/devices/{name}/size")
        return Device(name, "", int(sectors) * SECTOR_BYTES if sectors else None)

    def _fill_devices(self, devices: Sequence[tuple[str, Device]]) -> Iterable[Filled]:
        yield self._device.fill(
            {
                (uuid, device.name, device.uuid): (device.size, device.unused)
                for uuid, device in devices
            }
        )
        yield self._errors.fill(
            {
                (uuid, device.name, device.uuid, kind): (number,)
                for uuid, device in devices
                for kind, number in zip(ERROR_TYPES, device.errors, strict=False)
            }
        )


def _find_ratio(mode: str, devices: int) -> float | None:
    if mode in COPIES:
        return COPIES[mode]
    data_devices = devices - PARITY_DEVICES[mode]
    return devices / data_devices if data_devices > 0 else None
