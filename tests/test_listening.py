from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Iterator

import pytest

from exporter import listening
from exporter.settings import Address, SettingsError


@contextlib.contextmanager
def bound(host: str, port: int = 0) -> Iterator[list[socket.socket]]:
    """Listen, and close in the end."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(one) for one in listening.bind(Address(host, port))]


def connects(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return False
    return True


def test_an_address_is_listened_on() -> None:
    """Clients of that address are let in, and the sockets fit an event loop."""
    with bound("127.0.0.1") as (listener,):
        assert not listener.getblocking()
        assert connects("127.0.0.1", listener.getsockname()[1])


def test_no_host_means_every_address() -> None:
    """`:10100` takes IPv4 and, where the machine has it, IPv6 on one socket."""
    with bound("") as (listener,):
        port = listener.getsockname()[1]
        assert connects("127.0.0.1", port)
        assert connects("::1", port) == (listener.family == socket.AF_INET6)


def test_a_machine_without_ipv6_listens_on_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every address then means every one of IPv4."""
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    with bound("") as (listener,):
        assert listener.family == socket.AF_INET
        assert connects("127.0.0.1", listener.getsockname()[1])


def test_ipv6_alone_leaves_the_port_of_ipv4_free() -> None:
    """`[::1]` and `127.0.0.1` with the same port are two addresses."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with bound("::1") as (six,), bound("127.0.0.1", six.getsockname()[1]) as (four,):
        assert six.getsockname()[1] == four.getsockname()[1]


def test_an_address_named_twice_is_opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """/etc/hosts may give a name the same address in two lines."""
    with bound("127.0.0.1") as (listener,):
        port = listener.getsockname()[1]
    answer = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [answer, answer])
    with bound("some-name", port) as listeners:
        assert len(listeners) == 1


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("192.0.2.1", r"not an address of this machine \(ip address shows them\)$"),
        ("a" * 64 + ".example", "no address of this machine: .*too long"),
        ("no-such-host.invalid", "no address of this machine: "),
    ],
)
def test_what_cannot_be_listened_on_is_said(host: str, reason: str) -> None:
    """Addresses of others, and names of nobody, name the flag and the reason."""
    with pytest.raises(SettingsError, match=rf"^--web\.listen-address={host}:0: {reason}"):
        listening.bind(Address(host, 0))


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EACCES, "ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher one$"),
        (errno.ENFILE, "Too many open files in system$"),
    ],
)
def test_what_the_kernel_refuses_is_said(
    number: int, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The advice fits the error; one that nobody foresaw has the system's own words."""

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket.socket, "listen", refuse)
    with pytest.raises(SettingsError, match=advice):
        listening.bind(Address("127.0.0.1", 0))
