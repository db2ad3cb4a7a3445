"""What the firmware says of the machine, from /sys/class/dmi/id.

Source: Linux drivers/firmware/dmi-id.c, since 2.6.22 (bios_release since 5.8); x86, and arm64 with
ACPI. Serial numbers and product_uuid are for root only and absent otherwise. It does not change
while the kernel runs, and is read once.
"""

from __future__ import annotations

from collections.abc import Iterable

from exporter.attributes import Attributes
from exporter.families import Family
from exporter.kernel import KernelTree, NoData

FILES = (
    "bios_date",
    "bios_release",
    "bios_vendor",
    "bios_version",
    "board_asset_tag",
    "board_name",
    "board_serial",
    "board_vendor",
    "board_version",
    "chassis_asset_tag",
    "chassis_serial",
    "chassis_vendor",
    "chassis_version",
    "product_family",
    "product_name",
    "product_serial",
    "product_sku",
    "product_uuid",
    "product_version",
    "sys_vendor",
)
"""Their names are those of the labels, but for sys_vendor."""


class DmiCollector:
    """Names, versions and numbers of firmware, board, chassis and product."""

    name = "dmi"

    def __init__(self, kernel: KernelTree) -> None:
        self._attributes = Attributes(kernel, "class/dmi/id")
        self._info: Family | None = None

    def collect(self) -> Iterable[Family]:
        """Yield node_dmi_info, the same one each time."""
        if self._info is None:
            self._info = self._read()
        yield self._info

    def _read(self) -> Family:
        labels = {}
        for file in FILES:
            if text := self._attributes.text(file):
                labels["system_vendor" if file == "sys_vendor" else file] = text
        self._attributes.forget()
        if not labels:
            raise NoData("/sys/class/dmi/id is missing: this machine has no DMI")
        return Family(
            "node_dmi_info",
            "What the firmware says of the machine; always 1.",
            "gauge",
            tuple(labels),
            [(tuple(labels.values()), 1)],
        )
