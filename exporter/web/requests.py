"""What every request passes: an error boundary, a Date header, and the ids of its log lines.

A client's W3C `traceparent` and `X-Request-ID` are taken over when they are valid, and come back in
the answer; a request without an id gets one.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable
from email.utils import formatdate

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.web.responses import respond
from monitoring.correlation import bind_ids, new_id
from monitoring.structured_logging import StructuredLogger
from monitoring.trace_context import parse_traceparent, valid_request_id

log = StructuredLogger("perfwatch.web")

Header = tuple[bytes, bytes]


class RequestLayer:
    """The ASGI layer around everything that answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._date = (0, b"")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, whatever happens in it."""
        ids = _identify(scope["headers"])
        started = False

        # No coroutine of its own, which would cost more than what it does.
        def send_with_headers(message: Message) -> Awaitable[None]:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], (b"date", self._http_date()), *ids]
            return send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:  # noqa: BLE001 -- the boundary of a request
            reason = f"{type(error).__name__}: {error}"
            log.error(  # noqa: TRY400 -- the reason is in the line; a traceback would be the client's to cause
                "request failed", path=scope["path"][:200], reason=reason
            )
            if not started:
                await respond(send_with_headers, 500, b"internal error: see the daemon's log\n")

    def _http_date(self) -> bytes:
        now = int(time.time())  # noqa: TID251 -- a date, not a duration
        if now != self._date[0]:
            self._date = (now, formatdate(now, usegmt=True).encode())
        return self._date[1]


def _identify(headers: list[Header]) -> list[Header]:
    """Put the request's ids into the log context, and give the headers that return them.

    The trace's id is the correlation id, so that a line is found by either; without a trace it is
    the request's own.
    """
    trace, request_id = None, None
    for name, value in headers:
        if name == b"traceparent":
            trace = parse_traceparent(value)
        elif name == b"x-request-id":
            request_id = valid_request_id(value)
    if request_id is None:
        request_id = new_id()
    if trace is None:
        bind_ids(correlation_id=request_id, request_id=request_id)
        return [(b"x-request-id", request_id.encode())]
    bind_ids(correlation_id=trace.trace_id, request_id=request_id)
    return [
        (b"x-request-id", request_id.encode()),
        (b"traceparent", trace.child().to_header().encode()),
    ]
