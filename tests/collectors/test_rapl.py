"""The rapl collector: /sys/class/powercap."""

from __future__ import annotations

import shutil

import pytest

from exporter.collectors.rapl import Options, RaplCollector, parse_zone
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

POWERCAP = "sys/class/powercap"


def write_zone(host: FakeHost, folder: str, name: str, microjoules: int) -> None:
    """Write a zone with its counter."""
    host.write(f"{POWERCAP}/{folder}/name", f"{name}\n")
    host.write(f"{POWERCAP}/{folder}/energy_uj", f"{microjoules}\n")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("package-1", ("package", "1")),
        ("package-01", ("package", "1")),
        ("dram", ("dram", None)),
        ("package-0-die-1", ("package-0-die-1", None)),
        ("package-x", ("package-x", None)),
    ],
)
def test_zones_may_have_a_number(name: str, parts: tuple[str, str | None]) -> None:
    """One number behind one hyphen is the index."""
    assert parse_zone(name) == parts


def test_zones_of_the_same_name_are_one_metric(host: FakeHost) -> None:
    """With the number as index, or counted where there is none; the control type is no zone."""
    host.write(f"{POWERCAP}/intel-rapl/enabled", "1\n")
    write_zone(host, "intel-rapl:0", "package-0", 1_500_000)
    write_zone(host, "intel-rapl:0:0", "dram", 250_000)
    write_zone(host, "intel-rapl:1", "package-1", 3)
    write_zone(host, "intel-rapl:1:0", "dram", 4)
    write_zone(host, "intel-rapl:2", "package-0-die-1", 5)
    assert host.samples(RaplCollector(host.kernel)) == {
        'node_rapl_package_joules_total{index="0",path="/sys/class/powercap/intel-rapl:0"}': 1.5,
        'node_rapl_package_joules_total{index="1",path="/sys/class/powercap/intel-rapl:1"}': 3e-6,
        'node_rapl_dram_joules_total{index="0",path="/sys/class/powercap/intel-rapl:0:0"}': 0.25,
        'node_rapl_dram_joules_total{index="1",path="/sys/class/powercap/intel-rapl:1:0"}': 4e-6,
        'node_rapl_package_0_die_1_joules_total{index="0",path="/sys/class/powercap/intel-rapl:2"}': 5e-6,  # noqa: E501
    }


def test_names_that_make_the_same_metric_are_one_family(host: FakeHost) -> None:
    """A family that stands twice would make the whole page invalid."""
    write_zone(host, "intel-rapl:0", "pack.0", 1)
    write_zone(host, "intel-rapl:1", "pack 0", 2)
    series = [
        one for filled in RaplCollector(host.kernel).collect() for one in filled.layout.series
    ]
    assert [one.name for one in series] == ["node_rapl_pack_0_joules_total"]
    assert len(series[0].rows) == 2


def test_zones_can_be_told_by_a_label(host: FakeHost) -> None:
    """Then there is one metric for all."""
    write_zone(host, "intel-rapl:0", "package-0", 1_000_000)
    write_zone(host, "intel-rapl:0:0", "core", 500_000)
    collector = RaplCollector(host.kernel, Options(enable_zone_label=True))
    path = "/sys/class/powercap/intel-rapl:0"
    assert host.samples(collector) == {
        f'node_rapl_joules_total{{index="0",path="{path}",rapl_zone="package"}}': 1,
        f'node_rapl_joules_total{{index="0",path="{path}:0",rapl_zone="core"}}': 0.5,
    }


def test_zones_come_and_go(host: FakeHost) -> None:
    """With a module that is loaded or removed."""
    collector = RaplCollector(host.kernel)
    write_zone(host, "intel-rapl:0", "package-0", 1)
    assert list(host.samples(collector).values()) == [1e-6]
    write_zone(host, "intel-rapl:0", "package-0", 1_000_000)
    assert list(host.samples(collector).values()) == [1]
    write_zone(host, "intel-rapl-mmio:0", "package-0", 2)
    write_zone(host, "intel-rapl:0", "package-0", 2_000_000)
    assert sorted(host.samples(collector).values()) == [2e-6, 2]
    shutil.rmtree(host.root / POWERCAP / "intel-rapl:0")
    assert list(host.samples(collector).values()) == [2e-6]


def test_a_zone_without_a_counter_costs_itself_only(host: FakeHost) -> None:
    """As those that can only limit power."""
    write_zone(host, "intel-rapl:0", "package-0", 1)
    host.write(f"{POWERCAP}/dtpm:0/name", "soc\n")
    assert len(host.samples(RaplCollector(host.kernel))) == 1


def test_missing_rights_are_told_with_the_remedy(host: FakeHost) -> None:
    """And found again as soon as they are there."""
    host.write(f"{POWERCAP}/intel-rapl:0/name", "package-0\n")
    counter = host.root / POWERCAP / "intel-rapl:0/energy_uj"
    counter.symlink_to("/proc/sys/vm/drop_caches")  # nobody may read it, not even root
    collector = RaplCollector(host.kernel)
    for _ in range(2):
        with pytest.raises(NoData, match="CAP_DAC_READ_SEARCH"):
            host.samples(collector)
    counter.unlink()
    write_zone(host, "intel-rapl:0", "package-0", 7_000_000)
    assert list(host.samples(collector).values()) == [7]


def test_a_host_without_rapl_has_no_data(host: FakeHost) -> None:
    """There is no folder, or none with a counter; a driver loaded later is found."""
    collector = RaplCollector(host.kernel)
    with pytest.raises(NoData, match="there is no RAPL"):
        host.samples(collector)
    host.write(f"{POWERCAP}/intel-rapl/enabled", "1\n")
    with pytest.raises(NoData, match="there is no RAPL"):
        host.samples(collector)
    write_zone(host, "intel-rapl:0", "package-0", 1_000_000)
    assert list(host.samples(collector).values()) == [1]
