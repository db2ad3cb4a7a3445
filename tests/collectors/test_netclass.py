"""The netclass collector: sysfs, and netlink with its announcements."""

from __future__ import annotations

import contextlib
import errno
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors._netclass_interface import NUMBERS
from exporter.collectors._netclass_rtnl import parse_link_mode
from exporter.collectors._netclass_sysfs import STATE, parse_hexadecimal
from exporter.collectors.netclass import NetclassCollector, Options
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

ETH0 = {
    "addr_assign_type": "0",
    "address": "02:00:00:00:00:01",
    "broadcast": "ff:ff:ff:ff:ff:ff",
    "carrier": "1",
    "carrier_changes": "5",
    "carrier_down_count": "3",
    "carrier_up_count": "2",
    "dev_id": "0x1f",
    "dormant": "0",
    "duplex": "full",
    "flags": "0x1003",
    "ifalias": "uplink",
    "ifindex": "2",
    "iflink": "3",
    "link_mode": "0",
    "mtu": "1500",
    "name_assign_type": "4",
    "netdev_group": "7",
    "operstate": "up",
    "speed": "2500",
    "tx_queue_len": "1000",
    "type": "1",
}


def add(host: FakeHost, device: str, **changes: str) -> None:
    """Add an interface to the host, or change its attributes."""
    known = (host.root / "sys/class/net" / device).exists()
    for name, value in (changes if known else {**ETH0, **changes}).items():
        host.write(f"sys/class/net/{device}/{name}", f"{value}\n")


def info_of(samples: dict[str, float]) -> list[str]:
    """The labels of node_network_info."""
    return [key.partition("{")[2] for key in samples if key.startswith("node_network_info{")]


def test_all_attributes_are_shown(host: FakeHost) -> None:
    """Hexadecimal and decimal numbers, the speed in bytes, and the labels."""
    add(host, "eth0")
    samples = host.samples(NetclassCollector(host.kernel, Options()))
    assert samples == {
        f'node_network_{name}{{device="eth0"}}': value
        for name, value in {
            "address_assign_type": 0,
            "carrier": 1,
            "carrier_changes_total": 5,
            "carrier_down_changes_total": 3,
            "carrier_up_changes_total": 2,
            "device_id": 31,
            "dormant": 0,
            "flags": 4099,
            "iface_id": 2,
            "iface_link": 3,
            "iface_link_mode": 0,
            "mtu_bytes": 1500,
            "name_assign_type": 4,
            "net_dev_group": 7,
            "protocol_type": 1,
            "speed_bytes": 312_500_000,
            "transmit_queue_length": 1000,
            "up": 1,
        }.items()
    } | {
        "node_network_info{"
        'address="02:00:00:00:00:01",adminstate="up",broadcast="ff:ff:ff:ff:ff:ff",'
        'device="eth0",duplex="full",ifalias="uplink",operstate="up"}': 1
    }


def test_what_has_no_value_is_missing(host: FakeHost) -> None:
    """An interface that is down has neither carrier nor speed; old kernels lack other things."""
    add(host, "eth0", operstate="down", flags="0x1002", ifalias="")
    for name in ("carrier", "duplex", "speed", "dormant", "name_assign_type", "carrier_up_count"):
        (host.root / f"sys/class/net/eth0/{name}").unlink()
    samples = host.samples(NetclassCollector(host.kernel, Options()))
    assert samples['node_network_up{device="eth0"}'] == 0
    assert len(samples) == 1 + 1 + len(NUMBERS) - 5
    [labels] = info_of(samples)
    assert 'adminstate="down"' in labels
    assert "duplex" not in labels
    assert "ifalias" not in labels


def test_without_flags_the_administrative_state_is_unknown(host: FakeHost) -> None:
    """Nothing is said of what cannot be read."""
    add(host, "eth0")
    for name in ("flags", "ifindex"):
        (host.root / f"sys/class/net/eth0/{name}").unlink()
    samples = host.samples(NetclassCollector(host.kernel, Options()))
    assert ['adminstate="unknown"' in labels for labels in info_of(samples)] == [True]
    assert 'node_network_iface_id{device="eth0"}' not in samples


