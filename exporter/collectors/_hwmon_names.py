"""Names of the attributes of hwmon chips, and the metrics that they are shown as (part of hwmon).

Source: Linux Documentation/hwmon/sysfs-interface.rst. Most attributes are integers in thousandths
or millionths of the unit that their metric is in.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from exporter.table import Column


class Place(NamedTuple):
    """What the name of an attribute says: `temp1_crit` is the element `crit` of sensor temp1."""

    kind: str
    number: int
    element: str

    @property
    def sensor(self) -> str:
        """The label of the sensor; one without a number has number 0."""
        return f"{self.kind}{self.number}"


KINDS = frozenset(
    {
        "beep_enable", "cpu", "curr", "energy", "fan", "freq", "humidity", "in", "intrusion",
        "power", "pwm", "temp", "update_interval", "vrm",
    }
)  # fmt: skip

_NAME = re.compile(r"([^0-9]+)([0-9]{0,9})(?:_(.+))?\Z")
_NOT_IN_NAMES = re.compile("[^a-z0-9:_]")


def parse_name(file: str) -> Place | None:
    """Take the name of an attribute apart; None when it is not one of a sensor."""
    match = _NAME.match(file)
    if match is None or match[1] not in KINDS:
        return None
    return Place(match[1], int(match[2] or 0), match[3] or "")


def clean(text: str) -> str:
    """Make a name of letters, digits, colons and underscores out of a text."""
    return _NOT_IN_NAMES.sub("_", text.lower()).strip("_")


class _Unit(NamedTuple):
    suffix: str
    exponent: int
    what: str


_UNITS = {
    "in": _Unit("_volts", -3, "Voltage in volts"),
    "cpu": _Unit("_volts", -3, "Core voltage in volts"),
    "temp": _Unit("_celsius", -3, "Temperature in degrees Celsius"),
    "curr": _Unit("_amps", -3, "Current in amperes"),
    "energy": _Unit("_joule_total", -6, "Energy used so far in joules"),
    "power": _Unit("_watt", -6, "Power in watts"),
    "humidity": _Unit("", -5, "Relative humidity as a ratio"),
}
_INTERVAL = _Unit("_seconds", -3, "Time over which power is averaged in seconds")
_SPEED = _Unit("_rpm", 0, "Fan speed in revolutions per minute")
_SPECIAL = {
    ("power", "accuracy"): _Unit("", -6, "Accuracy of the power meter as a ratio"),
    ("power", "average_interval"): _INTERVAL,
    ("power", "average_interval_min"): _INTERVAL,
    ("power", "average_interval_max"): _INTERVAL,
    ("fan", "input"): _SPEED,
    ("fan", "min"): _SPEED,
    ("fan", "max"): _SPEED,
    ("fan", "target"): _SPEED,
    ("freq", "input"): _Unit("_freq_mhz", -6, "Frequency in MHz"),
    ("temp", "type"): _Unit("", 0, "Kind of the temperature sensor, as the kernel numbers them"),
}
_WHOLE_CHIP = {
    "beep_enable": Column(
        "node_hwmon_beep_enabled", "Whether the chip beeps when there is an alarm.", "gauge"
    ),
    "vrm": Column(
        "node_hwmon_voltage_regulator_version",
        "Version of the voltage regulator standard, times ten.",
        "gauge",
    ),
    "update_interval": Column(
        "node_hwmon_update_interval_seconds", "How often the chip measures.", "gauge", -3
    ),
}


def find_column(place: Place, *, has_bare: bool) -> Column | None:
    """Name the metric of an attribute; None when it is shown in another way.

    `has_bare` tells that the sensor also has an attribute without an element (`temp1` beside
    `temp1_input`), which then has the name that is otherwise the input's.
    """
    kind, _, element = place
    if kind in _WHOLE_CHIP:
        return None if element else _WHOLE_CHIP[kind]
    if element == "label":
        return None
    unit = _unit(kind, element)
    shown = clean(element)
    bare = not element or (element == "input" and not has_bare)
    name = f"node_hwmon_{kind}" + ("" if bare else f"_{shown}") + unit.suffix
    help_text = f"{unit.what} ({shown or 'input'})."
    return Column(
        name, help_text, "counter" if kind == "energy" and unit.suffix else "gauge", unit.exponent
    )


def _unit(kind: str, element: str) -> _Unit:
    if element in {"fault", "alarm"}:
        return _Unit("", 0, f"Whether there is something wrong with the {kind} sensor")
    if element == "beep":
        return _Unit("_enabled", 0, f"Whether an alarm of the {kind} sensor beeps")
    fallback = _Unit("", 0, f"Attribute of {kind} sensors as the kernel gives it")
    return _SPECIAL.get((kind, element)) or _UNITS.get(kind) or fallback
