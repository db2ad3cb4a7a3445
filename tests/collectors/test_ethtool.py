"""The ethtool collector: what drivers answer to requests of ethtool."""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from struct import pack

import pytest

from exporter.collectors import _ethtool_ioctl as ioctl
from exporter.collectors.ethtool import EthtoolCollector, Options, name_statistics
from exporter.kernel import KernelTree, NoData
from tests.collectors.conftest import FakeHost
from tests.collectors.drivers import (
    Answer,
    Drivers,
    bits,
    make_driver,
    make_link,
    make_names,
    make_statistics,
)
from tests.samples import read_samples


def make_collector(
    host: FakeHost, drivers: Drivers, options: Options | None = None
) -> EthtoolCollector:
    """Make a collector that asks these drivers."""
    return EthtoolCollector(host.kernel, options, ask=drivers.ask, interfaces=drivers.list)


def make_card(names: Sequence[str] = (), numbers: Sequence[int] = ()) -> dict[int, Answer]:
    """Make a driver with statistics."""
    return {
        ioctl.GDRVINFO: make_driver("igc", "6.12", len(names)),
        ioctl.GSTRINGS: make_names(*names),
        ioctl.GSTATS: make_statistics(*numbers),
    }


def test_statistics_become_metrics_by_their_name(host: FakeHost) -> None:
    """The words rx and tx are spelled out, other characters become _, some names have _total."""
    drivers = Drivers(
        eth0=make_card(
            ["rx_bytes", "tx  q[1].Bytes", "RX-Timestamp lost", "__vrx_tx_ok", "rx0_drops"],
            [1 << 40, 2, 3, 4, 5],
        ),
        eth1=make_card(["rx_bytes"], [6]),
    )
    samples = host.samples(make_collector(host, drivers))
    assert {name: value for name, value in samples.items() if "_info" not in name} == {
        'node_ethtool_received_bytes_total{device="eth0"}': 1 << 40,
        'node_ethtool_received_bytes_total{device="eth1"}': 6,
        'node_ethtool_transmitted_q_1_bytes{device="eth0"}': 2,
        'node_ethtool_received_timestamp_lost{device="eth0"}': 3,
        'node_ethtool_vrx_transmitted_ok{device="eth0"}': 4,
        'node_ethtool_rx0_drops{device="eth0"}': 5,
    }


def test_the_driver_names_itself(host: FakeHost) -> None:
    """A label without a value is as good as absent."""
    samples = host.samples(make_collector(host, Drivers(eth0=make_card())))
    assert samples == {
        'node_ethtool_info{bus_info="0000:02:00.0",device="eth0",driver="igc",'
        'firmware_version="fw 1",version="6.12"}': 1
    }


def test_names_that_become_the_same_are_left_out() -> None:
    """Nothing tells which is which; neither is there a metric without a name."""
    names = [b"rx_foo", b"rx-foo", b"bar", b" ", b"__"]
    assert name_statistics(names, None) == ["", "", "bar", "", ""]


def test_statistics_can_be_chosen(host: FakeHost) -> None:
    """By the driver's name, with _ for other characters."""
    card = make_card(["rx_bytes", "q[1] drops", "q[2] drops"], [1, 2, 3])
    options = Options(metrics_include=re.compile("^q_1_"))
    samples = host.samples(make_collector(host, Drivers(eth0=card), options))
    assert samples.pop('node_ethtool_q_1_drops{device="eth0"}') == 2
    assert len(samples) == 1


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        (Options(device_include=re.compile("^eth0$")), {"eth0"}),
        (Options(device_exclude=re.compile("^eth0$")), {"eth1"}),
    ],
)
def test_interfaces_can_be_chosen(host: FakeHost, options: Options, shown: set[str]) -> None:
    """By what to show, or by what to leave out."""
    drivers = Drivers(eth0=make_card(), eth1=make_card())
    samples = host.samples(make_collector(host, drivers, options))
    assert {name.split('device="')[1].split('"')[0] for name in samples} == shown


def test_both_patterns_are_refused() -> None:
    """One of the two has to go."""
    with pytest.raises(ValueError, match="device-include"):
        Options(device_include=re.compile("a"), device_exclude=re.compile("b"))