@pytest.mark.parametrize(("speed", "shown"), [("-1", -125_000), ("4294967295", 536870911875000)])
def test_an_unknown_speed_is_missing(host: FakeHost, speed: str, shown: int) -> None:
    """-1, with its sign or without, is shown only when that is wanted, as node_exporter does."""
    add(host, "eth0", speed=speed)
    name = 'node_network_speed_bytes{device="eth0"}'
    assert name not in host.samples(NetclassCollector(host.kernel, Options()))
    options = Options(ignore_invalid_speed=False)
    assert host.samples(NetclassCollector(host.kernel, options))[name] == shown


def test_devices_may_be_ignored(host: FakeHost) -> None:
    """The pattern is searched for; an empty one ignores nothing."""
    for device in ("eth0", "veth1"):
        add(host, device)
    samples = host.samples(NetclassCollector(host.kernel, Options(re.compile("^veth"))))
    assert [re.findall('device="(.*?)"', labels) for labels in info_of(samples)] == [["eth0"]]
    assert len(info_of(host.samples(NetclassCollector(host.kernel, Options(None))))) == 2


def test_changes_of_a_tree_are_seen_at_once(host: FakeHost) -> None:
    """Another tree announces nothing, so it is read each time."""
    host.write("sys/class/net/bonding_masters", "bond0\n")
    add(host, "eth0")
    collector = NetclassCollector(host.kernel, Options(netlink=True))
    assert host.samples(collector)['node_network_mtu_bytes{device="eth0"}'] == 1500
    add(host, "eth0", mtu="9000")
    add(host, "eth1")
    samples = host.samples(collector)
    assert samples['node_network_mtu_bytes{device="eth0"}'] == 9000
    assert len(info_of(samples)) == 2


def test_what_changes_without_the_state_is_seen_after_a_minute(host: FakeHost) -> None:
    """Of a tree that announces nothing, a few files are read each time, and the rest with them."""
    now = [1000.0]
    add(host, "eth0", tx_queue_len="1000")
    add(host, "eth1")
    collector = NetclassCollector(host.kernel, Options(), clock=lambda: now[0])
    length = 'node_network_transmit_queue_length{device="eth0"}'
    for _ in range(2):
        assert host.samples(collector)[length] == 1000
    add(host, "eth0", tx_queue_len="500")
    assert host.samples(collector)[length] == 1000
    now[0] += 61
    assert host.samples(collector)[length] == 500
    add(host, "eth0", tx_queue_len="700", operstate="down")
    assert host.samples(collector)[length] == 700
    assert host.kernel.kept == 2 * len(STATE)


def test_a_state_that_cannot_be_read_any_more_is_another(host: FakeHost) -> None:
    """What is left of an interface that goes away is looked at anew."""
    host.kernel.max_kept = 0
    add(host, "eth0")
    collector = NetclassCollector(host.kernel, Options())
    flags = 'node_network_flags{device="eth0"}'
    assert all(flags in host.samples(collector) for _ in range(2))
    (host.root / "sys/class/net/eth0/flags").unlink()
    samples = host.samples(collector)
    assert flags not in samples
    assert 'node_network_mtu_bytes{device="eth0"}' in samples


def test_an_interface_that_has_just_gone_is_left_out(host: FakeHost) -> None:
    """An empty directory is that of an interface which goes away while it is read."""
    add(host, "eth0")
    (host.root / "sys/class/net/eth1").mkdir()
    assert len(info_of(host.samples(NetclassCollector(host.kernel, Options())))) == 1


def test_a_host_without_interfaces_has_no_data(host: FakeHost) -> None:
    """No sysfs: nothing to show."""
    with pytest.raises(NoData, match="sysfs"):
        host.samples(NetclassCollector(host.kernel, Options()))


@pytest.mark.parametrize("function", ["scandir", "open"])
def test_without_rights_there_is_no_data(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    """Neither a directory that may not be listed nor closed files are a failure at each scrape."""

    def refuse(path: str, *flags: int) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    add(host, "eth0")
    collector = NetclassCollector(host.kernel, Options())
    monkeypatch.setattr(os, function, refuse)
    with pytest.raises(NoData, match="with the rights to"):
        host.samples(collector)


@pytest.mark.parametrize("content", [b"4099", b"0x", b"0xno", b""])
def test_other_numbers_are_refused(content: bytes) -> None:
    """A hexadecimal number has 0x before it."""
    with pytest.raises(ValueError, match=r"0x|literal"):
        parse_hexadecimal(content)


@given(st.binary(max_size=60))
def test_parsers_raise_nothing_but_value_error(content: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    for parse in (parse_hexadecimal, parse_link_mode):
        with contextlib.suppress(ValueError):
            parse(content)
