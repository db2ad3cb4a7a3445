"""The addresses of the network interfaces, from psutil (getifaddrs, that is rtnetlink).

They are those of the daemon's own network namespace, which a container need not share with the
host: the kernel has no file that gives another's. Needs no rights.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class Address(NamedTuple):
    """An address of an interface, as labels."""

    device: str
    address: str
    netmask: str
    """The length of the prefix."""
    scope: str


class InterfaceAddress(Protocol):
    """What psutil says of one address."""

    @property
    def family(self) -> int:
        """AF_INET, AF_INET6, or AF_PACKET for a hardware address."""

    @property
    def address(self) -> str:
        """The address, with a zone (`%eth0`) behind a link-local one."""

    @property
    def netmask(self) -> str | None:
        """The mask in the notation of an address."""


def read_addresses() -> list[Address]:
    """Read the addresses of all interfaces."""
    import psutil  # only this option needs it

    return label_addresses(psutil.net_if_addrs())


def label_addresses(interfaces: Mapping[str, Sequence[InterfaceAddress]]) -> list[Address]:
    """Turn psutil's answer into labels, for IPv4 and IPv6."""
    return [
        _label(name, entry)
        for name, entries in interfaces.items()
        for entry in entries
        if entry.family in {socket.AF_INET, socket.AF_INET6}
    ]


def _label(name: str, entry: InterfaceAddress) -> Address:
    address = ipaddress.ip_address(entry.address.partition("%")[0])
    netmask = str(int(ipaddress.ip_address(entry.netmask)).bit_count()) if entry.netmask else ""
    if address.is_loopback or address.is_link_local:
        scope = "link-local"
    else:
        scope = "" if address.is_unspecified or address.is_multicast else "global"
    # A second IPv4 address may carry a label of its own (`eth0:1`); the interface is eth0.
    return Address(name.partition(":")[0], str(address), netmask, scope)
