"""The addresses of the interfaces."""

from __future__ import annotations

import ipaddress
import socket
from typing import NamedTuple

import pytest

from exporter.interfaces import Address, label_addresses, read_addresses


class Entry(NamedTuple):
    """An address as psutil gives it."""

    family: int
    address: str
    netmask: str | None


@pytest.mark.parametrize(
    ("address", "netmask", "expected"),
    [
        ("127.0.0.1", "255.0.0.0", ("127.0.0.1", "8", "link-local")),
        ("169.254.1.1", "255.255.0.0", ("169.254.1.1", "16", "link-local")),
        ("10.0.0.1", "255.255.255.0", ("10.0.0.1", "24", "global")),
        ("fe80::1%eth0", "ffff:ffff:ffff:ffff::", ("fe80::1", "64", "link-local")),
        ("2001:db8:0::5", None, ("2001:db8::5", "", "global")),
        ("0.0.0.0", "255.255.255.255", ("0.0.0.0", "32", "")),
    ],
)
def test_an_address_is_labelled(
    address: str, netmask: str | None, expected: tuple[str, str, str]
) -> None:
    """Prefix length and scope follow from address and mask; the zone is no part of it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    assert label_addresses({"eth0": [Entry(family, address, netmask)]}) == [
        Address("eth0", *expected)
    ]


def test_hardware_addresses_are_left_out() -> None:
    """Only IPv4 and IPv6 addresses are shown."""
    assert label_addresses({"eth0": [Entry(socket.AF_PACKET, "02:fc:00:00:00:01", None)]}) == []


def test_the_label_of_a_second_address_is_no_interface() -> None:
    """`eth0:1` names an address of eth0."""
    entry = Entry(socket.AF_INET, "192.0.2.7", "255.255.255.0")
    assert label_addresses({"eth0:1": [entry]})[0].device == "eth0"


def test_this_machine_has_loopback() -> None:
    """The answer of psutil is understood."""
    loopback = [one for one in read_addresses() if ipaddress.ip_address(one.address).is_loopback]
    assert {one.device for one in loopback} == {"lo"}
