"""What every request passes: one error boundary, a Date header, and the count of requests."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterable
from email.utils import formatdate
from itertools import accumulate

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.families import Family, Filled, HistogramValue, Layout, Series
from exporter.web.responses import respond
from monitoring.structured_logging import StructuredLogger

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

BUCKETS = (*BOUNDS, float("inf"))

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})

log = StructuredLogger("perfwatch.web")


class RequestLayer:
    """The outermost ASGI layer."""

    def __init__(self, app: ASGIApp, handlers: Iterable[str]) -> None:
        """`handlers` are the known paths: others are counted together, to bound the labels."""
        self._app = app
        self._handlers = frozenset(handlers)
        self._counts: dict[tuple[str, str, str], int] = {}
        self._layout = Layout(())
        self._durations = {handler: _Duration() for handler in sorted(self._handlers)}
        self._date = (0, b"")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, whatever happens in it."""
        started = time.perf_counter()
        status = 0

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"date", self._http_date())]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except Exception as error:  # noqa: BLE001 -- the boundary of a request
            reason = f"{type(error).__name__}: {error}"
            log.error(  # noqa: TRY400 -- the reason is in the line; a traceback would be the client's to cause
                "request failed", path=scope["path"][:200], reason=reason
            )
            if not status:
                await respond(send_and_note, 500, b"internal error: see the daemon's log\n")
        self._count(scope, status, time.perf_counter() - started)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        handler = scope["path"] if scope["path"] in self._handlers else "other"
        method = scope["method"] if scope["method"] in METHODS else "other"
        key = (handler, method, str(status))
        if key not in self._counts:
            self._counts[key] = 0
            self._layout = _lay_out(self._counts)
        self._counts[key] += 1
        if handler in self._durations:
            self._durations[handler].observe(seconds)

    def _http_date(self) -> bytes:
        now = int(time.time())  # noqa: TID251 -- a date, not a duration
        if now != self._date[0]:
            self._date = (now, formatdate(now, usegmt=True).encode())
        return self._date[1]

    def own_families(self) -> Iterable[Family | Filled]:
        """The requests served so far."""
        yield self._layout.fill(list(self._counts.values()))
        yield Family(
            "perfwatch_http_request_duration_seconds",
            "How long answering HTTP requests took.",
            "histogram",
            ("handler",),
            [
                ((handler,), duration.value())
                for handler, duration in self._durations.items()
                if duration.sum
            ],
        )


def _lay_out(keys: Iterable[tuple[str, str, str]]) -> Layout:
    labels = ("handler", "method", "code")
    name = "perfwatch_http_requests_total"
    return Layout([Series(name, "HTTP requests answered.", "counter", labels, tuple(keys))])


class _Duration:
    """A histogram of one handler; its value is the same object until something is observed."""

    def __init__(self) -> None:
        self.sum = 0.0
        self._counts = [0] * (len(BOUNDS) + 1)
        self._value: HistogramValue | None = None

    def observe(self, seconds: float) -> None:
        """Count one request."""
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self.sum += seconds
        self._value = None

    def value(self) -> HistogramValue:
        """Give the state now."""
        if self._value is None:
            self._value = HistogramValue(BUCKETS, tuple(accumulate(self._counts)), self.sum)
        return self._value
