"""Requests to the kernel over netlink, for collectors whose source is no file.

    links = Netlink(NETLINK_ROUTE)              # opens nothing yet; keep it between scrapes
    for message in links.dump(RTM_GETLINK, IFINFOMSG.pack(...)):   # list of payloads (bytes)
        fields = IFINFOMSG.unpack_from(message)                    # after the length is checked
        found = dict(attributes(message, IFINFOMSG.size))          # type -> content (bytes)
        inner = dict(attributes(found[IFLA_LINKINFO]))             # nested: the same again

* `dump` asks for all there is and gives a list; asked again when it changed meanwhile.
* `stream` gives the same payloads one by one, for dumps too long to keep (sockets of a server).
* `request` asks for one thing: `request(family, GENL.pack(command, 1, 0) + attribute(1, b"x"))`.
* `family` finds the number of a generic netlink family, which is the message type to use. It may
  change when a module is loaded again: ask anew after FileNotFoundError (ENOENT).
* `attributes`, `unsigned` and `messages` are pure parsers. `attribute` writes one for a request.

Errors: OSError as the kernel says it (PermissionError, FileNotFoundError for ENOENT, EOPNOTSUPP for
what it does not know), TimeoutError when it does not answer, InterruptedError when a dump never
was consistent, ValueError for an answer that is not well-formed. The next request may follow at
once: where the answer was not read to its end, it opens the socket anew. For one thread at a time.

Netlink answers for the network namespace of the process: a collector may use it only where that
is meant: where `kernel.own_network` says so.

Source: Linux net/netlink/af_netlink.c; include/uapi/linux/netlink.h. All is in the byte order of
the machine unless a protocol says otherwise. Needs no rights by itself.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
from collections.abc import Iterator
from struct import Struct

NETLINK_ROUTE = 0
NETLINK_SOCK_DIAG = 4
NETLINK_GENERIC = 16

MESSAGE = Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, port
ATTRIBUTE = Struct("=HH")  # struct nlattr: length, type
GENL = Struct("=BBH")  # struct genlmsghdr: command, version, reserved

NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP_INTR, NLM_F_DUMP = 0x1, 0x4, 0x10, 0x300
NLMSG_NOOP, NLMSG_ERROR, NLMSG_DONE, NLMSG_MIN_TYPE = 1, 2, 3, 16
NLA_TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER

_GENL_ID_CTRL, _CTRL_CMD_GETFAMILY, _CTRL_ATTR_FAMILY_ID, _CTRL_ATTR_FAMILY_NAME = 16, 3, 1, 2
_ERRNO = Struct("=i")
_TIMEVAL = Struct("@ll")

MAX_DATAGRAM_BYTES = 65_536
"""The kernel gives at most 32 KiB at once, and no more than was asked for the time before."""

REFUSED = frozenset(
    {
        errno.EACCES,
        errno.EAFNOSUPPORT,  # systemd's RestrictAddressFamilies
        errno.EINVAL,
        errno.ENOSYS,
        errno.EOPNOTSUPP,  # the message is younger than the kernel; gVisor
        errno.EPERM,
        errno.EPROTONOSUPPORT,
    }
)
"""An answer that will stay so: this kernel, or a sandbox, does not have what is asked for."""

ATTEMPTS = 4
"""How often a dump is asked for that changes while it is given."""


def messages(datagram: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Split what was received into type, flags, sequence number and payload of each message."""
    offset, end = 0, len(datagram)
    while offset < end:
        if end - offset < MESSAGE.size:
            raise ValueError("netlink: a message ends within its header")
        length, kind, flags, sequence, _ = MESSAGE.unpack_from(datagram, offset)
        if not MESSAGE.size <= length <= end - offset:
            raise ValueError(f"netlink: a message of {length} bytes in {end - offset}")
        yield kind, flags, sequence, datagram[offset + MESSAGE.size : offset + length]
        offset += (length + 3) & ~3


