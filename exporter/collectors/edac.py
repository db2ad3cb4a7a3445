"""Memory errors from /sys/devices/system/edac/mc.

Source: Linux drivers/edac/edac_mc_sysfs.c, since 2.6.16; absent without ECC memory and a driver for
its controller. Rows of chips (csrowN) are absent where the kernel is built without
CONFIG_EDAC_LEGACY_SYSFS. Needs no rights.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from exporter.attributes import Attributes
from exporter.families import Digits, Filled, LabelValues
from exporter.kernel import KernelTree, NoData
from exporter.table import Column, Table

FOLDER = "devices/system/edac/mc"

CONTROLLERS = (
    Column(
        "node_edac_correctable_errors_total",
        "Memory errors of the controller that were corrected.",
        "counter",
    ),
    Column(
        "node_edac_uncorrectable_errors_total",
        "Memory errors of the controller that could not be corrected.",
        "counter",
    ),
)
ROWS = (
    Column(
        "node_edac_csrow_correctable_errors_total",
        "Memory errors of the row of chips that were corrected.",
        "counter",
    ),
    Column(
        "node_edac_csrow_uncorrectable_errors_total",
        "Memory errors of the row of chips that could not be corrected.",
        "counter",
    ),
)

Paths = dict[LabelValues, tuple[str, str]]
"""The files of a row's two counters."""


class EdacCollector:
    """Errors of memory controllers and their rows of chips."""

    name = "edac"

    def __init__(self, kernel: KernelTree) -> None:
        self._kernel = kernel
        self._attributes = Attributes(kernel, FOLDER)
        self._folders: list[str] = []
        self._controller_paths: Paths = {}
        self._row_paths: Paths = {}
        self._controllers = Table(CONTROLLERS, ("controller",))
        self._rows = Table(ROWS, ("controller", "csrow"))

    def collect(self) -> Iterable[Filled]:
        """Yield two counters for each controller, and for each of its rows."""
        folders = self._attributes.names("mc")
        if not folders:
            raise NoData("/sys/devices/system/edac/mc has no controllers: no ECC, or no driver")
        if folders != self._folders:
            self._find(folders)
            self._folders = folders
        yield self._controllers.fill(self._read(self._controller_paths))
        yield self._rows.fill(self._read(self._row_paths))

    def _read(
        self, paths: Mapping[LabelValues, tuple[str, str]]
    ) -> dict[LabelValues, list[Digits | None]]:
        number = self._attributes.number
        return {labels: [number(path) for path in pair] for labels, pair in paths.items()}

    def _find(self, folders: Sequence[str]) -> None:
        self._controller_paths = {}
        self._row_paths = {}
        for folder in folders:
            controller = folder.removeprefix("mc")
            self._controller_paths[controller,] = (f"{folder}/ce_count", f"{folder}/ue_count")
            self._row_paths[controller, "unknown"] = (
                f"{folder}/ce_noinfo_count",
                f"{folder}/ue_noinfo_count",
            )
            for name in self._kernel.list_folder(f"{FOLDER}/{folder}"):
                row = name.removeprefix("csrow")
                if row.isdigit():
                    path = f"{folder}/{name}"
                    self._row_paths[controller, row] = (f"{path}/ce_count", f"{path}/ue_count")
