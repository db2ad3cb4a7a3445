"""Attributes of devices: exporter/attributes.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.attributes import READS_UNTIL_LOOKED_FOR_AGAIN, Attributes
from exporter.kernel import KernelTree
from tests.collectors.conftest import FakeHost


@pytest.fixture
def zones(host: FakeHost) -> Attributes:
    """Two thermal zones."""
    host.write("sys/class/thermal/thermal_zone0/temp", "45000\n")
    host.write("sys/class/thermal/thermal_zone0/type", "acpitz\n")
    host.write("sys/class/thermal/thermal_zone1/temp", "-3000\n")
    host.write("sys/class/thermal/cooling_device0/type", "Fan\n")
    return Attributes(host.kernel, "class/thermal")


def test_entries_are_listed_in_order(zones: Attributes) -> None:
    """All of them, or those of one kind."""
    assert zones.names() == ["cooling_device0", "thermal_zone0", "thermal_zone1"]
    assert zones.names("thermal_zone") == ["thermal_zone0", "thermal_zone1"]


def test_directory_that_is_absent_has_no_entries(tmp_path: Path) -> None:
    """As a class of devices that this kernel does not know."""
    kernel = KernelTree(sysfs=str(tmp_path))
    assert Attributes(kernel, "class/thermal").names() == []


def test_attributes_are_texts_and_numbers(zones: Attributes) -> None:
    """Without the line's end; numbers as the kernel's digits, which may be negative."""
    assert zones.text("thermal_zone0/type") == "acpitz"
    assert zones.number("thermal_zone0/temp") == b"45000"
    assert zones.number("thermal_zone1/temp") == b"-3000"


def test_number_that_is_none_is_an_error(zones: Attributes) -> None:
    """Garbage must not get onto the page."""
    with pytest.raises(ValueError, match="acpitz"):
        zones.number("thermal_zone0/type")


def test_empty_attribute_has_no_value(host: FakeHost, zones: Attributes) -> None:
    """Neither a text nor a number."""
    host.write("sys/class/thermal/thermal_zone0/temp", "\n")
    assert zones.number("thermal_zone0/temp") is None
    assert zones.text("thermal_zone0/temp") is None


def test_values_are_those_of_the_moment(host: FakeHost, zones: Attributes) -> None:
    """A kept descriptor reads what is there now."""
    assert zones.number("thermal_zone0/temp") == b"45000"
    host.write("sys/class/thermal/thermal_zone0/temp", "46000\n")
    assert zones.number("thermal_zone0/temp") == b"46000"


def test_absent_attribute_is_asked_for_once_until_devices_change(
    host: FakeHost, zones: Attributes
) -> None:
    """What a device has is decided when it appears."""
    zones.names()
    assert zones.read("thermal_zone1/type") is None
    host.write("sys/class/thermal/thermal_zone1/type", "x86_pkg_temp\n")
    zones.names()
    assert zones.read("thermal_zone1/type") is None
    host.write("sys/class/thermal/thermal_zone2/temp", "1\n")
    assert "thermal_zone2" in zones.names()
    assert zones.text("thermal_zone1/type") == "x86_pkg_temp"


def test_absent_attribute_is_looked_for_again_after_a_while(
    host: FakeHost, zones: Attributes
) -> None:
    """A driver may add it after the device was seen first."""
    assert zones.read("thermal_zone1/type") is None
    host.write("sys/class/thermal/thermal_zone1/type", "x86_pkg_temp\n")
    for _ in range(READS_UNTIL_LOOKED_FOR_AGAIN):
        assert zones.read("thermal_zone1/type") is None
    assert zones.text("thermal_zone1/type") == "x86_pkg_temp"


def test_descriptors_of_devices_that_went_are_given_back(host: FakeHost, zones: Attributes) -> None:
    """Nothing is kept open for what is gone."""
    zones.names()
    zones.read("thermal_zone0/temp")
    assert host.kernel.kept == 1
    for file in (host.root / "sys/class/thermal/thermal_zone0").iterdir():
        file.unlink()
    (host.root / "sys/class/thermal/thermal_zone0").rmdir()
    assert zones.names() == ["cooling_device0", "thermal_zone1"]
    assert host.kernel.kept == 0


def test_driver_without_a_value_is_no_failure() -> None:
    """This machine's loopback interface has no speed: its driver says EINVAL."""
    assert Attributes(KernelTree(), "class/net").read("lo/speed") is None


def test_refused_attribute_is_absent_and_named() -> None:
    """Not even root may read what the kernel only takes: a collector can tell what it lacks."""
    attributes = Attributes(KernelTree(), "bus/cpu")
    assert attributes.refused == ""
    assert attributes.read("drivers_probe") is None
    assert attributes.refused == "/sys/bus/cpu/drivers_probe"


def test_other_errors_are_raised(host: FakeHost, zones: Attributes) -> None:
    """What no driver says of a missing value is a failure, such as links in a circle."""
    (host.root / "sys/class/thermal/thermal_zone0/mode").symlink_to("mode")
    with pytest.raises(OSError, match="Too many levels"):
        zones.read("thermal_zone0/mode")


def test_devices_that_swap_their_names_are_told_apart(zones: Attributes, tmp_path: Path) -> None:
    """The names are the same ones; a kept descriptor would stay with the device."""
    zones.names()
    assert zones.number("thermal_zone0/temp") == b"45000"
    assert zones.text("thermal_zone1/type") is None
    folder = tmp_path / "sys/class/thermal"
    for old, new in (("zone0", "aside"), ("zone1", "zone0"), ("aside", "zone1")):
        (folder / f"thermal_{old}").rename(folder / f"thermal_{new}")
    zones.names()
    assert zones.number("thermal_zone0/temp") == b"-3000"
    assert zones.text("thermal_zone1/type") == "acpitz"