def test_link_settings_are_sets_of_modes(host: FakeHost) -> None:
    """Speeds in bytes per second, kinds of ports, and three capabilities, told and offered."""
    supported = bits("Autoneg", "FIBRE", "Pause", "1000baseT/half", "400000baseDR4/full")
    link = make_link(supported, bits("Asym_Pause", "400000baseDR4/full"))
    samples = host.samples(make_collector(host, Drivers(eth0={ioctl.GLINKSETTINGS: link})))
    speed = '_speed_bytes{device="eth0",duplex="full",mode="400000baseDR4"}'
    assert samples == {
        'node_network_supported_port_info{device="eth0",type="FIBRE"}': 1,
        f"node_network_supported{speed}": 5e10,
        'node_network_supported_speed_bytes{device="eth0",duplex="half",mode="1000baseT"}': 1.25e8,
        f"node_network_advertised{speed}": 5e10,
        'node_network_autonegotiate_supported{device="eth0"}': 1,
        'node_network_pause_supported{device="eth0"}': 1,
        'node_network_asymmetricpause_supported{device="eth0"}': 0,
        'node_network_autonegotiate_advertised{device="eth0"}': 0,
        'node_network_pause_advertised{device="eth0"}': 0,
        'node_network_asymmetricpause_advertised{device="eth0"}': 1,
        'node_network_autonegotiate{device="eth0"}': 1,
    }


def test_older_kernels_tell_32_modes(host: FakeHost) -> None:
    """Linux before 4.6 has ETHTOOL_GSET only."""
    supported, advertised = bits("TP", "100baseT/full"), bits("TP")
    old = pack("=IIIHBBBBB25x", ioctl.GSET, supported, advertised, 100, 1, 0, 0, 0, 1)
    samples = host.samples(make_collector(host, Drivers(eth0={ioctl.GSET: old})))
    speed = 'node_network_supported_speed_bytes{device="eth0",duplex="full",mode="100baseT"}'
    assert samples[speed] == 12_500_000
    assert samples['node_network_supported_port_info{device="eth0",type="TP"}'] == 1
    assert samples['node_network_autonegotiate{device="eth0"}'] == 1


def test_interfaces_come_and_go(host: FakeHost) -> None:
    """What was known of one that has gone is forgotten."""
    drivers = Drivers(eth0=make_card(["ok"], [1]), eth1=make_card(["ok"], [2]))
    collector = make_collector(host, drivers)
    assert len(host.samples(collector)) == 4
    del drivers.interfaces["eth0"]
    assert len(host.samples(collector)) == 2
    drivers.interfaces["eth1"] = make_card(["other"], [3])
    assert host.samples(collector)['node_ethtool_other{device="eth1"}'] == 3


@pytest.mark.parametrize(
    ("command", "series"), [(ioctl.GLINKSETTINGS, 2), (ioctl.GDRVINFO, 0), (ioctl.GSTATS, 1)]
)
def test_an_interface_that_has_just_gone_is_left_out(
    host: FakeHost, command: int, series: int
) -> None:
    """It costs what it was asked when it went, and what follows from that."""
    eth0 = {**make_card(["ok"], [1]), command: errno.ENODEV}
    assert len(host.samples(make_collector(host, Drivers(eth0=eth0, lo={})))) == series


def test_other_errors_are_failures(host: FakeHost) -> None:
    """What has nothing to do with the interface is not hidden."""
    with pytest.raises(OSError, match="buffer"):
        list(make_collector(host, Drivers(eth0={ioctl.GDRVINFO: errno.ENOBUFS})).collect())


@pytest.mark.parametrize(
    "changed",
    [{ioctl.GSTATS: make_statistics(1, 2)}, {ioctl.GSTRINGS: make_names("a", "b")}],
)
def test_statistics_that_have_just_changed_are_left_out(
    host: FakeHost, changed: dict[int, Answer]
) -> None:
    """Names and numbers of different sets do not belong together."""
    card = {**make_card(["a"], [1]), **changed}
    samples = host.samples(make_collector(host, Drivers(eth0=card)))
    assert list(samples) == [name for name in samples if "_info" in name]


def test_too_many_statistics_are_refused(host: FakeHost) -> None:
    """They would not fit into the memory that the kernel writes to."""
    card: dict[int, Answer] = {ioctl.GDRVINFO: make_driver("wild", "1", ioctl.MAX_STATISTICS + 1)}
    with pytest.raises(ValueError, match="statistics"):
        list(make_collector(host, Drivers(eth0=card)).collect())


def test_the_network_of_another_host_is_not_asked(host: FakeHost) -> None:
    """With the procfs of a host mounted in a container, drivers would tell of the container."""
    with pytest.raises(NoData, match="network of the host"):
        list(EthtoolCollector(host.kernel).collect())


def test_this_machine_answers() -> None:
    """Whatever interfaces it has: drivers that answer name themselves."""
    samples = read_samples(EthtoolCollector(KernelTree()).collect())
    assert [name for name in samples if name.startswith("node_ethtool_info")] or not samples
