"""A scraper that costs little: every microsecond it takes is counted as the server's latency.

http.client takes as long for a page as the daemon does. This reads only what both servers send:
HTTP/1.1 with a length, or in chunks.
"""

from __future__ import annotations

import re
import socket
import time
from typing import Self

TIMEOUT_SECONDS = 10.0

BUFFER = 262_144

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)

LAST_CHUNK = b"\r\n0\r\n\r\n"
"""No line of a page is like it; in compressed bytes it would be, by chance, once in 10^16."""


class BadAnswerError(Exception):
    """A server answered something else than a page."""


class Scraper:
    """One connection to a server's metrics page."""

    def __init__(self, port: int) -> None:
        """Raise OSError when nobody listens there."""
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(BUFFER)
        self.body = b""
        """The last page, still compressed or in chunks when it came so."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def scrape(self, encoding: str = "identity") -> float:
        """Ask for the page; give the seconds from the request to the answer's last byte."""
        request = (
            "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/plain;version=0.0.4\r\n"
            f"Accept-Encoding: {encoding}\r\n\r\n"
        ).encode()
        started = time.perf_counter()
        self._socket.sendall(request)
        answer = self._receive(b"")
        while b"\r\n\r\n" not in answer:
            answer = self._receive(answer)
        head, _, body = answer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        while len(body) < int(length[1]) if length else not body.endswith(LAST_CHUNK):
            body = self._receive(body)
        seconds = time.perf_counter() - started
        if not head.startswith(b"HTTP/1.1 200 "):
            raise BadAnswerError(f"expected a page, got: {head[:100]!r}")
        self.body = body
        return seconds

    def _receive(self, so_far: bytes) -> bytes:
        size = self._socket.recv_into(self._buffer)
        if not size:
            raise BadAnswerError("the connection was closed in the middle of an answer")
        return so_far + self._buffer[:size]
