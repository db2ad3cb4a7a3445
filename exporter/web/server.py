"""uvicorn inside our own event loop, with what it leaves to others.

What is added, because it was found missing: a deadline for receiving a request, a cap on the bytes
of its head, a bound on connections that closes the longest idle one instead of answering 503, and
no polling: uvicorn's own main loop wakes ten times a second, which would cost an idle daemon
several times what its scrapes cost.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

READ_BYTES = 16 * 1024


@dataclass(slots=True)
class Limits:
    """The bounds of one server, and the connections that wait for their next request."""

    max_connections: int = 256
    max_head_bytes: int = 32 * 1024
    """Since the last whole head or request, so that bodies, which nobody needs here, count too."""
    receipt_seconds: float = 10.0
    """From the first byte of a request (or from connecting) to its last."""
    reading_seconds: float = 20.0
    """For a client to read what fills its connection's buffers."""
    keep_alive_seconds: int = 130
    """Longer than two minutes, so that a scrape a minute finds its connection still open."""
    idle: dict[GuardedProtocol, None] = field(default_factory=dict)
    """Those that are not served: silent, between requests, or in the middle of sending one. In the
    order in which they became so."""


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with bounds."""

    def __init__(self, limits: Limits, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._limits = limits
        self._head_bytes = 0
        self._incomplete = False
        self._receipt: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None
        self._serving: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room, or turn the newcomer away when every connection is busy."""
        super().connection_made(transport)
        if hasattr(transport, "max_size"):
            # asyncio allocates 256 KiB for each read, which malloc maps and unmaps each time.
            transport.max_size = READ_BYTES
        if len(self.connections) > self._limits.max_connections:
            oldest = next(iter(self._limits.idle), self)
            self._limits.idle.pop(oldest, None)
            oldest.transport.abort()
        self._limits.idle[self] = None
        self._start_receipt()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._end_receipt()
        self._limits.idle.pop(self, None)
        # uvicorn tells only the last request it has parsed, which may not be the one being served.
        if self._serving is not None:
            self._serving.disconnected = True
        self.pipeline.clear()
        if self.transport is not None:
            self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bound what comes between two whole requests; one that is not whole gets a deadline."""
        self._head_bytes += len(data)
        if self._head_bytes > self._limits.max_head_bytes:
            self._refuse(431)
            return
        super().data_received(data)
        # Idle: what came began no request (an empty line), but ended uvicorn's keep-alive timer.
        if (self._incomplete or self in self._limits.idle) and self._receipt is None:
            self._start_receipt()

    def on_message_begin(self) -> None:
        """The first byte of a request has come."""
        self._incomplete = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Serve the request: its head is complete and was small enough."""
        self._head_bytes = 0
        self._limits.idle.pop(self, None)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is here, body and all."""
        self._head_bytes = 0
        self._incomplete = False
        self._end_receipt()
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._serving = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """Wait for the next request: from now on the connection may be closed to make room."""
        super().on_response_complete()
        if self.cycle.response_complete and not self.transport.is_closing():
            self._limits.idle[self] = None

    def pause_writing(self) -> None:
        """The client does not read: it may not hold its place for ever."""
        super().pause_writing()
        self._reading = self.loop.call_later(self._limits.reading_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads again, or is gone."""
        super().resume_writing()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, at once even when the client has not read all."""
        self.transport.abort()

    def _start_receipt(self) -> None:
        self._receipt = self.loop.call_later(self._limits.receipt_seconds, self._refuse, 408)

    def _end_receipt(self) -> None:
        if self._receipt is not None:
            self._receipt.cancel()
            self._receipt = None

    def _refuse(self, status: int) -> None:
        self._end_receipt()
        cycle: RequestResponseCycle | None = self.cycle  # declared otherwise, but None at first
        if cycle is None or cycle.response_complete:
            self.transport.write(
                STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n"
            )
            self.transport.close()
        else:
            # In the middle of an answer, or of a body that never ends.
            self.transport.abort()


class Server(uvicorn.Server):
    """A uvicorn server that leaves signals to the daemon and sleeps until it is told to stop."""

    def __init__(self, app: Any, limits: Limits, grace_seconds: int) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=functools.partial(GuardedProtocol, limits),  # type: ignore[arg-type]
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                backlog=128,
                timeout_keep_alive=limits.keep_alive_seconds,
                timeout_graceful_shutdown=grace_seconds,
            )
        )
        self.stopping = asyncio.Event()

    async def main_loop(self) -> None:
        """Wait without polling."""
        await self.stopping.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: the service has its own handling."""
        yield
