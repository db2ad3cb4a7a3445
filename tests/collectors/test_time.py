"""The time collector: the clock, the zone and /sys/devices/system/clocksource."""

from __future__ import annotations

import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.time import TimeCollector, parse_clocksources

NOW = 1795257079.9723964
CLOCKSOURCE = "sys/devices/system/clocksource/clocksource0"


def in_zone(name: str, offset: int) -> Any:
    """Make a localtime of a zone."""

    def localtime(now: float) -> time.struct_time:
        fields = time.gmtime(now + offset)
        return time.struct_time((*fields[:9], name, offset))

    return localtime


def test_parse_takes_the_names() -> None:
    """The kernel ends the list with a space."""
    assert parse_clocksources(b"tsc kvm-clock \n") == ["tsc", "kvm-clock"]


@given(st.binary(max_size=100))
def test_parse_takes_anything(text: bytes) -> None:
    """There is no wrong list of names."""
    assert all(name.strip() == name for name in parse_clocksources(text))


def test_clock_zone_and_clocksources(host: Any) -> None:
    """The clock is told to the microsecond, the zone with its sign."""
    host.write(f"{CLOCKSOURCE}/available_clocksource", "tsc kvm-clock \n")
    host.write(f"{CLOCKSOURCE}/current_clocksource", "tsc\n")
    collector = TimeCollector(host.kernel, now=lambda: NOW, localtime=in_zone("EST", -18000))
    assert host.samples(collector) == {
        "node_time_seconds": NOW,
        'node_time_zone_offset_seconds{time_zone="EST"}': -18000,
        'node_time_clocksource_available_info{clocksource="tsc",device="0"}': 1,
        'node_time_clocksource_available_info{clocksource="kvm-clock",device="0"}': 1,
        'node_time_clocksource_current_info{clocksource="tsc",device="0"}': 1,
    }


def test_another_current_clocksource_is_seen(host: Any) -> None:
    """The kernel drops an unstable clock while it runs: the series follows."""
    host.write(f"{CLOCKSOURCE}/available_clocksource", "tsc hpet \n")
    host.write(f"{CLOCKSOURCE}/current_clocksource", "tsc\n")
    collector = TimeCollector(host.kernel, now=lambda: NOW)
    host.samples(collector)
    host.write(f"{CLOCKSOURCE}/current_clocksource", "hpet\n")
    current = [name for name in host.samples(collector) if "current" in name]
    assert current == ['node_time_clocksource_current_info{clocksource="hpet",device="0"}']


def test_host_without_sysfs_still_tells_the_time(host: Any) -> None:
    """No clock sources: no series of them."""
    collector = TimeCollector(host.kernel, now=lambda: NOW, localtime=in_zone("UTC", 0))
    assert set(host.samples(collector)) == {
        "node_time_seconds",
        'node_time_zone_offset_seconds{time_zone="UTC"}',
    }
