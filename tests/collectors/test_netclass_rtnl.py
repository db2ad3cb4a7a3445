"""The netclass collector where it asks the kernel, or listens to it."""

from __future__ import annotations

import contextlib
import errno
import re
import socket
import struct
from typing import Any

import pytest

from exporter.collectors._links import IFINFOMSG, IFLA_IFNAME, IFLA_OPERSTATE, parse_link
from exporter.collectors._netclass_rtnl import LinkModes, describe, parse_link_mode
from exporter.collectors.netclass import NetclassCollector, Options
from exporter.kernel import KernelTree
from exporter.netlink import GENL, Netlink, attribute
from tests.collectors.conftest import FakeHost
from tests.isolated_network import DOWN, UP, Network, run_in_network
from tests.samples import read_samples


def add(host: FakeHost, device: str, ifindex: int, mtu: int = 1500) -> None:
    """Add an interface to the sysfs of the host."""
    for name, value in {
        "duplex": "full",
        "ifindex": ifindex,
        "mtu": mtu,
        "name_assign_type": 4,
        "operstate": "up",
        "speed": 2500,
    }.items():
        host.write(f"sys/class/net/{device}/{name}", f"{value}\n")


def info_of(samples: dict[str, float]) -> list[str]:
    """The labels of node_network_info."""
    return [key.partition("{")[2] for key in samples if key.startswith("node_network_info{")]


def link_mode(speed: int, duplex: int) -> bytes:
    """Write an answer of ethtool."""
    header = attribute(1 | 0x8000, attribute(1, struct.pack("=I", 7)))
    values = attribute(5, struct.pack("=I", speed)) + attribute(6, bytes([duplex]))
    return GENL.pack(4, 1, 0) + header + values


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (link_mode(10_000, 1), (7, (1_250_000_000, "full"))),
        (link_mode(10, 0), (7, (1_250_000, "half"))),
        (link_mode(0xFFFF_FFFF, 0xFF), (7, (None, ""))),
        (GENL.pack(4, 1, 0), (0, (None, ""))),
    ],
)
def test_link_modes(message: bytes, expected: object) -> None:
    """Speed and duplex of an interface; what is unknown is missing."""
    assert parse_link_mode(message) == expected


def test_states_of_kernels_to_come_are_unknown() -> None:
    """A number without a name is no error."""
    message = IFINFOMSG.pack(0, 1, 7, 0, 0) + attribute(IFLA_IFNAME, b"eth0\0")
    interface = describe(parse_link(message + attribute(IFLA_OPERSTATE, b"\x63")))
    assert interface.texts["operstate"] == "unknown"
    assert describe(parse_link(message)).texts["operstate"] == "unknown"


@pytest.mark.parametrize("code", [errno.ENOENT, errno.EPERM])
def test_ethtool_may_be_missing(code: int) -> None:
    """Before Linux 5.6 there is no such family: sysfs has speed and duplex then."""
    modes = LinkModes()
    ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    modes._generic._socket = ours
    kernels.send(struct.pack("=IHHIIi", 20, 2, 0, 1, 0, -code))
    assert modes.read() is None
    kernels.send(struct.pack("=IHHIIi", 20, 2, 0, 2, 0, -errno.EIO))
    with kernels, contextlib.closing(modes._generic), pytest.raises(OSError, match="Input/output"):
        modes.read()


def follow_changes() -> Any:
    """Change interfaces; give what is shown after each step."""
    network = Network()
    network.add_pair("left", "right")
    for name in ("left", "right"):
        network.set(name, "flags", UP)
    network.wait_for_state("left", "up")
    collector = NetclassCollector(KernelTree(), Options())
    steps = [read_samples(collector.collect())]
    network.set("left", "mtu", 1400)
    network.set("left", "ifalias", "uplink")
    steps.append(read_samples(collector.collect()))
    network.set("right", "flags", DOWN)
    network.wait_for_state("left", "lowerlayerdown")
    steps.append(read_samples(collector.collect()))
    network.rename("right", "moved")
    network.add_pair("new", "newer")
    steps.append(read_samples(collector.collect()))
    network.remove("new")
    steps.append(read_samples(collector.collect()))
    return steps


def test_changes_are_seen_at_the_next_scrape() -> None:
    """MTU, alias, state, carrier, names; interfaces that come and go."""
    first, changed, down, renamed, removed = run_in_network(follow_changes)
    assert first['node_network_mtu_bytes{device="left"}'] == 1500
    assert first['node_network_up{device="left"}'] == 1
    assert changed['node_network_mtu_bytes{device="left"}'] == 1400
    assert [labels for labels in info_of(changed) if 'ifalias="uplink"' in labels]
    assert down['node_network_carrier{device="left"}'] == 0
    assert down['node_network_up{device="left"}'] == 0
    assert 'node_network_carrier{device="right"}' not in down
    name = "node_network_carrier_down_changes_total"
    assert down[f'{name}{{device="left"}}'] == first[f'{name}{{device="left"}}'] + 1
    shown = [
        {key.split('"')[1] for key in step if "node_network_up" in key}
        for step in (first, renamed, removed)
    ]
    assert shown == [
        {"lo", "left", "right"},
        {"lo", "left", "moved", "new", "newer"},
        {"lo", "left", "moved"},
    ]


def save_reading() -> Any:
    """Give which interfaces are read anew when nothing, something, or all may have changed."""
    network, now = Network(), 0.0
    network.add_pair("left", "right")
    kernel = KernelTree()
    collector = NetclassCollector(kernel, Options(), clock=lambda: now)
    first = list(collector.collect())
    known = collector._known
    told: list[object] = [kernel.kept]
    told.append([one is two for one, two in zip(first, collector.collect(), strict=True)])

    def renewed() -> list[str]:
        list(collector.collect())
        return [name for name, one in collector._known.items() if one is not known.get(name)]

    told.append(renewed())
    network.set("left", "mtu", 1400)
    told.append(renewed())
    known, now = collector._known, 61.0
    told.append(renewed())
    return told


