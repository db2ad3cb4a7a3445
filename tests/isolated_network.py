"""A network that a test may change as it likes, for code that asks the kernel: nothing is faked.

A test hands a function of its module to `run_in_network`. It runs as root, in a new process with a
network namespace of its own, and what it returns comes back as JSON. `Network` changes the network
over netlink and sysfs, so that no program is needed.
"""

from __future__ import annotations

import contextlib
import json
import runpy
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from exporter.netlink import NETLINK_ROUTE, NLM_F_ACK, Netlink, attribute
from tests.child import PATIENCE_SECONDS
from tests.network_namespace import run_in_namespace

NEWLINK, DELLINK, NEWNEIGH, NEWLINKPROP = 16, 17, 28, 108
CREATE = NLM_F_ACK | 0x400  # NLM_F_CREATE
NAME, LINKINFO, PROPERTIES, ALTERNATIVE_NAME = 3, 18, 52, 53
KIND, DATA, VETH_PEER = 1, 2, 1
NESTED = 0x8000
UP, DOWN = 0x1003, 0x1002


def link_header(ifindex: int = 0) -> bytes:
    """Write a struct ifinfomsg."""
    return struct.pack("=BxHiII", 0, 0, ifindex, 0, 0)


def named(kind: int, name: str) -> bytes:
    """Write an attribute that holds a text."""
    return attribute(kind, name.encode() + b"\0")


class Network:
    """The network of this process, to be changed."""

    def __init__(self) -> None:
        self._route = Netlink(NETLINK_ROUTE)
        with contextlib.suppress(OSError):  # it would send packets of its own
            Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1")

    def add_pair(self, name: str, peer: str) -> None:
        """Add two interfaces that are joined by a cable; both are down."""
        other = attribute(VETH_PEER | NESTED, link_header() + named(NAME, peer))
        information = named(KIND, "veth") + attribute(DATA | NESTED, other)
        request = link_header() + named(NAME, name)
        self._change(NEWLINK, request + attribute(LINKINFO | NESTED, information))

    def remove(self, name: str) -> None:
        """Remove an interface, with the other end of its cable."""
        self._change(DELLINK, link_header(socket.if_nametoindex(name)))

    def rename(self, name: str, new: str) -> None:
        """Give an interface, which has to be down, another name."""
        self._change(NEWLINK, link_header(socket.if_nametoindex(name)) + named(NAME, new))

    def add_name(self, name: str, alternative: str) -> None:
        """Give an interface an alternative name."""
        names = attribute(PROPERTIES | NESTED, named(ALTERNATIVE_NAME, alternative))
        self._change(NEWLINKPROP, link_header(socket.if_nametoindex(name)) + names)

    def add_neighbour(self, name: str, address: str, state: int, flags: int = 0) -> None:
        """Add an entry to the ARP cache; with the flag NTF_PROXY (8) an answer for another."""
        ifindex = socket.if_nametoindex(name)
        header = struct.pack("=BxxxiHBB", socket.AF_INET, ifindex, state, flags, 0)
        request = header + attribute(1, socket.inet_aton(address))
        self._change(NEWNEIGH, request + attribute(2, b"\2\0\0\0\0\1"))

    def set(self, name: str, what: str, value: object) -> None:
        """Write an attribute of sysfs."""
        Path(f"/sys/class/net/{name}/{what}").write_text(str(value))

    def send_frames(self, name: str, count: int) -> int:
        """Send so many frames to everybody, of a protocol that nobody knows; give their size."""
        frame = b"\xff" * 6 + b"\2\0\0\0\0\1" + b"\x88\xb5" + bytes(86)
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
            sender.bind((name, 0))
            for _ in range(count):
                sender.send(frame)
        return len(frame)

    def wait_for_state(self, name: str, state: str) -> None:
        """Wait until an interface is in an operational state, which it takes on by itself."""
        file = Path(f"/sys/class/net/{name}/operstate")
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE) as listening:
            listening.bind((0, 1))  # RTMGRP_LINK
            listening.settimeout(PATIENCE_SECONDS)
            while file.read_text().strip() != state:
                listening.recv(1)

    def _change(self, kind: int, request: bytes) -> None:
        list(self._route.stream(kind, request, CREATE))


def run_in_network(scenario: Callable[[], Any]) -> Any:
    """Run a function of a test module in a network of its own; give what it returns."""
    module = sys.modules[scenario.__module__].__file__
    return json.loads(run_in_namespace(__name__, str(module), scenario.__name__))


if __name__ == "__main__":
    print(json.dumps(runpy.run_path(sys.argv[1])[sys.argv[2]]()))
