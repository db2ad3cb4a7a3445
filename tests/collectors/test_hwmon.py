"""The hwmon collector: /sys/class/hwmon."""

from __future__ import annotations

import contextlib
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors._hwmon_names import Place, clean, find_column, parse_name
from exporter.collectors.hwmon import HwmonCollector, Options, parse_reading
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

CLASS = "sys/class/hwmon"


def write_chip(host: FakeHost, number: int, device: str, **files: str) -> Path:
    """Write a chip of a device (its path below /sys/devices), as the kernel links them."""
    folder = f"sys/devices/{device}/hwmon/hwmon{number}"
    for name, content in files.items():
        host.write(f"{folder}/{name}", f"{content}\n")
    (host.root / folder / "device").symlink_to("../..")
    link = host.root / CLASS / f"hwmon{number}"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(f"../../devices/{device}/hwmon/hwmon{number}")
    return host.root / folder


def collect(host: FakeHost, **options: re.Pattern[str]) -> dict[str, float]:
    """Collect the host once."""
    return host.samples(HwmonCollector(host.kernel, Options(**options)))


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("temp1_input", Place("temp", 1, "input")),
        ("in0_min", Place("in", 0, "min")),
        ("pwm2", Place("pwm", 2, "")),
        ("temp12_auto_point1_pwm", Place("temp", 12, "auto_point1_pwm")),
        ("beep_enable", Place("beep_enable", 0, "")),
        ("vrm", Place("vrm", 0, "")),
        ("power", Place("power", 0, "")),  # the folder that every device has; it cannot be read
    ],
)
def test_names_of_attributes_are_taken_apart(file: str, place: Place) -> None:
    """Kind, number and element; without a number it is 0."""
    assert parse_name(file) == place


@pytest.mark.parametrize(
    "file", ["name", "uevent", "power_state", "temp_crit", "1_input", "alarms"]
)
def test_other_files_are_no_attributes(file: str) -> None:
    """Only kinds of sensors count."""
    assert parse_name(file) is None


@pytest.mark.parametrize(
    ("file", "name", "exponent"),
    [
        ("in1_input", "node_hwmon_in_volts", -3),
        ("in1_lcrit", "node_hwmon_in_lcrit_volts", -3),
        ("cpu0_vid", "node_hwmon_cpu_vid_volts", -3),
        ("curr3_max", "node_hwmon_curr_max_amps", -3),
        ("temp1_type", "node_hwmon_temp_type", 0),
        ("temp1_crit_alarm", "node_hwmon_temp_crit_alarm_celsius", -3),
        ("temp2_fault", "node_hwmon_temp_fault", 0),
        ("energy1_input", "node_hwmon_energy_joule_total", -6),
        ("power1_accuracy", "node_hwmon_power_accuracy", -6),
        ("power1_average", "node_hwmon_power_average_watt", -6),
        ("power1_average_interval_max", "node_hwmon_power_average_interval_max_seconds", -3),
        ("fan1_target", "node_hwmon_fan_target_rpm", 0),
        ("fan1_div", "node_hwmon_fan_div", 0),
        ("fan1_beep", "node_hwmon_fan_beep_enabled", 0),
        ("humidity1_input", "node_hwmon_humidity", -5),
        ("freq1_input", "node_hwmon_freq_freq_mhz", -6),
        ("freq1_max", "node_hwmon_freq_max", 0),
        ("intrusion0_alarm", "node_hwmon_intrusion_alarm", 0),
        ("pwm1", "node_hwmon_pwm", 0),
        ("beep_enable", "node_hwmon_beep_enabled", 0),
        ("vrm", "node_hwmon_voltage_regulator_version", 0),
        ("update_interval", "node_hwmon_update_interval_seconds", -3),
    ],
)
def test_attributes_have_the_names_and_units_of_node_exporter(
    file: str, name: str, exponent: int
) -> None:
    """All kinds, each with its unit."""
    place = parse_name(file)
    assert place is not None
    column = find_column(place, has_bare=False)
    assert column is not None
    assert (column.name, column.exponent) == (name, exponent)
    assert column.type == ("counter" if name.endswith("_total") else "gauge")


def test_an_input_beside_a_bare_attribute_says_that_it_is_the_input() -> None:
    """Otherwise both would have the same name."""
    column = find_column(Place("temp", 1, "input"), has_bare=True)
    assert column is not None
    assert column.name == "node_hwmon_temp_input_celsius"


@pytest.mark.parametrize("place", [Place("temp", 1, "label"), Place("vrm", 0, "extra")])
def test_some_attributes_are_no_numbers(place: Place) -> None:
    """Labels are shown in another way, and what nobody knows not at all."""
    assert find_column(place, has_bare=False) is None


def test_names_are_cleaned() -> None:
    """Small letters, digits, colons and underscores remain."""
    assert clean("Board Sensors #1\n") == "board_sensors__1"
    assert clean("0000:00:18.3") == "0000:00:18_3"


