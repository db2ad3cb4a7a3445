"""NVMe controllers and their namespaces from /sys/class/nvme.

Source: Linux drivers/nvme/host/sysfs.c, since 4.4. `nuse`, the blocks in use, is there since 6.8,
and the device is asked for it, at most once in five seconds. With native multipath the namespace of
a controller is called nvme0c0n1. Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from exporter.attributes import Attributes
from exporter.families import Filled, LabelValues
from exporter.kernel import KernelTree, NoData
from exporter.table import Column, Table

FOLDER = "class/nvme"

SECTOR_BYTES = 512
"""What `size` is in, as for all block devices, whatever the blocks of the namespace are."""

TEXTS = ("firmware_rev", "model", "serial", "state", "cntlid")

NAMESPACES = (
    Column("node_nvme_namespace_capacity_bytes", "Size of the namespace in bytes.", "gauge"),
    Column("node_nvme_namespace_size_bytes", "Size of the namespace in bytes.", "gauge"),
    Column("node_nvme_namespace_used_bytes", "Bytes of the namespace that are in use.", "gauge"),
    Column(
        "node_nvme_namespace_logical_block_size_bytes",
        "Size of the namespace's logical blocks in bytes.",
        "gauge",
    ),
)

_NAMESPACE = re.compile(r"nvme[0-9]+(?:c[0-9]+)?n([0-9]+)\Z")


class NvmeCollector:
    """What NVMe controllers are, how they are, and how large their namespaces."""

    name = "nvme"

    def __init__(self, kernel: KernelTree) -> None:
        self._kernel = kernel
        self._attributes = Attributes(kernel, FOLDER)
        self._info = Table(
            (Column("node_nvme_info", "What the controller is; always 1.", "gauge"),),
            ("device", "firmware_revision", "model", "serial", "state", "cntlid"),
        )
        self._namespace_info = Table(
            (
                Column(
                    "node_nvme_namespace_info",
                    "How the controller reaches the namespace; always 1.",
                    "gauge",
                ),
            ),
            ("device", "nsid", "ana_state"),
        )
        self._namespaces = Table(NAMESPACES, ("device", "nsid"))

    def collect(self) -> Iterable[Filled]:
        """Yield the controllers, and the size and use of their namespaces."""
        devices = self._attributes.names()
        if not devices:
            raise NoData("/sys/class/nvme is empty or missing: no NVMe controllers")
        text = self._attributes.text
        controllers: dict[LabelValues, list[int]] = {}
        states: dict[LabelValues, list[int]] = {}
        sizes: dict[LabelValues, list[int | None]] = {}
        for device in devices:
            controllers[device, *(text(f"{device}/{file}") or "" for file in TEXTS)] = [1]
            for nsid, path in self._find_namespaces(device):
                states[device, nsid, text(f"{path}/ana_state") or "unknown"] = [1]
                sizes[device, nsid] = self._measure(path)
        yield self._info.fill(controllers)
        yield self._namespace_info.fill(states)
        yield self._namespaces.fill(sizes)

    def _find_namespaces(self, device: str) -> Iterator[tuple[str, str]]:
        for name in self._kernel.list_folder(f"{FOLDER}/{device}"):
            if match := _NAMESPACE.match(name):
                yield match[1], f"{device}/{name}"

    def _measure(self, path: str) -> list[int | None]:
        number = self._attributes.number
        sectors = number(f"{path}/size")
        used = number(f"{path}/nuse")
        block = number(f"{path}/queue/logical_block_size")
        size = None if sectors is None else int(sectors) * SECTOR_BYTES
        return [
            size,
            size,
            None if used is None or block is None else int(used) * int(block),
            None if block is None else int(block),
        ]
