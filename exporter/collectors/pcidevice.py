"""PCI devices, their links and their virtual functions, from /sys/bus/pci/devices.

Source: Linux drivers/pci/pci-sysfs.c; links since 4.13, power_state since 5.7, SR-IOV since 3.8.
Needs no rights. What a device does not have, such as the link of one that is no PCI Express device,
is absent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePath

from exporter.attributes import Attributes
from exporter.collectors._pci_names import Names, load_pci_ids, name_class, name_device
from exporter.families import Digits, Filled, LabelValues
from exporter.kernel import KernelTree, NoData
from exporter.options import option
from exporter.parsing import integer, shorten
from exporter.table import Column, Table

FOLDER = "bus/pci/devices"
NAME_FILES = ("/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids")


@dataclass(frozen=True, slots=True)
class Options:
    """Whether devices are shown with their names, and where these are listed."""

    names: bool = option(False, "Show the names of devices as labels, from pci.ids.")
    idsfile: str = option("", "The pci.ids file (empty: where distributions have it).")


PLACE = ("segment", "bus", "device", "function")
INFO = Column("node_pcidevice_info", "What the device is; always 1.", "gauge")
INFO_LABELS = (
    *PLACE,
    *(f"parent_{part}" for part in PLACE),
    "class_id",
    "vendor_id",
    "device_id",
    "subsystem_vendor_id",
    "subsystem_device_id",
    "revision",
)
NAME_LABELS = (
    "vendor_name",
    "device_name",
    "subsystem_vendor_name",
    "subsystem_device_name",
    "class_name",
)
TEXTS = ("class", "vendor", "device", "subsystem_vendor", "subsystem_device", "revision")

FILES = {
    "max_link_speed": Column(
        "node_pcidevice_max_link_transfers_per_second",
        "Transfers per second of the fastest link that the device can have.",
        "gauge",
        9,
    ),
    "max_link_width": Column(
        "node_pcidevice_max_link_width", "Lanes of the widest link it can have.", "gauge"
    ),
    "current_link_speed": Column(
        "node_pcidevice_current_link_transfers_per_second",
        "Transfers per second of the link as it is.",
        "gauge",
        9,
    ),
    "current_link_width": Column(
        "node_pcidevice_current_link_width", "Lanes of the link as it is; 0 without.", "gauge"
    ),
    "d3cold_allowed": Column(
        "node_pcidevice_d3cold_allowed", "Whether the device may be switched off.", "gauge"
    ),
    "sriov_drivers_autoprobe": Column(
        "node_pcidevice_sriov_drivers_autoprobe",
        "Whether new virtual functions get a driver by themselves.",
        "gauge",
    ),
    "sriov_numvfs": Column(
        "node_pcidevice_sriov_numvfs", "Virtual functions that the device has now.", "gauge"
    ),
    "sriov_totalvfs": Column(
        "node_pcidevice_sriov_totalvfs", "Virtual functions that it can have.", "gauge"
    ),
    "sriov_vf_total_msix": Column(
        "node_pcidevice_sriov_vf_total_msix",
        "Interrupt vectors (MSI-X) for all virtual functions.",
        "gauge",
    ),
    "numa_node": Column(
        "node_pcidevice_numa_node", "The NUMA node that the device is next to.", "gauge"
    ),
}
POWER = Column("node_pcidevice_power_state", "Whether the device is in this state.", "gauge")
POWER_STATES = ("D0", "D1", "D2", "D3hot", "D3cold", "unknown", "error")

UNKNOWN = frozenset({b"", b"255", b"-1"})
"""Of a width (PCIE_LNK_WIDTH_UNKNOWN of the kernel) and of a node."""

_PLACE = re.compile(r"([0-9a-f]{4,8}):([0-9a-f]{2}):([0-9a-f]{2})\.([0-9a-f])\Z")
_SPEED = re.compile(rb"([0-9]{1,4}(?:\.[0-9]{1,4})?) GT/s")


def parse_place(name: str) -> tuple[str, ...]:
    """Take `0000:00:1f.6` apart. Raises ValueError when it is no place on the bus."""
    match = _PLACE.match(name)
    if match is None:
        raise ValueError(f"not the place of a PCI device: {name[:60]!a}")
    return match.groups()


def parse_number(text: bytes) -> Digits | None:
    """Check a speed (`8.0 GT/s PCIe`), width, count or node; None when the kernel knows none.

    Raises ValueError on anything else.
    """
    if match := _SPEED.match(text):
        return match[1]
    if text in UNKNOWN or text.startswith(b"Unknown"):
        return None
    try:
        return integer(text)
    except ValueError as error:
        raise ValueError(f"not a number of a PCI device: {shorten(text)}") from error


class PcideviceCollector:
    """What PCI devices are, how fast they are connected and how they are powered."""

    name = "pcidevice"

    def __init__(
        self,
        kernel: KernelTree,
        options: Options | None = None,
        *,
        load_names: Callable[[Iterable[str]], Names] = load_pci_ids,
    ) -> None:
        self._kernel = kernel
        self._load_names = load_names
        self._options = options or Options()
        self._attributes = Attributes(kernel, FOLDER)
        self._found: list[tuple[str, int]] = []
        self._devices: dict[str, LabelValues] = {}
        labels = (*INFO_LABELS, *NAME_LABELS) if self._options.names else INFO_LABELS
        self._info = Table((INFO,), labels)
        self._numbers = Table(tuple(FILES.values()), PLACE)
        self._powers = Table((POWER,), (*PLACE, "state"))

    def collect(self) -> Iterable[Filled]:
        """Yield the devices with what identifies them, their numbers and their power states."""
        found = self._kernel.list_inodes(FOLDER)
        if not found:
            raise NoData("/sys/bus/pci/devices is empty or missing: no PCI devices")
        if found != self._found:
            self._find(found)
        yield self._filled_info
        yield self._numbers.fill(
            {
                place: [self._read(f"{name}/{file}") for file in FILES]
                for name, place in self._devices.items()
            }
        )
        yield self._powers.fill(
            {
                (*place, state): [int(state == current)]
                for name, place in self._devices.items()
                if (current := self._attributes.text(f"{name}/power_state"))
                for state in POWER_STATES
            }
        )

    def _read(self, path: str) -> Digits | None:
        text = self._attributes.read(path)
        return None if text is None else parse_number(text)

    def _find(self, found: list[tuple[str, int]]) -> None:
        """Identify all devices anew, since one came, went or took the place of another."""
        self._attributes.forget()
        names: Names = {}
        if self._options.names:
            given = self._options.idsfile
            paths = [given] if given else [self._kernel.on_host(path) for path in NAME_FILES]
            names = self._load_names(paths)
        self._devices = {name: parse_place(name) for name, _ in found}
        self._filled_info = self._info.fill(
            {(*place, *self._identify(name, names)): [1] for name, place in self._devices.items()}
        )
        self._found = found

    def _identify(self, name: str, names: Names) -> list[str]:
        """Give the parent's place, what the device is, and its names if they are wanted."""
        parent = _PLACE.match(PurePath(self._kernel.resolve(f"{FOLDER}/{name}")).parent.name)
        texts = [self._attributes.text(f"{name}/{file}") or "" for file in TEXTS]
        labels = [*(parent.groups() if parent else "****"), *texts]
        if self._options.names:
            kind, vendor, device, owner, model, _ = (text.removeprefix("0x") for text in texts)
            labels += name_device(names, vendor=vendor, device=device, owner=owner, model=model)
            labels.append(name_class(names, kind))
        return labels
