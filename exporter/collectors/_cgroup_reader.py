"""What the files of a control group say, as metrics.

The files of hundreds of groups would fill the table of descriptors: at most half of those that may
be kept open go to groups, the other collectors have the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exporter.attributes import MISSING, NO_VALUE
from exporter.collectors._cgroup_files import DEVICE_SOURCES, SOURCES, DeviceSource, Source
from exporter.collectors._cgroup_tree import Hierarchy
from exporter.families import Number
from exporter.kernel import KernelFile, KernelTree
from exporter.options import NameFilter

LIMIT, PERIOD = "cpu_limit_cores", "cpu_period_seconds"


class Wanted:
    """The files that must be read for the metrics that are wanted."""

    def __init__(self, names: NameFilter) -> None:
        self.sources: dict[str, Sequence[Source]] = {
            controller: [
                source
                for source in sources
                if any(names.accepts(name) or name == PERIOD for name, _ in source.metrics.values())
            ]
            for controller, sources in SOURCES.items()
        }
        self.device_sources: dict[str, Sequence[DeviceSource]] = {
            controller: [
                source for source in sources if any(map(names.accepts, source.metrics.values()))
            ]
            for controller, sources in DEVICE_SOURCES.items()
        }


class Group:
    """The files of one group, until it goes or comes back as another."""

    def __init__(
        self, kernel: KernelTree, path: str, places: Mapping[Hierarchy, int], wanted: Wanted
    ) -> None:
        self._kernel = kernel
        self._folders = {one: one.folder + path.rstrip("/") for one in places}
        self._wanted = wanted
        self._files: dict[str, KernelFile | None] = {}
        self._controllers: bytes | None = None
        self.places = places

    def read_values(self) -> dict[str, Number]:
        """Give the group's numbers by metric."""
        self._look_anew()
        values: dict[str, Number] = {}
        for hierarchy, folder in self._folders.items():
            for controller in hierarchy.controllers:
                for source in self._wanted.sources[controller]:
                    self._read_source(folder, source, values)
        _divide(values)
        return values

    def read_devices(self) -> dict[bytes, dict[str, Number]]:
        """Give the group's numbers by device (8:0) and metric."""
        devices: dict[bytes, dict[str, Number]] = {}
        for hierarchy, folder in self._folders.items():
            for controller in hierarchy.controllers:
                for source in self._wanted.device_sources.get(controller, ()):
                    self._read_device_source(folder, source, devices)
        return devices

    def _read_source(self, folder: str, source: Source, values: dict[str, Number]) -> None:
        content = self._read(f"{folder}/{source.file}")
        if content:
            fields = source.parse(content)
            for field, (metric, zeros) in source.metrics.items():
                if field in fields:
                    values.setdefault(metric, fields[field] + zeros)

    def _read_device_source(
        self, folder: str, source: DeviceSource, devices: dict[bytes, dict[str, Number]]
    ) -> None:
        content = self._read(f"{folder}/{source.file}")
        for device, fields in source.parse(content or b"").items():
            numbers = devices.setdefault(device, {})
            for field, metric in source.metrics.items():
                if field in fields:
                    numbers.setdefault(metric, fields[field])

    def _look_anew(self) -> None:
        """Look for files again when a controller was switched on or off, which makes them come."""
        for hierarchy, folder in self._folders.items():
            if "unified" in hierarchy.controllers:
                controllers = self._read(f"{folder}/cgroup.controllers")
                if controllers != self._controllers:
                    self._files.clear()
                    self._controllers = controllers

    def _read(self, path: str) -> bytes | None:
        """Give a file's content; none when it is not there, may not be read or has no value."""
        if path not in self._files:
            # A long one comes in several pieces: there is a line for each disk.
            self._files[path] = self._kernel.sys_table(path)
        file = self._files[path]
        if file is None:
            return None
        try:
            content = file.read()
        except (*MISSING, PermissionError):
            self._files[path] = None
            return None
        except OSError as error:
            if error.errno not in NO_VALUE:
                raise
            return None
        if self._kernel.kept > self._kernel.max_kept // 2:
            file.close()
        return content


def _divide(values: dict[str, Number]) -> None:
    """Turn quota and period into the number of CPUs that they allow; a lone period says nothing."""
    period = int(values.get(PERIOD, 0))
    if LIMIT in values and period:
        values[LIMIT] = int(values[LIMIT]) / period
    else:
        values.pop(LIMIT, None)
        values.pop(PERIOD, None)


def parse_device_name(text: bytes) -> str | None:
    """Take DEVNAME from a uevent file of a block device."""
    for line in text.splitlines():
        key, _, value = line.partition(b"=")
        if key == b"DEVNAME" and value:
            return value.decode("utf-8", "replace")
    return None


class DeviceNames:
    """Names of block devices by number, as in /proc/diskstats."""

    def __init__(self, kernel: KernelTree) -> None:
        self._kernel = kernel
        self._files: dict[bytes, KernelFile] = {}

    def find(self, number: bytes) -> str:
        """Name `8:0`; it stays a number when sysfs does not know it (any more)."""
        plain = number.decode()
        if number not in self._files:
            self._files[number] = self._kernel.sys(f"dev/block/{plain}/uevent")
        try:
            return parse_device_name(self._files[number].read()) or plain
        except OSError:
            return plain
