"""The bonding collector: /sys/class/net/bonding_masters and what is below its bonds."""

from __future__ import annotations

import shutil

import pytest

from exporter.collectors.bonding import BondingCollector
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

NET = "sys/class/net"


def write_bond(host: FakeHost, bond: str, link: str = "lower", **states: str) -> None:
    """Write a bond and the states of its interfaces, below links of this name."""
    host.write(f"{NET}/{bond}/bonding/slaves", " ".join(states) + "\n")
    for slave, state in states.items():
        host.write(f"{NET}/{bond}/{link}_{slave}/bonding_slave/mii_status", f"{state}\n")


@pytest.fixture
def collector(host: FakeHost) -> BondingCollector:
    """A collector of a host with two bonds, one of which has lost an interface."""
    host.write(f"{NET}/bonding_masters", "bond0 bond1\n")
    write_bond(host, "bond0", eth0="up", eth1="down")
    write_bond(host, "bond1", eth2="up", eth3="going down", eth4="up")
    return BondingCollector(host.kernel)


def test_bonds_are_counted(host: FakeHost, collector: BondingCollector) -> None:
    """How many interfaces there are, and how many of them are up; `going down` is not."""
    assert host.samples(collector) == {
        'node_bonding_slaves{master="bond0"}': 2,
        'node_bonding_slaves{master="bond1"}': 3,
        'node_bonding_active{master="bond0"}': 1,
        'node_bonding_active{master="bond1"}': 2,
    }


def test_states_are_those_of_the_moment(host: FakeHost, collector: BondingCollector) -> None:
    """A link that comes back is seen."""
    host.samples(collector)
    write_bond(host, "bond0", eth0="up", eth1="up")
    assert host.samples(collector)['node_bonding_active{master="bond0"}'] == 2


def test_interface_may_come_and_go(host: FakeHost, collector: BondingCollector) -> None:
    """Also one that had no state before, because it belonged to no bond."""
    host.samples(collector)
    write_bond(host, "bond0", eth0="up", eth1="down", eth9="up")
    assert host.samples(collector)['node_bonding_active{master="bond0"}'] == 2
    shutil.rmtree(host.root / f"{NET}/bond0/lower_eth1")
    write_bond(host, "bond0", eth0="up", eth9="up")
    assert host.samples(collector)['node_bonding_slaves{master="bond0"}'] == 2


def test_bond_that_vanishes_costs_itself_only(host: FakeHost, collector: BondingCollector) -> None:
    """Between the readings of the list and of the bond; when it is there again, it is shown."""
    host.samples(collector)
    shutil.rmtree(host.root / f"{NET}/bond0")
    assert set(host.samples(collector)) == {
        'node_bonding_slaves{master="bond1"}',
        'node_bonding_active{master="bond1"}',
    }
    write_bond(host, "bond0", eth0="up")
    assert host.samples(collector)['node_bonding_active{master="bond0"}'] == 1


def test_bond_without_interfaces_is_shown(host: FakeHost) -> None:
    """With zeros, because both numbers are known."""
    host.write(f"{NET}/bonding_masters", "bond0\n")
    write_bond(host, "bond0")
    assert set(host.samples(BondingCollector(host.kernel)).values()) == {0}


def test_old_kernels_have_other_links(host: FakeHost) -> None:
    """Before Linux 3.13 they were called `slave_`."""
    host.write(f"{NET}/bonding_masters", "bond0\n")
    write_bond(host, "bond0", "slave", eth0="up", eth1="up")
    samples = host.samples(BondingCollector(host.kernel))
    assert samples['node_bonding_active{master="bond0"}'] == 2


def test_unknown_states_are_absent(host: FakeHost) -> None:
    """Before Linux 3.14 nothing tells the states: then there is no number, and no 0."""
    host.write(f"{NET}/bonding_masters", "bond0\n")
    host.write(f"{NET}/bond0/bonding/slaves", "eth0 eth1\n")
    samples = host.samples(BondingCollector(host.kernel))
    assert samples == {'node_bonding_slaves{master="bond0"}': 2}


@pytest.mark.parametrize(("masters", "reason"), [(None, "not loaded"), ("\n", "no bonds")])
def test_host_without_bonds_has_no_data(host: FakeHost, masters: str | None, reason: str) -> None:
    """Whether the driver is loaded or not."""
    if masters is not None:
        host.write(f"{NET}/bonding_masters", masters)
    with pytest.raises(NoData, match=reason):
        list(BondingCollector(host.kernel).collect())
