"""NVMe controllers and their namespaces from /sys/class/nvme.

Source: Linux drivers/nvme/host/sysfs.c, since 4.4. `nuse`, the blocks in use, is there since 6.8,
and the device is asked for it, at most once in five seconds. With native multipath the namespace of
a controller is called nvme0c0n1. Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from exporter.attributes import Attributes
from exporter.families import Filled, LabelValues
from exporter.kernel import KernelTree, NoData
from exporter.parsing import integer
from exporter.table import Column, Table

FOLDER = "class/nvme"

SECTOR_BYTES = 512
"""What `size` is in, as for all block devices, whatever the blocks of the namespace are."""

TEXTS = ("firmware_rev", "model", "serial", "state", "cntlid")
CONSTANTS = ("/model", "/serial")
"""What neither an update of the firmware nor a reset nor a new connection changes."""

NAMESPACE_FILES = ("ana_state", "size", "nuse", "queue/logical_block_size")

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


def measure(sectors: bytes | None, used: bytes | None, block: bytes | None) -> list[int | None]:
    """Give capacity, size, use and size of blocks in bytes. Raises ValueError on other things."""
    size = int(integer(sectors)) * SECTOR_BYTES if sectors else None
    block_bytes = int(integer(block)) if block else None
    in_use = int(integer(used)) * block_bytes if used and block_bytes else None
    return [size, size, in_use, block_bytes]


class NvmeCollector:
    """What NVMe controllers are, how they are, and how large their namespaces."""

    name = "nvme"

    def __init__(self, kernel: KernelTree) -> None:
        self._kernel = kernel
        self._attributes = Attributes(kernel, FOLDER)
        self._stamps: list[tuple[int, ...]] = []
        self._namespaces_of: dict[str, dict[str, str]] = {}
        """By controller: the folders of its namespaces by their number."""
        self._constants: dict[str, bytes] = {}
        self._paths: list[str] = []
        self._contents: list[bytes | None] = []
        self._filled: Iterable[Filled] = ()
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
        stamps = [self._kernel.folder_stamp(f"{FOLDER}/{device}") for device in devices]
        if stamps != self._stamps:
            self._find(devices)
            self._stamps = stamps
        contents = [self._attributes.read(path) for path in self._paths]
        if contents != self._contents:
            self._fill({**self._constants, **dict(zip(self._paths, contents, strict=True))})
            self._contents = contents
        yield from self._filled

    def _find(self, devices: Iterable[str]) -> None:
        """Look for namespaces, and read what stays, since a device came, went or is another one."""
        self._attributes.forget()
        self._stamps = []
        self._contents = []
        self._namespaces_of = {device: dict(self._list_namespaces(device)) for device in devices}
        texts = [f"{device}/{file}" for device in devices for file in TEXTS]
        self._constants = {
            path: text
            for path in texts
            if path.endswith(CONSTANTS) and (text := self._attributes.read(path))
        }
        folders = [path for paths in self._namespaces_of.values() for path in paths.values()]
        self._paths = [path for path in texts if path not in self._constants]
        self._paths += [f"{folder}/{file}" for folder in folders for file in NAMESPACE_FILES]

    def _list_namespaces(self, device: str) -> Iterator[tuple[str, str]]:
        for name in self._kernel.list_folder(f"{FOLDER}/{device}"):
            if match := _NAMESPACE.match(name):
                yield match[1], f"{device}/{name}"

    def _fill(self, contents: Mapping[str, bytes | None]) -> None:
        controllers: dict[LabelValues, list[int]] = {}
        states: dict[LabelValues, list[int]] = {}
        sizes: dict[LabelValues, list[int | None]] = {}
        for device, namespaces in self._namespaces_of.items():
            paths = [f"{device}/{file}" for file in TEXTS]
            if any(contents[path] for path in paths if path not in self._constants):  # not gone
                controllers[device, *(_decode(contents[path]) for path in paths)] = [1]
            for nsid, folder in namespaces.items():
                state, size, used, block = (
                    contents[f"{folder}/{file}"] for file in NAMESPACE_FILES
                )
                if not size or not block:
                    self._stamps = []  # it comes or goes just now: look again next time
                if size or used or block:
                    states[device, nsid, _decode(state) or "unknown"] = [1]
                    sizes[device, nsid] = measure(size, used, block)
        self._filled = (
            self._info.fill(controllers),
            self._namespace_info.fill(states),
            self._namespaces.fill(sizes),
        )


def _decode(text: bytes | None) -> str:
    return text.decode("utf-8", "replace") if text else ""
