"""Watchdog timers from /sys/class/watchdog.

Source: Linux drivers/watchdog/watchdog_dev.c, since 4.5 where CONFIG_WATCHDOG_SYSFS is set. What
the driver does not support (`timeleft`, `pretimeout`) is absent. Needs no rights.
"""

from __future__ import annotations

from collections.abc import Iterable

from exporter.attributes import Attributes
from exporter.families import Filled
from exporter.kernel import KernelTree, NoData
from exporter.table import Column, Table

FILES = {
    "bootstatus": Column(
        "node_watchdog_bootstatus", "Why the machine was started, as bits; 32 is a reset.", "gauge"
    ),
    "fw_version": Column("node_watchdog_fw_version", "Version of the device's firmware.", "gauge"),
    "nowayout": Column(
        "node_watchdog_nowayout", "Whether it cannot be stopped once it runs.", "gauge"
    ),
    "timeleft": Column(
        "node_watchdog_timeleft_seconds", "Time until it resets the machine.", "gauge"
    ),
    "timeout": Column(
        "node_watchdog_timeout_seconds", "Time without a sign of life until a reset.", "gauge"
    ),
    "pretimeout": Column(
        "node_watchdog_pretimeout_seconds", "How long before the reset it warns.", "gauge"
    ),
    "access_cs0": Column(
        "node_watchdog_access_cs0", "Whether it was started from the other flash chip.", "gauge"
    ),
}
TEXTS = ("options", "identity", "state", "status", "pretimeout_governor")


class WatchdogCollector:
    """Timers that reset the machine when it hangs."""

    name = "watchdog"

    def __init__(self, kernel: KernelTree) -> None:
        self._attributes = Attributes(kernel, "class/watchdog")
        self._numbers = Table(tuple(FILES.values()), ("name",))
        self._info = Table(
            (Column("node_watchdog_info", "What the watchdog is; always 1.", "gauge"),),
            ("name", *TEXTS),
        )

    def collect(self) -> Iterable[Filled]:
        """Yield the numbers of each watchdog, and its texts as labels."""
        names = self._attributes.names()
        if not names:
            raise NoData("/sys/class/watchdog is empty or missing: no watchdog here")
        number = self._attributes.number
        text = self._attributes.text
        yield self._numbers.fill(
            {(name,): [number(f"{name}/{file}") for file in FILES] for name in names}
        )
        yield self._info.fill(
            {(name, *(text(f"{name}/{file}") or "" for file in TEXTS)): [1] for name in names}
        )
