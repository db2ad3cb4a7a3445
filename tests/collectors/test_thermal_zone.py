"""The thermal_zone collector: /sys/class/thermal."""

from __future__ import annotations

import shutil

import pytest

from exporter.collectors.thermal_zone import ThermalZoneCollector
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

THERMAL = "sys/class/thermal"


def write_zone(host: FakeHost, number: int, kind: str, temperature: str) -> None:
    """Write a zone as the kernel shows it."""
    folder = f"{THERMAL}/thermal_zone{number}"
    host.write(f"{folder}/type", f"{kind}\n")
    host.write(f"{folder}/temp", f"{temperature}\n")


def write_device(host: FakeHost, number: int, kind: str, state: str) -> None:
    """Write a cooling device with ten states."""
    folder = f"{THERMAL}/cooling_device{number}"
    host.write(f"{folder}/type", f"{kind}\n")
    host.write(f"{folder}/cur_state", f"{state}\n")
    host.write(f"{folder}/max_state", "10\n")


def test_temperatures_and_states_are_shown(host: FakeHost) -> None:
    """Millidegrees become degrees, frost included; states are shown as they are."""
    write_zone(host, 0, "acpitz", "27800")
    write_zone(host, 11, "TSKN", "-2500")
    write_device(host, 3, "Processor", "2")
    write_device(host, 4, "intel_powerclamp", "-1")
    assert host.samples(ThermalZoneCollector(host.kernel)) == {
        'node_thermal_zone_temp{type="acpitz",zone="0"}': 27.8,
        'node_thermal_zone_temp{type="TSKN",zone="11"}': -2.5,
        'node_cooling_device_cur_state{name="3",type="Processor"}': 2,
        'node_cooling_device_max_state{name="3",type="Processor"}': 10,
        'node_cooling_device_max_state{name="4",type="intel_powerclamp"}': 10,
    }


def test_zones_come_go_and_change(host: FakeHost) -> None:
    """Each collection shows what is there then, with its temperature then."""
    collector = ThermalZoneCollector(host.kernel)
    write_zone(host, 0, "x86_pkg_temp", "40000")
    write_zone(host, 1, "ath11k_thermal", "30000")
    assert len(host.samples(collector)) == 2
    shutil.rmtree(host.root / THERMAL / "thermal_zone1")
    write_zone(host, 0, "x86_pkg_temp", "41000")
    write_zone(host, 2, "pch", "50000")
    assert host.samples(collector) == {
        'node_thermal_zone_temp{type="x86_pkg_temp",zone="0"}': 41,
        'node_thermal_zone_temp{type="pch",zone="2"}': 50,
    }


def test_a_sensor_that_does_not_answer_has_no_series(host: FakeHost) -> None:
    """It costs itself only: there is no 0 in its place, and the others are shown."""
    write_zone(host, 0, "x86_pkg_temp", "40000")
    host.write(f"{THERMAL}/thermal_zone1/type", "ath11k_thermal\n")
    (host.root / THERMAL / "thermal_zone1/temp").symlink_to("/proc/self/mem")  # EIO
    host.write(f"{THERMAL}/thermal_zone2/type", "asleep\n")
    assert host.samples(ThermalZoneCollector(host.kernel)) == {
        'node_thermal_zone_temp{type="x86_pkg_temp",zone="0"}': 40
    }


def test_a_temperature_that_is_no_number_is_a_failure(host: FakeHost) -> None:
    """What the kernel never writes is not guessed at."""
    write_zone(host, 0, "acpitz", "warm")
    with pytest.raises(ValueError, match="warm"):
        host.samples(ThermalZoneCollector(host.kernel))


def test_a_host_without_zones_has_no_data(host: FakeHost) -> None:
    """Most virtual machines have an empty folder, or none."""
    with pytest.raises(NoData, match="class/thermal"):
        host.samples(ThermalZoneCollector(host.kernel))
    (host.root / THERMAL).mkdir(parents=True)
    with pytest.raises(NoData, match="class/thermal"):
        host.samples(ThermalZoneCollector(host.kernel))