def test_what_has_not_changed_is_not_read() -> None:
    """An announcement renews what it names, a minute everything; no file stays open."""
    assert run_in_network(save_reading) == [
        0,
        [True, True, True],
        [],
        ["left"],
        ["left", "lo", "right"],
    ]


def fail_between() -> Any:
    """Break the connection while a change is looked at; give the MTU before and after."""
    network = Network()
    network.add_pair("left", "right")
    shown = []
    for options in (Options(), Options(netlink=True)):
        now = 0.0
        network.set("left", "mtu", 1500)
        collector = NetclassCollector(KernelTree(), options, clock=lambda: now)  # noqa: B023
        list(collector.collect())
        network.set("left", "mtu", 1400)
        now += 60.0
        ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        kernels.close()
        collector._route.close()
        collector._route._socket = ours
        with pytest.raises(ConnectionRefusedError):
            list(collector.collect())
        for _ in range(2):
            samples = read_samples(collector.collect())
            shown.append(samples['node_network_mtu_bytes{device="left"}'])
    return shown


def test_after_a_failure_everything_is_read_anew() -> None:
    """The change was announced once: else what was read before would be shown ever after."""
    assert run_in_network(fail_between) == 4 * [1400]


def ask_kernel() -> Any:
    """Give what both sources say of the same interfaces."""
    network = Network()
    network.add_pair("left", "right")
    network.add_name("left", "uplink")
    network.add_name("left", "port 7")
    for name in ("left", "right"):
        network.set(name, "flags", UP)
    network.wait_for_state("left", "up")
    network.set("right", "flags", DOWN)
    network.wait_for_state("left", "lowerlayerdown")
    options = [Options(netlink=True), Options()]
    collectors = [NetclassCollector(KernelTree(), one) for one in options]
    return [read_samples(collector.collect()) for collector in collectors]


def test_netlink_says_what_sysfs_says() -> None:
    """And more: alternative names, and what sysfs has no value for while an interface is down."""
    netlink, sysfs = run_in_network(ask_kernel)
    more = set(netlink.items()) - set(sysfs.items())
    name = 'node_network_altnames_info{altname="%s",device="left"}'
    assert {name % one for one in ("uplink", "port 7")} <= dict(more).keys()
    assert netlink['node_network_carrier{device="right"}'] == 0
    assert netlink['node_network_speed_bytes{device="right"}'] == 1_250_000_000
    # ethtool has the duplex of "right" too, which is a label; nothing else is lost.
    [lost] = set(sysfs) - set(netlink)
    assert 'device="right"' in lost
    # Carrier and "dormant" of both that are down, one speed, two names.
    assert len(netlink) == len(sysfs) + 4 + 1 + 2


def test_sysfs_of_another_network_namespace_is_read_each_time(host: FakeHost) -> None:
    """What is announced is not about its interfaces."""
    add(host, "eth0", 9999)
    kernel = KernelTree(sysfs=str(host.root / "sys"))
    collector = NetclassCollector(kernel, Options())
    host.samples(collector)
    add(host, "eth0", 9999, mtu=9000)
    assert host.samples(collector)['node_network_mtu_bytes{device="eth0"}'] == 9000
    names = {name for _, name in socket.if_nameindex()}
    asked = host.samples(NetclassCollector(kernel, Options(netlink=True)))
    assert {key.split('"')[1] for key in asked if "node_network_up" in key} == names
    assert not [key for key in asked if "name_assign_type" in key]


def test_interfaces_may_all_be_ignored() -> None:
    """Then nothing is shown."""
    for netlink in (False, True):
        options = Options(re.compile("."), netlink=netlink)
        assert read_samples(NetclassCollector(KernelTree(), options).collect()) == {}


def test_without_ethtool_sysfs_has_the_speed(host: FakeHost) -> None:
    """An old kernel: speed and duplex come from sysfs, if it shows the same interface."""
    ifindex, name = socket.if_nameindex()[0]
    add(host, name, ifindex)
    kernel = KernelTree(sysfs=str(host.root / "sys"))
    collector = NetclassCollector(kernel, Options(netlink=True))
    assert collector._reader is not None
    collector._reader._modes._generic = Netlink(31)
    samples = host.samples(collector)
    assert samples[f'node_network_speed_bytes{{device="{name}"}}'] == 312_500_000
    assert [labels for labels in info_of(samples) if 'duplex="full"' in labels]


@pytest.mark.parametrize("code", [errno.EAFNOSUPPORT, errno.EMFILE])
def test_netlink_may_be_refused(host: FakeHost, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """A sandbox that forbids it leaves sysfs, for good; any other failure is shown."""

    def refuse(*words: object) -> socket.socket:
        raise OSError(code, "refused")

    add(host, "eth0", 9999)
    kernel = KernelTree(sysfs=str(host.root / "sys"))
    collector = NetclassCollector(kernel, Options(netlink=True))
    monkeypatch.setattr(socket, "socket", refuse)
    if code == errno.EMFILE:
        with pytest.raises(OSError, match="refused"):
            host.samples(collector)
        return
    assert len(info_of(host.samples(collector))) == 1
    monkeypatch.undo()
    assert collector._watch is None
    add(host, "eth0", 9999, mtu=9000)
    assert host.samples(collector)['node_network_mtu_bytes{device="eth0"}'] == 9000
