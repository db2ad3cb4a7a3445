"""Thermal zones and cooling devices from /sys/class/thermal.

Source: Linux drivers/thermal/thermal_sysfs.c, since 2.6.25. Needs no rights. A sensor that is
asleep or does not answer has no temperature, and no series.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from exporter.attributes import Attributes
from exporter.families import Digits, Filled
from exporter.kernel import KernelTree, NoData
from exporter.table import Column, Table

ZONES = (
    Column("node_thermal_zone_temp", "Temperature of the zone, in degrees Celsius.", "gauge", -3),
)
DEVICES = (
    Column(
        "node_cooling_device_cur_state",
        "How strongly the device cools or throttles now: 0 is not at all, -1 is switched off.",
        "gauge",
    ),
    Column("node_cooling_device_max_state", "The strongest state of the device.", "gauge"),
)

UNKNOWN_STATE = b"-1"
"""What intel_powerclamp says while it does not clamp: the kernel calls it an invalid state."""


class ThermalZoneCollector:
    """Temperatures of thermal zones, and what cools them."""

    name = "thermal_zone"

    def __init__(self, kernel: KernelTree) -> None:
        self._attributes = Attributes(kernel, "class/thermal")
        self._zones = Table(ZONES, ("zone", "type"))
        self._devices = Table(DEVICES, ("name", "type"))

    def collect(self) -> Iterable[Filled]:
        """Yield a temperature per zone, and two states per cooling device."""
        names = self._attributes.names()
        if not names:
            raise NoData("/sys/class/thermal is empty or missing: no thermal zones here")
        yield self._zones.fill(self._read(names, "thermal_zone", ("temp",)))
        states = self._read(names, "cooling_device", ("cur_state", "max_state"))
        for row in states.values():
            if row[0] == UNKNOWN_STATE:
                row[0] = None
        yield self._devices.fill(states)

    def _read(
        self, names: Sequence[str], prefix: str, files: Sequence[str]
    ) -> dict[tuple[str, ...], list[Digits | None]]:
        number = self._attributes.number
        text = self._attributes.text
        return {
            (name.removeprefix(prefix), text(f"{name}/type") or ""): [
                number(f"{name}/{file}") for file in files
            ]
            for name in names
            if name.startswith(prefix)
        }
