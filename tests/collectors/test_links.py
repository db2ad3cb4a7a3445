"""Interfaces over rtnetlink, and the watch that tells which of them changed."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors._links import (
    IFINFOMSG,
    IFLA_ADDRESS,
    IFLA_IFALIAS,
    IFLA_IFNAME,
    IFLA_MTU,
    MAX_AGE_SECONDS,
    LinkWatch,
    _hear,
    parse_link,
    read_links,
)
from exporter.netlink import NETLINK_ROUTE, Netlink, attribute
from tests.isolated_network import Network, run_in_network

LINK = (
    IFINFOMSG.pack(0, 1, 7, 0x1003, 0)
    + attribute(IFLA_IFNAME, b"eth0\0")
    + attribute(IFLA_MTU, b"\0\0\0\0")
    + attribute(IFLA_ADDRESS, bytes(range(6)))
)


def test_a_link_has_its_attributes() -> None:
    """Texts, addresses and numbers; what is missing is empty, or none."""
    link = parse_link(LINK)
    assert link[:3] == (7, 1, 0x1003)
    assert link.name == "eth0"
    assert link.hardware_address(IFLA_ADDRESS) == "00:01:02:03:04:05"
    assert link.number(IFLA_MTU) == 0
    assert (link.text(IFLA_IFALIAS), link.number(IFLA_IFALIAS)) == ("", None)


def test_a_link_is_parsed_as_far_as_wanted() -> None:
    """What stands behind the attribute that is looked for is not looked at."""
    assert parse_link(LINK + b"torn", IFLA_IFNAME).attributes == {IFLA_IFNAME: b"eth0\0"}


@given(st.binary(max_size=80))
def test_parse_raises_nothing_but_value_error(message: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_link(message)


def test_the_links_are_those_of_this_machine() -> None:
    """The kernel's answer has every interface, under its name and number."""
    links = read_links(Netlink(NETLINK_ROUTE))
    assert {(link.ifindex, link.name) for link in links} == set(socket.if_nameindex())


def hear_changes() -> Any:
    """Change interfaces; give what a watch says after each step."""
    network = Network()
    now = 0.0
    watch = LinkWatch(lambda: now)
    network.add_pair("left", "right")
    told = [watch.changes(), watch.changes()]
    network.set("left", "mtu", 1400)
    told += [watch.changes(), watch.changes()]
    network.add_pair("new", "newer")
    told.append(watch.changes())
    now = MAX_AGE_SECONDS
    told += [watch.changes(), watch.changes()]
    for mtu in range(1000, 1400):
        network.set("left", "mtu", mtu)
    told += [watch.changes(), watch.changes()]
    watch.close()
    told.append(watch.changes())
    names = {socket.if_nametoindex(name): name for name in ("left", "right", "new", "newer")}
    return [None if one is None else sorted(names[index] for index in one) for one in told]


def test_a_watch_tells_what_changed() -> None:
    """Anything at first, after a minute, and when too much was announced; else what was."""
    nothing: list[str] = []
    assert run_in_network(hear_changes) == [
        *(None, nothing),
        *(["left"], nothing),
        ["new", "newer"],
        *(None, nothing),
        *(None, nothing),
        None,
    ]


def test_a_watch_that_breaks_says_so() -> None:
    """Whatever else the kernel answers is an error."""
    with socket.socket() as unconnected, pytest.raises(OSError, match="not connected"):
        _hear(unconnected)


def test_a_watch_that_cannot_listen_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal is passed on, and the socket is closed."""

    def refuse(opened: socket.socket, address: object) -> None:
        raise PermissionError

    kept = len(list(Path("/proc/self/fd").iterdir()))
    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(PermissionError):
        LinkWatch().changed()
    assert len(list(Path("/proc/self/fd").iterdir())) == kept
