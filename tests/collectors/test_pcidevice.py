"""The pcidevice collector: /sys/bus/pci/devices."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors._pci_names import load_pci_ids, name_class, parse_pci_ids
from exporter.collectors.pcidevice import Options, PcideviceCollector, parse_number, parse_place
from exporter.kernel import KernelTree, NoData
from tests.collectors.conftest import FakeHost

PCI_IDS = b"""#
#\tList of PCI IDs
1022  Advanced Micro Devices, Inc. [AMD]
\t790b  FCH SMBus Controller
\t\t15d9 1c4d  H12 SMBus
8086  Intel Corporation
\t1563  Ethernet Controller X550 \xe9
\t\t15d9 085d  AOC-STG-i2T
15d9  Super Micro Computer Inc
c0a9  Micron/Crucial Technology

# List of known device classes
C 01  Mass storage controller
\t08  Non-Volatile memory controller
\t\t02  NVM Express
C 02  Network controller
not a line of the list
"""


def write_device(host: FakeHost, path: str, **files: str) -> None:
    """Write a device (its path below /sys/devices), as the kernel links them."""
    for file, content in {
        "class": "0x020000",
        "vendor": "0x8086",
        "device": "0x1563",
        "subsystem_vendor": "0x15d9",
        "subsystem_device": "0x085d",
        "revision": "0x01",
        **files,
    }.items():
        host.write(f"sys/devices/{path}/{file}", f"{content}\n")
    link = host.root / "sys/bus/pci/devices" / path.rpartition("/")[2]
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(f"../../../devices/{path}")


PLACE = 'bus="c1",device="00",function="1",segment="0000"'
NUMBERS = (
    'class_id="0x020000",device="00",device_id="0x1563",function="1"',
    (
        'revision="0x01",segment="0000",subsystem_device_id="0x085d",'
        'subsystem_vendor_id="0x15d9",vendor_id="0x8086"'
    ),
)


def test_a_device_is_shown_with_all_it_has(host: FakeHost) -> None:
    """Its numbers, its link in transfers per second, its virtual functions, its power state."""
    write_device(
        host,
        "pci0000:c0/0000:c0:03.1/0000:c1:00.1",
        numa_node="1",
        power_state="D3hot",
        d3cold_allowed="1",
        max_link_speed="8.0 GT/s PCIe",
        max_link_width="4",
        current_link_speed="2.5 GT/s PCIe",
        current_link_width="1",
        sriov_drivers_autoprobe="1",
        sriov_numvfs="4",
        sriov_totalvfs="63",
        sriov_vf_total_msix="0",
    )
    samples = host.samples(PcideviceCollector(host.kernel))
    parent = 'parent_bus="c0",parent_device="03",parent_function="1",parent_segment="0000"'
    power = {
        state: samples.pop(f'node_pcidevice_power_state{{{PLACE},state="{state}"}}')
        for state in ("D0", "D1", "D2", "D3hot", "D3cold", "unknown", "error")
    }
    assert [state for state, value in power.items() if value] == ["D3hot"]
    assert samples == {
        f'node_pcidevice_info{{bus="c1",{NUMBERS[0]},{parent},{NUMBERS[1]}}}': 1,
        f"node_pcidevice_max_link_transfers_per_second{{{PLACE}}}": 8e9,
        f"node_pcidevice_max_link_width{{{PLACE}}}": 4,
        f"node_pcidevice_current_link_transfers_per_second{{{PLACE}}}": 2.5e9,
        f"node_pcidevice_current_link_width{{{PLACE}}}": 1,
        f"node_pcidevice_d3cold_allowed{{{PLACE}}}": 1,
        f"node_pcidevice_sriov_drivers_autoprobe{{{PLACE}}}": 1,
        f"node_pcidevice_sriov_numvfs{{{PLACE}}}": 4,
        f"node_pcidevice_sriov_totalvfs{{{PLACE}}}": 63,
        f"node_pcidevice_sriov_vf_total_msix{{{PLACE}}}": 0,
        f"node_pcidevice_numa_node{{{PLACE}}}": 1,
    }


def test_a_device_at_the_root_has_no_parent_and_no_link(host: FakeHost) -> None:
    """Unknown is absent, for the kernel's words and numbers for it too."""
    write_device(
        host,
        "pci0000:c0/0000:c1:00.1",
        numa_node="-1",
        max_link_speed="Unknown",
        max_link_width="255",
        current_link_speed="Unknown speed",
    )
    (host.root / "sys/devices/pci0000:c0/0000:c1:00.1/revision").unlink()
    parent = 'parent_bus="*",parent_device="*",parent_function="*",parent_segment="*"'
    without_revision = NUMBERS[1].removeprefix('revision="0x01",')
    assert host.samples(PcideviceCollector(host.kernel)) == {
        f'node_pcidevice_info{{bus="c1",{NUMBERS[0]},{parent},{without_revision}}}': 1
    }


