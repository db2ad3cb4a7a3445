"""What a service's requests cost: counts, durations and sizes by handler, method and code.

monitor = PerformanceMonitor(["/orders", "/basket"], namespace="shop")
app = TimingMiddleware(app, monitor)
prometheus_client.REGISTRY.register(monitor)
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from monitoring.metrics import Family, to_prometheus
from monitoring.request_counts import METHODS, OTHER, Buckets, Endpoint, RequestFamilies, Tally
from monitoring.resource_thresholds import ResourceMonitor, ResourceThresholds
from monitoring.trend import Window, summarise

if TYPE_CHECKING:
    from prometheus_client.core import Metric

DURATION_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 10.0)
"""In seconds. Each is a series for each handler, method and code: no more than a reader needs."""

SIZE_BOUNDS = (1e4, 1e5, 1e6)
"""In bytes."""

METHOD_NOT_ALLOWED = 405
FAILED = 500
CLIENT_GONE = 499
"""nginx's code for a request whose client did not wait for the answer."""

Scope: TypeAlias = Any
Message: TypeAlias = Any
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
"""ASGI's types; Any, because each framework types its mappings in its own way."""


class PerformanceMonitor:
    """Counts requests.

    Any thread may call any method at any time: under a lock, each request counts once and whole.
    """

    def __init__(  # noqa: PLR0913 -- none of them is needed by most services
        self,
        handlers: Iterable[str] = (),
        *,
        namespace: str = "perfwatch",
        duration_bounds: Sequence[float] = DURATION_BOUNDS,
        size_bounds: Sequence[float] = SIZE_BOUNDS,
        thresholds: ResourceThresholds | None = None,
        window: int = 512,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`handlers` may be labels; requests for others are counted together, as "other".

        Without `thresholds` no resources are watched. A handler's trend is that of as many of its
        newest requests as `window` says. Raises ValueError on a namespace that begins no metric
        name, bounds that do not ascend, and a window too small for a trend.
        """
        if not re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", namespace):
            raise ValueError(
                f"namespace must be letters, digits and _, not first a digit; got {namespace!r}"
            )
        self.handlers = set(handlers)
        self.clock = clock
        self._window_size = window
        Window(window)  # raises now what it would raise at the first request
        self._buckets = Buckets(duration_bounds, size_bounds)
        self._families = RequestFamilies(namespace)
        self._resources = None if thresholds is None else ResourceMonitor(thresholds)
        # Reentrant: the garbage collector may end an abandoned request in the middle of anything.
        self._lock = threading.RLock()
        self._endpoints: dict[tuple[str, str], Endpoint] = {}
        self._windows: dict[str, Window] = {}
        self._changed: dict[Tally, None] = {}
        """In the order in which they changed first, which is that of new samples."""

    def start(self, handler: str, method: str) -> Endpoint:
        """Count a request as in flight; give what `finish` wants."""
        with self._lock:
            endpoint = self._endpoints.get((handler, method)) or self._enter(handler, method)
            endpoint.in_flight += 1
            return endpoint

    def finish(
        self, endpoint: Endpoint, code: int, started: float, size: int, template: str | None = None
    ) -> None:
        """Count a request as answered that came when the monitor's clock showed `started`.

        `template` is the handler when it became known only now: of the service's own making, and
        so known from now on.
        """
        with self._lock:
            endpoint.in_flight -= 1
            if template is not None:
                self.handlers.add(template)
                endpoint = self._enter(template, endpoint.labels[1])
            if code == METHOD_NOT_ALLOWED:
                # The method is no property of the handler but the client's idea.
                endpoint = self._enter(endpoint.labels[0], OTHER)
            # Read under the lock, so that the times in a window ascend.
            now = self.clock()
            self._count(endpoint, code, now, now - started, size)

    def observe(self, handler: str, method: str, code: int, seconds: float, size: int) -> None:
        """Count a request as answered just now that was never counted as in flight."""
        with self._lock:
            endpoint = self._endpoints.get((handler, method)) or self._enter(handler, method)
            self._count(endpoint, code, self.clock(), seconds, size)

    def _enter(self, handler: str, method: str) -> Endpoint:
        handler = handler if handler in self.handlers else OTHER
        labels = (handler, method if method in METHODS else OTHER)
        endpoint = self._endpoints.get(labels)
        if endpoint is None:
            window = self._windows.setdefault(handler, Window(self._window_size))
            endpoint = self._endpoints.setdefault(labels, Endpoint(labels, window))
        return endpoint

    def _count(self, endpoint: Endpoint, code: int, now: float, seconds: float, size: int) -> None:
        tally = endpoint.tallies.get(code)
        if tally is None:
            new = Tally((*endpoint.labels, str(code)), self._buckets)
            tally = endpoint.tallies.setdefault(code, new)
        tally.count(seconds, size)
        self._changed[tally] = None
        endpoint.window.record((now, seconds))

    def families(self) -> Sequence[Family]:
        """Give what was counted; what stayed as it was is the same objects as before."""
        with self._lock:
            changed, self._changed = self._changed, {}
            return self._families.update(changed, list(self._endpoints.values()))

    def collect(self) -> Iterator[Metric]:
        """Give the same for `prometheus_client`."""
        return to_prometheus(self.families())

    def trends(self) -> dict[str, dict[str, float]]:
        """Give the trend of each handler that had enough requests lately: see `trend.summarise`."""
        with self._lock:
            now = self.clock()
            points = {handler: window.points(now) for handler, window in self._windows.items()}
        trends = {handler: summarise(points[handler], now) for handler in sorted(points)}
        return {handler: trend for handler, trend in trends.items() if trend is not None}

    def report(self) -> dict[str, Any]:
        """Give requests and trends by handler, and resources if they are watched, for JSON.

        Errors are answers with codes from 500 on; there is no mean where nothing was answered.
        """
        with self._lock:
            requests = _sum_up(self._endpoints.values())
        report: dict[str, Any] = {"requests": requests, "trends": self.trends()}
        if (resources := self.resources()) is not None:
            report["resources"] = resources
        return report

    def resources(self) -> dict[str, Any] | None:
        """Judge the resources, and log it when a level has changed; None if none are watched."""
        return None if self._resources is None else self._resources.check()


def _sum_up(endpoints: Iterable[Endpoint]) -> dict[str, dict[str, float]]:
    """Join the endpoints of each handler."""
    sums: dict[str, dict[str, float]] = {}
    for endpoint in sorted(endpoints, key=lambda one: one.labels):
        empty = {"count": 0, "errors": 0, "in_flight": 0, "seconds": 0.0}
        own = sums.setdefault(endpoint.labels[0], empty)
        own["in_flight"] += endpoint.in_flight
        for code, tally in endpoint.tallies.items():
            count = sum(tally.times)
            own["count"] += count
            own["errors"] += count if code >= FAILED else 0
            own["seconds"] += tally.seconds
    for own in sums.values():
        seconds = own.pop("seconds")
        if own["count"]:
            own["mean_seconds"] = seconds / own["count"]
    return sums


class TimingMiddleware:
    """Counts the HTTP requests of an ASGI application; lifespan and websockets pass as they are.

    The handler is the path if the monitor knows it, else the path template of the matched route if
    the framework leaves that in the scope (FastAPI and starlette 1 do), else "other". A function
    given as `handler` says it instead, from the scope when the request comes; it should say one
    that the monitor knows.

    A request ends when the application returns: what it does after its last byte (starlette's
    background tasks) counts in. One without an answer counts as 499 when the client has gone or
    the task was cancelled, and as 500 otherwise; errors pass on. A size is that of the body as the
    server was given it; of an answer to HEAD it sends none.
    """

    def __init__(
        self, app: App, monitor: PerformanceMonitor, handler: Callable[[Scope], str] | None = None
    ) -> None:
        self._app = app
        self._monitor = monitor
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        monitor, method = self._monitor, scope["method"]
        handler = scope["path"] if self._handler is None else self._handler(scope)
        code = size = 0
        unanswered = FAILED

        async def receive_and_note() -> Message:
            nonlocal unanswered
            message = await receive()
            if message["type"] == "http.disconnect":
                unanswered = CLIENT_GONE
            return message

        # No coroutine: it would cost as much as counting does.
        def send_and_count(message: Message) -> Awaitable[None]:
            nonlocal code, size
            if message["type"] == "http.response.start":
                code = message["status"]
            elif "body" in message:
                size += len(message["body"])
            return send(message)

        endpoint = monitor.start(handler, method)
        started = monitor.clock()
        try:
            await self._app(scope, receive_and_note, send_and_count)
        except BaseException as error:
            if not isinstance(error, Exception):
                unanswered = CLIENT_GONE
            raise
        finally:
            template = self._find_template(scope) if endpoint.labels[0] == OTHER else None
            sent = 0 if method == "HEAD" else size
            monitor.finish(endpoint, code or unanswered, started, sent, template)

    def _find_template(self, scope: Scope) -> str | None:
        """The path template of the route that was matched, if the framework says so.

        Below a mount it is the rest: what the mount took is known only with its parameters filled
        in, which must not become labels. `handler` can tell such routes apart.
        """
        path = getattr(scope.get("route"), "path", None)
        return path if self._handler is None and isinstance(path, str) else None