@pytest.mark.parametrize("text", [b"", b"unknown", b"95.0%", b"0x10", b"--5", b"1e3", b"5\n"])
def test_a_reading_is_a_number(text: bytes) -> None:
    """Everything else is refused."""
    with pytest.raises(ValueError, match="reading"):
        parse_reading(text)


@given(st.binary(max_size=40))
def test_parse_reading_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either are a number or raise ValueError."""
    with contextlib.suppress(ValueError):
        float(parse_reading(text))


def test_chips_are_named_after_their_device(host: FakeHost) -> None:
    """The bus and the device, which stay; the driver's name and sensors' labels beside them."""
    write_chip(
        host, 0, "pci0000:00/0000:00:18.3", name="k10temp", temp1_input="58375", temp1_label="Tctl"
    )
    assert collect(host) == {
        'node_hwmon_chip_names{chip="pci0000:00_0000:00:18_3",chip_name="k10temp"}': 1,
        'node_hwmon_sensor_label{chip="pci0000:00_0000:00:18_3",label="Tctl",sensor="temp1"}': 1,
        'node_hwmon_temp_celsius{chip="pci0000:00_0000:00:18_3",sensor="temp1"}': 58.375,
    }


def test_a_chip_without_a_device_is_named_by_its_driver_or_number(host: FakeHost) -> None:
    """In this order."""
    host.write(f"{CLASS}/hwmon0/name", "Board #1\n")
    host.write(f"{CLASS}/hwmon0/in0_input", "1200\n")
    host.write(f"{CLASS}/hwmon1/in0_input", "1500\n")
    samples = collect(host)
    assert samples['node_hwmon_in_volts{chip="board__1",sensor="in0"}'] == 1.2
    assert samples['node_hwmon_in_volts{chip="hwmon1",sensor="in0"}'] == 1.5


def test_a_device_at_the_top_names_its_chip_alone(tmp_path: Path) -> None:
    """Where the folder above has no name left."""
    host = FakeHost(tmp_path / "___")
    host.write(f"{CLASS}/hwmon0/in0_input", "1200\n")
    (host.root / "chip").mkdir()
    (host.root / CLASS / "hwmon0/device").symlink_to(host.root / "chip")
    assert collect(host) == {'node_hwmon_in_volts{chip="chip",sensor="in0"}': 1.2}


def test_old_drivers_keep_their_attributes_beside_the_device(host: FakeHost) -> None:
    """They are shown, and win over those of the chip itself."""
    write_chip(host, 0, "platform/w83627hf.656", temp1_input="1000")
    host.write("sys/devices/platform/w83627hf.656/temp1_input", "30000\n")
    host.write("sys/devices/platform/w83627hf.656/fan1_input", "1200\n")
    assert collect(host) == {
        'node_hwmon_temp_celsius{chip="platform_w83627hf_656",sensor="temp1"}': 30,
        'node_hwmon_fan_rpm{chip="platform_w83627hf_656",sensor="fan1"}': 1200,
    }


def test_a_power_supply_s_own_attributes_are_not_a_chip_s(host: FakeHost) -> None:
    """Its `temp` is in tenths of a degree, and the chip has it too."""
    write_chip(host, 0, "power_supply/BAT0", name="BAT0", temp1_input="27100")
    host.write("sys/devices/power_supply/BAT0/temp", "271\n")
    samples = collect(host)
    assert samples.pop('node_hwmon_chip_names{chip="power_supply_bat0",chip_name="bat0"}') == 1
    assert samples == {
        'node_hwmon_temp_celsius{chip="power_supply_bat0",sensor="temp1"}': 27.1,
    }


def test_clocks_are_named_by_their_label(host: FakeHost) -> None:
    """As node_exporter does it; without a label there is no series."""
    write_chip(
        host, 0, "card/0", freq1_input="800000000", freq1_label="sclk", freq2_input="1000000000"
    )
    samples = collect(host)
    assert samples['node_hwmon_freq_freq_mhz{chip="card_0",sensor="sclk"}'] == 800
    assert len(samples) == 2


def test_humidity_is_a_ratio(host: FakeHost) -> None:
    """The kernel gives thousandths of a percent."""
    write_chip(host, 0, "i2c-1/1-0044", humidity1_input="43120")
    assert collect(host) == {'node_hwmon_humidity{chip="i2c_1_1_0044",sensor="humidity1"}': 0.4312}


def test_two_chips_of_one_device_count_once(host: FakeHost) -> None:
    """Their sensors cannot be told apart: the first one is shown, and the page stays valid."""
    write_chip(host, 0, "platform/asus", name="asus", fan1_input="1000")
    write_chip(host, 1, "platform/asus", name="asus", fan1_input="2000", fan2_input="3000")
    assert collect(host) == {
        'node_hwmon_chip_names{chip="platform_asus",chip_name="asus"}': 1,
        'node_hwmon_fan_rpm{chip="platform_asus",sensor="fan1"}': 1000,
        'node_hwmon_fan_rpm{chip="platform_asus",sensor="fan2"}': 3000,
    }


def test_sensors_of_two_chips_are_not_mixed(host: FakeHost) -> None:
    """Neither a limit nor a label of the second chip is shown for a sensor of the first."""
    write_chip(host, 0, "platform/super.0", temp1_input="1000")
    write_chip(host, 1, "platform/super.0", temp1_crit="2000", temp1_label="B", temp2_input="3000")
    assert collect(host) == {
        'node_hwmon_temp_celsius{chip="platform_super_0",sensor="temp1"}': 1,
        'node_hwmon_temp_celsius{chip="platform_super_0",sensor="temp2"}': 3,
    }


def test_only_what_answers_with_a_number_is_shown(host: FakeHost) -> None:
    """A sensor or label that fails, or says a word, costs itself only."""
    folder = write_chip(
        host, 0, "platform/chip", temp1_input="1000", power1_average_max="unknown", in0_input="1"
    )
    (folder / "temp2_input").symlink_to("/proc/self/mem")  # EIO
    (folder / "temp2_label").symlink_to("/proc/self/mem")
    (folder / "temp3_input").symlink_to("/proc/sys/vm/drop_caches")  # EACCES, for root too
    (folder / "temp4_input").symlink_to("temp4_input")  # ELOOP, which no driver ever gave
    assert collect(host) == {
        'node_hwmon_temp_celsius{chip="platform_chip",sensor="temp1"}': 1,
        'node_hwmon_in_volts{chip="platform_chip",sensor="in0"}': 0.001,
    }


def test_a_sensor_may_fall_silent_and_come_back(host: FakeHost) -> None:
    """While it says no number it has no series."""
    write_chip(host, 0, "platform/chip", temp1_input="1000", temp2_input="2000")
    collector = HwmonCollector(host.kernel)
    path = "sys/devices/platform/chip/hwmon/hwmon0/temp1_input"
    assert len(host.samples(collector)) == 2
    host.write(path, "N/A\n")
    assert list(host.samples(collector).values()) == [2]
    host.write(path, "3000\n")
    assert sorted(host.samples(collector).values()) == [2, 3]
    host.write(path, "4000\n")
    assert sorted(host.samples(collector).values()) == [2, 4]


def test_chips_are_known_by_their_device_not_by_their_number(host: FakeHost) -> None:
    """Another chip under the number of one that went is another chip."""
    collector = HwmonCollector(host.kernel)
    gone = write_chip(host, 0, "usb/1-1", temp1_input="1000")
    assert host.samples(collector) == {'node_hwmon_temp_celsius{chip="usb_1_1",sensor="temp1"}': 1}
    write_chip(host, 0, "usb/1-2", temp1_input="2000")
    shutil.rmtree(gone)
    assert host.samples(collector) == {'node_hwmon_temp_celsius{chip="usb_1_2",sensor="temp1"}': 2}
    write_chip(host, 1, "usb/1-3", temp1_input="3000")
    assert sorted(host.samples(collector).values()) == [2, 3]


def test_chips_and_sensors_can_be_left_out(host: FakeHost) -> None:
    """By the chip's name, and by chip;sensor, with the labels of the sensor."""
    write_chip(host, 0, "platform/coretemp.0", name="coretemp", temp1_input="1", temp2_input="2")
    write_chip(host, 1, "platform/thinkpad", name="thinkpad", temp1_input="3", temp1_label="CPU")
    only = collect(host, chip_include=re.compile("thinkpad"))
    assert {name.partition("{")[0] for name in only} == {
        "node_hwmon_chip_names",
        "node_hwmon_sensor_label",
        "node_hwmon_temp_celsius",
    }
    assert all("platform_thinkpad" in name for name in only)
    others = collect(host, chip_exclude=re.compile("thinkpad"))
    assert all("platform_coretemp_0" in name for name in others)
    assert len(others) == 3
    sensors = collect(host, sensor_exclude=re.compile("^platform_(coretemp_0;temp2|thinkpad;)"))
    assert sensors == {
        'node_hwmon_chip_names{chip="platform_coretemp_0",chip_name="coretemp"}': 1,
        'node_hwmon_chip_names{chip="platform_thinkpad",chip_name="thinkpad"}': 1,
        'node_hwmon_temp_celsius{chip="platform_coretemp_0",sensor="temp1"}': 0.001,
    }


@pytest.mark.parametrize("what", ["chip", "sensor"])
def test_include_and_exclude_do_not_go_together(what: str) -> None:
    """As everywhere, the mistake is told at the start."""
    with pytest.raises(ValueError, match=f"{what}-include and {what}-exclude"):
        Options(**{f"{what}_include": re.compile("a"), f"{what}_exclude": re.compile("b")})


def test_a_host_without_sensors_has_no_data(host: FakeHost) -> None:
    """As most virtual machines."""
    with pytest.raises(NoData, match="class/hwmon"):
        collect(host)
