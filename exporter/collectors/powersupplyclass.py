"""Batteries and mains adapters from /sys/class/power_supply.

Source: Linux drivers/power/supply/power_supply_sysfs.c, since 2.6.23. What there is depends on the
driver. Asking a battery may take milliseconds, because its firmware is asked. Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from exporter.attributes import Attributes
from exporter.families import Filled
from exporter.kernel import KernelTree, NoData
from exporter.options import option, parse_regexp
from exporter.table import Column, Table


@dataclass(frozen=True, slots=True)
class Options:
    """Which supplies are shown."""

    ignored_supplies: re.Pattern[str] | None = option(
        re.compile("^$"), "Regexp of power supplies to leave out.", parse=parse_regexp
    )


def _column(name: str, meaning: str, exponent: int = 0) -> Column:
    return Column(f"node_power_supply_{name}", f"{meaning}.", "gauge", exponent)


FILES = {
    "authentic": _column("authentic", "Whether the battery is known to be genuine"),
    "calibrate": _column("calibrate", "Whether the battery is being calibrated"),
    "capacity": _column("capacity", "Charge of the battery, in percent"),
    "capacity_alert_max": _column("capacity_alert_max", "Percent above which there is an alert"),
    "capacity_alert_min": _column("capacity_alert_min", "Percent below which there is an alert"),
    "cycle_count": _column("cyclecount", "How often the battery was charged and discharged"),
    "online": _column("online", "Whether it supplies power: 1 or, for USB, 2 by its own terms"),
    "present": _column("present", "Whether the battery is there"),
    "time_to_empty_now": _column("time_to_empty_seconds", "Seconds until the battery is empty"),
    "time_to_full_now": _column("time_to_full_seconds", "Seconds until the battery is full"),
    "current_boot": _column("current_boot", "Current at boot, in amperes", -6),
    "current_max": _column("current_max", "Highest current, in amperes", -6),
    "current_now": _column("current_ampere", "Current, in amperes", -6),
    "energy_empty": _column("energy_empty", "Energy of the empty battery, in watt-hours", -6),
    "energy_empty_design": _column(
        "energy_empty_design", "Energy of the empty battery when it was new, in watt-hours", -6
    ),
    "energy_full": _column("energy_full", "Energy of the full battery, in watt-hours", -6),
    "energy_full_design": _column(
        "energy_full_design", "Energy of the full battery when it was new, in watt-hours", -6
    ),
    "energy_now": _column("energy_watthour", "Energy in the battery, in watt-hours", -6),
    "voltage_boot": _column("voltage_boot", "Voltage at boot, in volts", -6),
    "voltage_max": _column("voltage_max", "Highest voltage, in volts", -6),
    "voltage_max_design": _column("voltage_max_design", "Highest voltage by design, in volts", -6),
    "voltage_min": _column("voltage_min", "Lowest voltage, in volts", -6),
    "voltage_min_design": _column("voltage_min_design", "Lowest voltage by design, in volts", -6),
    "voltage_now": _column("voltage_volt", "Voltage, in volts", -6),
    "voltage_ocv": _column("voltage_ocv", "Voltage of the open circuit, in volts", -6),
    "charge_control_limit": _column(
        "charge_control_limit", "Limit set for charging, in millionths of the driver's unit", -6
    ),
    "charge_control_limit_max": _column(
        "charge_control_limit_max",
        "Highest limit for charging, in millionths of the driver's unit",
        -6,
    ),
    "charge_counter": _column("charge_counter", "Charge counted so far, in ampere-hours", -6),
    "charge_empty": _column("charge_empty", "Charge of the empty battery, in ampere-hours", -6),
    "charge_empty_design": _column(
        "charge_empty_design", "Charge of the empty battery when it was new, in ampere-hours", -6
    ),
    "charge_full": _column("charge_full", "Charge of the full battery, in ampere-hours", -6),
    "charge_full_design": _column(
        "charge_full_design", "Charge of the full battery when it was new, in ampere-hours", -6
    ),
    "charge_now": _column("charge_ampere", "Charge in the battery, in ampere-hours", -6),
    "charge_term_current": _column(
        "charge_term_current", "Current at which charging ends, in amperes", -6
    ),
    "constant_charge_current": _column(
        "constant_charge_current", "Current set for charging, in amperes", -6
    ),
    "constant_charge_current_max": _column(
        "constant_charge_current_max", "Highest current for charging, in amperes", -6
    ),
    "constant_charge_voltage": _column(
        "constant_charge_voltage", "Voltage set for charging, in volts", -6
    ),
    "constant_charge_voltage_max": _column(
        "constant_charge_voltage_max", "Highest voltage for charging, in volts", -6
    ),
    "precharge_current": _column(
        "precharge_current", "Current while a flat battery is charged, in amperes", -6
    ),
    "input_current_limit": _column(
        "input_current_limit", "Highest current taken in, in amperes", -6
    ),
    "power_now": _column("power_watt", "Power, in watts", -6),
    "temp": _column("temp_celsius", "Temperature, in degrees Celsius", -1),
    "temp_alert_max": _column(
        "temp_alert_max_celsius", "Temperature above which there is an alert", -1
    ),
    "temp_alert_min": _column(
        "temp_alert_min_celsius", "Temperature below which there is an alert", -1
    ),
    "temp_ambient": _column(
        "temp_ambient_celsius", "Temperature around it, in degrees Celsius", -1
    ),
    "temp_ambient_max": _column(
        "temp_ambient_max_celsius", "Highest temperature around it, in degrees Celsius", -1
    ),
    "temp_ambient_min": _column(
        "temp_ambient_min_celsius", "Lowest temperature around it, in degrees Celsius", -1
    ),
    "temp_max": _column("temp_max_celsius", "Highest temperature, in degrees Celsius", -1),
    "temp_min": _column("temp_min_celsius", "Lowest temperature, in degrees Celsius", -1),
}

TEXTS = (
    "capacity_level",
    "charge_type",
    "health",
    "manufacturer",
    "model_name",
    "scope",
    "serial_number",
    "status",
    "technology",
    "type",
    "usb_type",
)


class PowersupplyclassCollector:
    """What batteries and adapters say of themselves."""

    name = "powersupplyclass"

    def __init__(self, kernel: KernelTree, options: Options | None = None) -> None:
        self._attributes = Attributes(kernel, "class/power_supply")
        self._ignored = (options or Options()).ignored_supplies
        self._numbers = Table(tuple(FILES.values()), ("power_supply",))
        self._info = Table(
            (_column("info", "What kind of supply it is, and how it is; always 1"),),
            ("power_supply", *TEXTS),
        )

    def collect(self) -> Iterable[Filled]:
        """Yield one gauge for each number that a supply has, and its texts as labels."""
        supplies = self._attributes.names()
        if self._ignored is not None:
            supplies = [name for name in supplies if not self._ignored.search(name)]
        if not supplies:
            raise NoData("/sys/class/power_supply is empty or missing: no batteries or adapters")
        number = self._attributes.number
        text = self._attributes.text
        yield self._numbers.fill(
            {(name,): [number(f"{name}/{file}") for file in FILES] for name in supplies}
        )
        yield self._info.fill(
            {(name, *(text(f"{name}/{file}") or "" for file in TEXTS)): [1] for name in supplies}
        )
