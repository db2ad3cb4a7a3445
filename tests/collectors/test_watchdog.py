"""The watchdog collector: /sys/class/watchdog."""

from __future__ import annotations

import shutil

import pytest

from exporter.collectors.watchdog import WatchdogCollector
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

WATCHDOGS = "sys/class/watchdog"


def write_watchdog(host: FakeHost, name: str, **files: str) -> None:
    """Write a watchdog with some attributes."""
    for file, content in files.items():
        host.write(f"{WATCHDOGS}/{name}/{file}", f"{content}\n")


def test_numbers_and_texts_are_shown(host: FakeHost) -> None:
    """Numbers as gauges, texts as labels, and only what the driver has."""
    write_watchdog(
        host,
        "watchdog0",
        bootstatus="32",
        fw_version="4",
        identity="iTCO_wdt",
        nowayout="1",
        options="0x8180",
        pretimeout="5",
        pretimeout_governor="panic",
        state="active",
        status="0x8000",
        timeleft="23",
        timeout="30",
        max_timeout="614",
    )
    write_watchdog(host, "watchdog1", access_cs0="0", identity="Software Watchdog")
    assert host.samples(WatchdogCollector(host.kernel)) == {
        'node_watchdog_bootstatus{name="watchdog0"}': 32,
        'node_watchdog_fw_version{name="watchdog0"}': 4,
        'node_watchdog_nowayout{name="watchdog0"}': 1,
        'node_watchdog_timeleft_seconds{name="watchdog0"}': 23,
        'node_watchdog_timeout_seconds{name="watchdog0"}': 30,
        'node_watchdog_pretimeout_seconds{name="watchdog0"}': 5,
        'node_watchdog_access_cs0{name="watchdog1"}': 0,
        'node_watchdog_info{identity="iTCO_wdt",name="watchdog0",options="0x8180",'
        'pretimeout_governor="panic",state="active",status="0x8000"}': 1,
        'node_watchdog_info{identity="Software Watchdog",name="watchdog1"}': 1,
    }


def test_watchdogs_come_go_and_change(host: FakeHost) -> None:
    """As when softdog is loaded or removed."""
    collector = WatchdogCollector(host.kernel)
    write_watchdog(host, "watchdog0", timeleft="23", state="active")
    write_watchdog(host, "watchdog1", timeleft="60")
    assert len(host.samples(collector)) == 4
    shutil.rmtree(host.root / WATCHDOGS / "watchdog1")
    write_watchdog(host, "watchdog0", timeleft="9", state="inactive")
    assert host.samples(collector) == {
        'node_watchdog_timeleft_seconds{name="watchdog0"}': 9,
        'node_watchdog_info{name="watchdog0",state="inactive"}': 1,
    }


def test_what_the_hardware_does_not_answer_is_absent(host: FakeHost) -> None:
    """It costs that number only."""
    write_watchdog(host, "watchdog0", timeout="30")
    (host.root / WATCHDOGS / "watchdog0/timeleft").symlink_to("/proc/self/mem")  # EIO
    assert host.samples(WatchdogCollector(host.kernel)) == {
        'node_watchdog_timeout_seconds{name="watchdog0"}': 30,
        'node_watchdog_info{name="watchdog0"}': 1,
    }


def test_a_host_without_watchdogs_has_no_data(host: FakeHost) -> None:
    """The folder may be there all the same."""
    (host.root / WATCHDOGS).mkdir(parents=True)
    with pytest.raises(NoData, match="no watchdog"):
        host.samples(WatchdogCollector(host.kernel))
