"""The host's clock, time zone and clock sources.

Sources: the real-time clock, and /sys/devices/system/clocksource (Linux kernel/time/clocksource.c).
Needs no rights.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from exporter.families import Filled, Layout, Series
from exporter.kernel import KernelTree

CLOCKSOURCES = "devices/system/clocksource"


def parse_clocksources(text: bytes) -> list[str]:
    """Parse the names in `tsc hpet acpi_pm`."""
    return text.decode("utf-8", "replace").split()


class TimeCollector:
    """Time, zone, and the hardware clocks the kernel could use and does use."""

    name = "time"

    def __init__(
        self,
        kernel: KernelTree,
        *,
        now: Callable[[], float] = time.time,  # noqa: TID251 -- the date itself is the metric
        localtime: Callable[[float], time.struct_time] = time.localtime,
    ) -> None:
        self._now = now
        self._localtime = localtime
        self._devices = [
            name.removeprefix("clocksource")
            for name in kernel.list_matching(CLOCKSOURCES, "clocksource[0-9]*")
        ]
        self._files = [
            kernel.sys(f"{CLOCKSOURCES}/clocksource{device}/{name}")
            for name in ("available_clocksource", "current_clocksource")
            for device in self._devices
        ]
        self._texts: list[bytes] = []
        self._zone: str | None = None
        self._clock = Layout(())
        self._clocksources = Layout(()).fill(())

    def collect(self) -> Iterator[Filled]:
        """Yield node_time_seconds and what belongs to it."""
        now = self._now()
        local = self._localtime(now)
        if local.tm_zone != self._zone:
            self._clock = _lay_out_clock(local.tm_zone)
            self._zone = local.tm_zone
        yield self._clock.fill((now, local.tm_gmtoff))
        texts = [file.read() for file in self._files]
        if texts != self._texts:
            self._clocksources = self._lay_out(texts)
            self._texts = texts
        if texts:
            yield self._clocksources

    def _lay_out(self, texts: list[bytes]) -> Filled:
        middle = len(self._devices)
        available = self._rows(texts[:middle])
        current = self._rows(texts[middle:])
        labels = ("device", "clocksource")
        layout = Layout(
            (
                Series(
                    "node_time_clocksource_available_info",
                    "Clock sources the kernel could use; always 1.",
                    "gauge",
                    labels,
                    available,
                ),
                Series(
                    "node_time_clocksource_current_info",
                    "The clock source the kernel uses; always 1.",
                    "gauge",
                    labels,
                    current,
                ),
            )
        )
        return layout.fill([b"1"] * layout.size)

    def _rows(self, texts: list[bytes]) -> list[tuple[str, ...]]:
        return [
            (device, source)
            for device, text in zip(self._devices, texts, strict=True)
            for source in parse_clocksources(text)
        ]


def _lay_out_clock(zone: str) -> Layout:
    return Layout(
        (
            Series("node_time_seconds", "The host's clock, in Unix time.", "gauge"),
            Series(
                "node_time_zone_offset_seconds",
                "How far the time zone is ahead of UTC.",
                "gauge",
                ("time_zone",),
                [(zone,)],
            ),
        )
    )