def test_devices_come_go_and_change(host: FakeHost) -> None:
    """As virtual functions do."""
    collector = PcideviceCollector(host.kernel)
    write_device(host, "pci0000:00/0000:00:01.0", current_link_width="4")
    write_device(host, "pci0000:00/0000:00:02.0")
    assert len(host.samples(collector)) == 3
    assert len(host.samples(collector)) == 3
    (host.root / "sys/bus/pci/devices/0000:00:02.0").unlink()
    host.write("sys/devices/pci0000:00/0000:00:01.0/current_link_width", "1\n")
    samples = host.samples(collector)
    assert len(samples) == 2
    assert 1 in [value for name, value in samples.items() if "width" in name]
    write_device(host, "pci10000:00/10000:00:02.0")
    assert any('segment="10000"' in name for name in host.samples(collector))


def test_names_come_from_the_list(host: FakeHost) -> None:
    """Of the file that is given, or the distribution's."""
    write_device(host, "pci0000:00/0000:c1:00.1")
    expected = (
        'class_name="Network controller"',
        'device_name="Ethernet Controller X550 \ufffd"',
        'subsystem_device_name="AOC-STG-i2T"',
        'subsystem_vendor_name="Super Micro Computer Inc"',
        'vendor_name="Intel Corporation"',
    )
    file = host.root / "usr/share/misc/pci.ids"
    file.parent.mkdir(parents=True)
    file.write_bytes(PCI_IDS)
    for options in (Options(names=True), Options(names=True, idsfile=str(file))):
        (info,) = host.samples(PcideviceCollector(host.kernel, options))
        assert [label for label in expected if label not in info] == []


def test_without_the_list_numbers_take_the_place_of_names(host: FakeHost) -> None:
    """It is no failure."""
    write_device(host, "pci0000:00/0000:c1:00.1")
    options = Options(names=True, idsfile=str(host.root / "nowhere"))
    (info,) = host.samples(PcideviceCollector(host.kernel, options))
    assert 'class_name="Unknown class (020000)"' in info
    assert 'device_name="1563"' in info
    assert 'subsystem_device_name="085d"' in info
    assert 'vendor_name="8086"' in info


def test_the_list_is_taken_apart() -> None:
    """Vendors, devices and subsystems; classes, subclasses and interfaces."""
    names = parse_pci_ids(PCI_IDS)
    assert names["1022:790b:15d9:1c4d"] == "H12 SMBus"
    assert names["c0a9"] == "Micron/Crucial Technology"
    assert name_class(names, "010802") == "NVM Express"
    assert name_class(names, "0108ff") == "Non-Volatile memory controller"
    assert name_class(names, "01ffff") == "Mass storage controller"


def test_the_first_list_that_is_there_counts(host: FakeHost) -> None:
    """Distributions have it in different places."""
    host.write("pci.ids", "8086  Intel Corporation\n")
    paths = [str(host.root / name) for name in ("nowhere", "pci.ids")]
    assert load_pci_ids(paths) == {"8086": "Intel Corporation"}


@pytest.mark.parametrize("name", ["", "0000:00:1f", "pci0000:00", "0000:00:1f.6x"])
def test_a_place_has_four_parts(name: str) -> None:
    """Everything else is refused."""
    with pytest.raises(ValueError, match="place"):
        parse_place(name)


def test_numbers_of_old_kernels_are_known() -> None:
    """Before 5.10 speeds were whole numbers."""
    assert parse_number(b"8 GT/s") == b"8"
    assert parse_number(b"16.0 GT/s PCIe") == b"16.0"
    assert parse_number(b"Unknown speed") is None
    with pytest.raises(ValueError, match="PCI device: 'fast'"):
        parse_number(b"fast")


@given(st.binary(max_size=60), st.text(max_size=30))
def test_parsers_raise_nothing_but_value_error(content: bytes, name: str) -> None:
    """Any text either parses or raises ValueError; the list never fails."""
    with contextlib.suppress(ValueError):
        parse_number(content)
    with contextlib.suppress(ValueError):
        parse_place(name)
    parse_pci_ids(content)


@given(st.lists(st.sampled_from(PCI_IDS.splitlines()), max_size=8))
def test_lines_of_the_list_may_come_in_any_order(lines: list[bytes]) -> None:
    """A list that is cut off, or wrong, gives names all the same."""
    parse_pci_ids(b"\n".join(lines))


def test_another_device_in_the_same_place_is_seen(host: FakeHost) -> None:
    """As when a disk is swapped between two collections: the list of names stays the same."""
    write_device(host, "pci0000:c0/0000:c0:03.1/0000:c1:00.1")
    collector = PcideviceCollector(host.kernel)
    host.samples(collector)
    write_device(host, "pci0000:c0/0000:c0:03.2/0000:c1:00.2", device="0x1564", numa_node="1")
    links = host.root / "sys/bus/pci/devices"
    (links / "0000:c1:00.2").rename(links / "0000:c1:00.1")
    samples = host.samples(collector)
    assert all('device_id="0x1564"' in name for name in samples if "info" in name)
    assert samples[f"node_pcidevice_numa_node{{{PLACE}}}"] == 1


def test_a_host_without_pci_has_no_data() -> None:
    """As some virtual machines and small boards."""
    with pytest.raises(NoData, match="PCI"):
        list(PcideviceCollector(KernelTree(sysfs="/nonexistent")).collect())
