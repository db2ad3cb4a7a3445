"""Listening sockets, opened before anything else: a port in use is said at once."""

from __future__ import annotations

import errno
import socket

from exporter.addresses import Address
from exporter.settings import SettingsError

ABSENT = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
"""localhost stands for ::1 too, which a container without IPv6 lacks: one of them is enough."""


def bind(address: Address) -> list[socket.socket]:
    """Open the sockets of one address; a name may stand for several. Raises SettingsError."""
    if not address.host:
        return [_bind_all(address)]
    try:
        found = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (socket.gaierror, ValueError) as error:
        # ValueError: what cannot be a host name at all, such as one with a label of 64 letters.
        reason = error.strerror if isinstance(error, socket.gaierror) else error
        raise SettingsError(
            f"--web.listen-address={address}: no address of this machine: {reason}"
        ) from error
    # Once each: /etc/hosts may name an address twice.
    targets = dict.fromkeys((family, target) for family, _, _, _, target in found)
    listeners: list[socket.socket] = []
    refusal: OSError | None = None
    for family, target in targets:
        try:
            listeners.append(_open(family, target))
        except OSError as error:
            refusal = error
            if error.errno not in ABSENT:
                break
    if refusal is None or (listeners and refusal.errno in ABSENT):
        return listeners
    for listener in listeners:
        listener.close()
    raise SettingsError(f"--web.listen-address={address}: {_explain(refusal)}") from refusal


def _bind_all(address: Address) -> socket.socket:
    """Listen on every address: IPv6 with IPv4 inside, or IPv4 alone where there is no IPv6."""
    try:
        if socket.has_dualstack_ipv6():
            return _open(socket.AF_INET6, ("::", address.port), dual=True)
        return _open(socket.AF_INET, ("0.0.0.0", address.port))  # noqa: S104 -- asked for
    except OSError as error:
        raise SettingsError(f"--web.listen-address={address}: {_explain(error)}") from error


def _open(family: int, target: tuple[object, ...], *, dual: bool = False) -> socket.socket:
    """Open one socket. Raises OSError."""
    # asyncio turns Nagle off only where the protocol is named; with it, a page takes 40 ms more.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not dual)
        listener.bind(target)
        # bind() alone does not notice a port that somebody else listens on with SO_REUSEADDR.
        listener.listen(128)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _explain(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "the port is in use: stop what listens there (ss -ltnp shows it), or choose another"
    if error.errno == errno.EACCES:
        return "not allowed: ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher one"
    if error.errno == errno.EADDRNOTAVAIL:
        return "not an address of this machine (ip address shows them)"
    return str(error.strerror)
