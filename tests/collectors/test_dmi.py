"""The dmi collector: /sys/class/dmi/id."""

from __future__ import annotations

import pytest

from exporter.collectors.dmi import DmiCollector
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

DMI = "sys/class/dmi/id"


def test_what_the_firmware_says_are_labels(host: FakeHost) -> None:
    """Only what it says, and sys_vendor under its longer name."""
    host.write(f"{DMI}/bios_vendor", "American Megatrends International, LLC.\n")
    host.write(f"{DMI}/chassis_asset_tag", "\n")
    host.write(f"{DMI}/product_name", '  Super "Server" \n')
    host.write(f"{DMI}/sys_vendor", "Supermicro\n")
    host.write(f"{DMI}/chassis_type", "17\n")
    host.write(f"{DMI}/modalias", "dmi:bvnX:\n")
    assert host.samples(DmiCollector(host.kernel)) == {
        'node_dmi_info{bios_vendor="American Megatrends International, LLC.",'
        'product_name="Super "Server"",system_vendor="Supermicro"}': 1
    }


def test_serial_numbers_are_for_root(host: FakeHost) -> None:
    """Without rights they are absent, and the rest is shown."""
    host.write(f"{DMI}/board_name", "H12SSL-i\n")
    (host.root / DMI / "board_serial").symlink_to("/proc/sys/vm/drop_caches")  # EACCES
    assert host.samples(DmiCollector(host.kernel)) == {'node_dmi_info{board_name="H12SSL-i"}': 1}


def test_it_is_read_once(host: FakeHost) -> None:
    """It cannot change while the kernel runs: no descriptor is kept, no file read again."""
    host.write(f"{DMI}/board_name", "H12SSL-i\n")
    collector = DmiCollector(host.kernel)
    first = list(collector.collect())
    assert host.kernel.kept == 0
    host.write(f"{DMI}/board_name", "another\n")
    assert list(collector.collect()) == first


def test_a_machine_without_dmi_has_no_data(host: FakeHost) -> None:
    """As most that are not x86."""
    with pytest.raises(NoData, match="DMI"):
        host.samples(DmiCollector(host.kernel))
