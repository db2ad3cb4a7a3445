"""The powersupplyclass collector: /sys/class/power_supply."""

from __future__ import annotations

import re
import shutil

import pytest

from exporter.collectors.powersupplyclass import Options, PowersupplyclassCollector
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

SUPPLIES = "sys/class/power_supply"


def write_supply(host: FakeHost, name: str, **files: str) -> None:
    """Write a supply with some attributes."""
    for file, content in files.items():
        host.write(f"{SUPPLIES}/{name}/{file}", f"{content}\n")


def test_numbers_are_in_base_units(host: FakeHost) -> None:
    """Millionths and tenths become units; percentages and states stay; other files are left out."""
    write_supply(
        host,
        "BAT0",
        type="Battery",
        capacity="80",
        cycle_count="183",
        energy_now="38310000",
        current_now="-1250000",
        temp="271",
        time_to_empty_now="5400",
        voltage_now="16938000",
        charge_control_end_threshold="80",
    )
    supply = 'power_supply="BAT0"'
    assert host.samples(PowersupplyclassCollector(host.kernel)) == {
        f"node_power_supply_capacity{{{supply}}}": 80,
        f"node_power_supply_cyclecount{{{supply}}}": 183,
        f"node_power_supply_energy_watthour{{{supply}}}": 38.31,
        f"node_power_supply_current_ampere{{{supply}}}": -1.25,
        f"node_power_supply_temp_celsius{{{supply}}}": 27.1,
        f"node_power_supply_time_to_empty_seconds{{{supply}}}": 5400,
        f"node_power_supply_voltage_volt{{{supply}}}": 16.938,
        f'node_power_supply_info{{{supply},type="Battery"}}': 1,
    }


def test_texts_are_labels(host: FakeHost) -> None:
    """Each supply has those that it knows."""
    write_supply(host, "AC", type="Mains")
    write_supply(
        host, "BAT0", type="Battery", status="Full", model_name='MX "3"', serial_number=" 23 14 "
    )
    assert host.samples(PowersupplyclassCollector(host.kernel)) == {
        'node_power_supply_info{power_supply="AC",type="Mains"}': 1,
        'node_power_supply_info{model_name="MX "3"",power_supply="BAT0",serial_number="23 14",'
        'status="Full",type="Battery"}': 1,
    }


def test_supplies_come_go_and_change(host: FakeHost) -> None:
    """As when a charger is plugged in."""
    collector = PowersupplyclassCollector(host.kernel)
    write_supply(host, "AC", online="0")
    write_supply(host, "BAT0", capacity="50")
    assert len(host.samples(collector)) == 4
    shutil.rmtree(host.root / SUPPLIES / "BAT0")
    write_supply(host, "AC", online="1")
    assert host.samples(collector)['node_power_supply_online{power_supply="AC"}'] == 1
    write_supply(host, "USB", online="1")
    assert len(host.samples(collector)) == 4


def test_a_value_that_the_firmware_does_not_give_is_absent(host: FakeHost) -> None:
    """As the current of a battery that is full."""
    write_supply(host, "BAT0", capacity="50", voltage_now="")
    (host.root / SUPPLIES / "BAT0/current_now").symlink_to("/proc/self/mem")  # EIO
    (host.root / SUPPLIES / "BAT0/status").symlink_to("/proc/self/mem")
    assert host.samples(PowersupplyclassCollector(host.kernel)) == {
        'node_power_supply_capacity{power_supply="BAT0"}': 50,
        'node_power_supply_info{power_supply="BAT0"}': 1,
    }


def test_supplies_can_be_left_out(host: FakeHost) -> None:
    """By name; if none is left there is no data."""
    write_supply(host, "BAT0", capacity="50")
    write_supply(host, "hidpp_battery_0", capacity="40")
    options = Options(ignored_supplies=re.compile("^hidpp"))
    samples = host.samples(PowersupplyclassCollector(host.kernel, options))
    assert len(samples) == 2
    assert all('power_supply="BAT0"' in name for name in samples)
    options = Options(ignored_supplies=re.compile(""))
    with pytest.raises(NoData, match="no batteries"):
        host.samples(PowersupplyclassCollector(host.kernel, options))
    options = Options(ignored_supplies=None)
    assert len(host.samples(PowersupplyclassCollector(host.kernel, options))) == 4


def test_a_host_without_supplies_has_no_data(host: FakeHost) -> None:
    """As most servers."""
    (host.root / SUPPLIES).mkdir(parents=True)
    with pytest.raises(NoData, match="power_supply"):
        host.samples(PowersupplyclassCollector(host.kernel))