def attributes(content: bytes, offset: int = 0) -> Iterator[tuple[int, bytes]]:
    """Split a payload from `offset` on, or a nested attribute, into types and contents."""
    end = len(content)
    while offset < end:
        if end - offset < ATTRIBUTE.size:
            raise ValueError("netlink: an attribute ends within its header")
        length, kind = ATTRIBUTE.unpack_from(content, offset)
        if not ATTRIBUTE.size <= length <= end - offset:
            raise ValueError(f"netlink: an attribute of {length} bytes in {end - offset}")
        yield kind & NLA_TYPE_MASK, content[offset + ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3


def unsigned(content: bytes) -> int:
    """Give the number that an attribute of one, two, four or eight bytes holds."""
    return int.from_bytes(content, sys.byteorder)


def attribute(kind: int, content: bytes) -> bytes:
    """Write an attribute for a request."""
    header = ATTRIBUTE.pack(ATTRIBUTE.size + len(content), kind)
    return header + content + bytes(-len(content) % 4)


class Netlink:
    """A socket for requests of one protocol, opened when needed and kept."""

    def __init__(self, protocol: int, *, timeout_seconds: float = 2.0) -> None:
        self._protocol = protocol
        self._timeout_seconds = timeout_seconds
        self._socket: socket.socket | None = None
        self._sequence = 0
        self._answering = False

    def dump(self, kind: int, payload: bytes) -> list[bytes]:
        """Ask for everything of a kind; again, a few times, when it changed meanwhile."""
        for _ in range(ATTEMPTS - 1):
            with contextlib.suppress(InterruptedError):
                return list(self.stream(kind, payload))
        return list(self.stream(kind, payload))

    def request(self, kind: int, payload: bytes) -> list[bytes]:
        """Ask for one thing; usually a single message is the answer."""
        return list(self.stream(kind, payload, NLM_F_ACK))

    def family(self, name: str) -> int:
        """Find the number of a generic netlink family. Raises FileNotFoundError without it."""
        wanted = attribute(_CTRL_ATTR_FAMILY_NAME, name.encode() + b"\0")
        for answer in self.request(_GENL_ID_CTRL, GENL.pack(_CTRL_CMD_GETFAMILY, 1, 0) + wanted):
            number = dict(attributes(answer, GENL.size)).get(_CTRL_ATTR_FAMILY_ID, b"")
            if number:
                return unsigned(number)
        raise ValueError("netlink: the kernel's answer names no family")

    def stream(self, kind: int, payload: bytes, flags: int = NLM_F_DUMP) -> Iterator[bytes]:
        """Ask, and give the payloads as they come.

        Raises InterruptedError behind the last one when the data changed in between.
        """
        self._sequence = self._sequence % 0xFFFF_FFFF + 1
        size, flags = MESSAGE.size + len(payload), flags | NLM_F_REQUEST
        self._answering = True
        try:
            connection = self._socket or self._open()
            connection.send(MESSAGE.pack(size, kind, flags, self._sequence, 0) + payload)
            yield from self._answers(connection)
        finally:
            if self._answering:  # what is left must not come as an answer to the next request
                self.close()

    def _answers(self, connection: socket.socket) -> Iterator[bytes]:
        interrupted = 0
        for kind, flags, sequence, content in self._messages(connection):
            if sequence != self._sequence:
                continue
            interrupted |= flags & NLM_F_DUMP_INTR
            if kind >= NLMSG_MIN_TYPE:
                yield content
            elif kind != NLMSG_NOOP:
                self._answering = False
                _check(content)
        if interrupted:
            raise InterruptedError(errno.EINTR, "netlink: changed while it was read, repeatedly")

    def _messages(self, connection: socket.socket) -> Iterator[tuple[int, int, int, bytes]]:
        while self._answering:
            yield from messages(self._receive(connection))

    def close(self) -> None:
        """Close the socket; the next request opens it again."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __del__(self) -> None:
        self.close()

    def _open(self) -> socket.socket:
        opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, self._protocol)
        self._socket = opened
        seconds, rest = divmod(self._timeout_seconds, 1)
        patience = _TIMEVAL.pack(int(seconds), int(rest * 1e6))
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)
        opened.connect((0, 0))  # hears the kernel only
        return opened

    def _receive(self, connection: socket.socket) -> bytes:
        try:
            datagram, _, flags, _ = connection.recvmsg(MAX_DATAGRAM_BYTES)
        except BlockingIOError:
            raise TimeoutError(errno.ETIMEDOUT, "netlink: the kernel does not answer") from None
        if flags & socket.MSG_TRUNC:
            raise ValueError("netlink: more at once than there is room for")
        return datagram


def _check(content: bytes) -> None:
    """Raise the error that NLMSG_ERROR or NLMSG_DONE holds, if it holds one."""
    code = -_ERRNO.unpack_from(content)[0] if len(content) >= _ERRNO.size else 0
    if code > 0:
        raise OSError(code, f"netlink: {os.strerror(code)}")
