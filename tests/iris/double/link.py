"""One connection as the double sees it: frames in and out, and waiting without hanging."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.iris.double import wire

FRAME_BYTES = 32_000
"""A longer reply goes out in several frames."""

Send = Callable[["Link", bytes], None]


class GoneError(Exception):
    """The other side has hung up, or the double is being closed."""


class Message(NamedTuple):
    """What the client asks."""

    number: int
    statement: int
    code: bytes
    body: bytes


class Request(NamedTuple):
    """What a client has asked, for tests to look at: `Double.requests`.

    | kind | a | b | args |
    | --- | --- | --- | --- |
    | class_method, object_method | class | method | arguments |
    | property_get, property_set | class | property | the value |
    | get, set, kill, order, data | global | | subscripts, then a value or flags |
    | prepare, execute, update, fetch | SQL text | | parameters |
    """

    kind: str
    a: str
    b: str
    args: tuple[Any, ...]


class Link:
    """A socket that is used by its own thread; `cut` is for the others."""

    def __init__(self, raw: socket.socket) -> None:
        self.socket = raw
        self.send_bytes: Send = send_at_once

    def shake_hands(self, context: ssl.SSLContext) -> None:
        """Go on in TLS."""
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )
        self.socket.do_handshake()

    def receive(self) -> Message:
        """Wait for the next message."""
        size, number, statement, code = wire.HEADER.unpack(self._exactly(wire.HEADER.size))
        return Message(number, statement, code, self._exactly(size))

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            part = self.socket.recv(size - len(parts))
            if not part:
                raise GoneError
            parts += part
        return bytes(parts)

    def reply(self, message: Message, body: bytes = b"", status: int = 0) -> None:
        """Answer a message."""
        self.send_bytes(self, frames(message, body, status))

    def wait(self, wake: int, seconds: float | None = None) -> None:
        """Wait for the descriptor or the end of the time; GoneError when the client goes."""
        poll = select.poll()
        poll.register(self.socket, select.POLLRDHUP)
        poll.register(wake, select.POLLIN)
        ready = poll.poll(None if seconds is None else seconds * 1000)
        if any(descriptor == self.socket.fileno() for descriptor, _ in ready):
            raise GoneError

    def pause(self, seconds: float | None) -> None:
        """Let time pass, without end for None; GoneError when the client goes."""
        never = os.eventfd(0)
        try:
            self.wait(never, seconds)
        finally:
            os.close(never)

    def reset(self) -> None:
        """Have the kernel send RST when the socket is closed."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def cut(self, *, reset: bool = False) -> None:
        """End whatever the link's thread waits for. The thread closes the socket itself."""
        with contextlib.suppress(OSError):
            if reset:
                self.reset()
            # Not the method of SSLSocket, which takes the TLS state away from the thread in it.
            # Ending the reading alone sends no FIN before the RST.
            socket.socket.shutdown(self.socket, socket.SHUT_RD if reset else socket.SHUT_RDWR)


def send_at_once(link: Link, data: bytes) -> None:
    """Send as a server does that nothing is wrong with."""
    link.socket.sendall(data)


def frames(message: Message, body: bytes = b"", status: int = 0) -> bytes:
    """Give the frames of an answer."""
    chunks = [body[at : at + FRAME_BYTES] for at in range(0, len(body), FRAME_BYTES)] or [b""]
    parts = []
    for left, chunk in zip(reversed(range(len(chunks))), chunks, strict=True):
        statement = message.statement | (wire.MORE_FOLLOWS if left else 0)
        code = struct.pack("<H", status & 0xFFFF)
        parts.append(wire.HEADER.pack(len(chunk), message.number, statement, code) + chunk)
    return b"".join(parts)
