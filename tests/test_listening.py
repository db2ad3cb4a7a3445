"""Listening sockets: what can be had, and what is said when it cannot."""

from __future__ import annotations

import os
import socket

import pytest

from exporter.addresses import Address
from exporter.listening import bind
from exporter.settings import SettingsError


def ask(port: int, host: str) -> None:
    """Connect."""
    socket.create_connection((host, port), timeout=5).close()


def has_ipv6() -> bool:
    """Whether this machine has IPv6's loopback address."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


def close(listeners: list[socket.socket]) -> None:
    """Close them."""
    for listener in listeners:
        listener.close()


def test_an_address_is_listened_on_at_once() -> None:
    """Before anything else of the daemon runs; and programs that it starts do not inherit it."""
    [listener] = bind(Address("127.0.0.1", 0))
    try:
        ask(listener.getsockname()[1], "127.0.0.1")
        assert not listener.getblocking()
        assert not listener.get_inheritable()
    finally:
        close([listener])


@needs_ipv6
def test_ipv6_alone_is_ipv6_alone() -> None:
    """Only the empty host stands for both."""
    [listener] = bind(Address("::1", 0))
    try:
        ask(listener.getsockname()[1], "::1")
        with pytest.raises(ConnectionRefusedError):
            ask(listener.getsockname()[1], "127.0.0.1")
    finally:
        close([listener])


def test_no_host_is_every_address() -> None:
    """As in node_exporter's `:9100`: IPv4, and IPv6 where there is any."""
    [listener] = bind(Address("", 0))
    try:
        ask(listener.getsockname()[1], "127.0.0.1")
        if has_ipv6():
            ask(listener.getsockname()[1], "::1")
    finally:
        close([listener])


def test_a_name_may_stand_for_several_addresses() -> None:
    """All of them are listened on."""
    listeners = bind(Address("localhost", 0))
    try:
        assert listeners
        for listener in listeners:
            ask(listener.getsockname()[1], listener.getsockname()[0])
    finally:
        close(listeners)


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("host.invalid", "no address of this machine"),
        ("x" * 64, "no address of this machine"),
        ("192.0.2.1", "not an address of this machine"),
    ],
)
def test_an_address_of_another_machine_is_refused(host: str, says: str) -> None:
    """The message names the flag with its value."""
    with pytest.raises(SettingsError, match=says) as caught:
        bind(Address(host, 10100))
    assert f"--web.listen-address={host}:10100: " in str(caught.value)


def test_a_port_in_use_is_refused() -> None:
    """Also when the other one allows its address to be used again."""
    [taken] = bind(Address("127.0.0.1", 0))
    try:
        with pytest.raises(SettingsError, match="the port is in use"):
            bind(Address("127.0.0.1", taken.getsockname()[1]))
    finally:
        close([taken])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may")
def test_a_low_port_needs_a_right() -> None:
    """It says which."""
    with pytest.raises(SettingsError, match="CAP_NET_BIND_SERVICE"):
        bind(Address("127.0.0.1", 1))
