"""The growth that `perfwatch bench` measures: its fake machines, and how steps are compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.bench.growth import GROWTHS, compare_steps
from exporter.bench.measures import Figure
from exporter.bench.trees import Machine, build_tree
from exporter.exposition import TEXT, Renderer
from exporter.outcome import NO_DATA, OK, attempt
from exporter.parts import make_collectors
from exporter.settings import all_keys, build
from exporter.sources import parse_value

ABSENT_IN_TREES = {
    *("bcache", "bcachefs", "bonding", "btrfs", "cpufreq", "dmi", "edac", "fibrechannel", "hwmon"),
    *("infiniband", "ipvs", "mdadm", "nfs", "nfsd", "powersupplyclass", "rapl", "tapestats"),
    *("thermal_zone", "watchdog", "xfs", "zfs"),
}
"""What a virtual machine may well be without."""

MAY_BE_COPIED = {"conntrack", "kernel_hung", "selinux"}
"""What not every kernel has; then its copy has not either."""


def test_a_fake_machine_is_whole(tmp_path: Path) -> None:
    """A tree has what a virtual machine has, with as many series as the machine has parts."""
    tree = build_tree(tmp_path, Machine(cpus=3, disks=4, interfaces=5))
    keys = {f"--{key.flag}": key for key in all_keys()}
    values = {
        keys[name].flag: parse_value(keys[name], value, name)
        for name, _, value in (flag.partition("=") for flag in tree.flags())
    }
    collectors = make_collectors(build(values))
    outcomes = {one.name: attempt(one, Renderer(TEXT), 10_000) for one in collectors}
    statuses = {name: one.status for name, one in outcomes.items() if one.status != OK}
    assert statuses.keys() - MAY_BE_COPIED == ABSENT_IN_TREES
    assert set(statuses.values()) == {NO_DATA}
    assert outcomes["cpu"].body.count(b'mode="idle"') == 3
    assert outcomes["diskstats"].body.count(b"\nnode_disk_io_now{") == 4
    assert b'model="Disk 3840"' in outcomes["diskstats"].body
    assert outcomes["netdev"].body.count(b"\nnode_network_receive_bytes_total{") == 5
    assert outcomes["netdev"].body.count(b"\nnode_network_receive_nohandler_total{") == 5
    assert outcomes["netclass"].body.count(b"\nnode_network_mtu_bytes{") == 5
    assert outcomes["netclass"].body.count(b"\nnode_network_speed_bytes{") == 5
    assert outcomes["arp"].body.count(b"\nnode_arp_entries{") == 3
    assert outcomes["nvme"].body.count(b"\nnode_nvme_namespace_used_bytes{") == 4
    assert outcomes["softnet"].body.count(b"\nnode_softnet_processed_total{") == 3
    assert outcomes["schedstat"].body.count(b"\nnode_schedstat_timeslices_total{") == 3
    tree.move(1)
    moved = {
        one.name
        for one in collectors
        if attempt(one, Renderer(TEXT), 10_000).body != outcomes[one.name].body
    }
    assert moved >= {"cpu", "diskstats", "netdev", "softnet", "schedstat"}
    assert moved.isdisjoint({"arp", "netclass", "nvme"})


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(2.0, 3.0, 1.5), (-1.0, 0.3, 3.0), (1.0, -1.0, 0.0)],
)
def test_linear_growth_is_one_step_by_the_other(
    first: float, second: float, expected: float
) -> None:
    """Medians are divided; a difference that the noise has swallowed divides nothing."""
    steps = [Figure("", "", "us", ([value - 1, value, value + 9],)) for value in (first, second)]
    figure = compare_steps(GROWTHS[0], *steps)
    assert figure.key == "linear_cpus"
    assert figure.value(0) == pytest.approx(expected)
