"""The ASGI application: which path is answered by what. Everything else is 404."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from exporter.status import Status
from exporter.web.landing import landing_page
from exporter.web.metrics import MetricsPage
from exporter.web.requests import RequestLayer
from exporter.web.responses import respond

LIVENESS = ("/livez", "/healthz", "/health/live", "/-/healthy")
READINESS = ("/readyz", "/health/ready", "/-/ready")

HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
)

Reload = Callable[[], Awaitable[str]]
"""Reloads the configuration; the text says what is wrong, and is empty when nothing is."""


class _Answer:
    """An ASGI endpoint from a function of the request that gives status, body and type."""

    def __init__(self, answer: Callable[[Scope], tuple[int, bytes, bytes]]) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, body, content_type = self._answer(scope)
        await respond(send, status, body, content_type, HEADERS)


def make_app(
    status: Status, metrics: MetricsPage, telemetry_path: str, reload: Reload | None
) -> RequestLayer:
    """Put the application together. `reload` is None when the lifecycle is not enabled."""

    def live(_: Scope) -> tuple[int, bytes, bytes]:
        # Touches nothing: a daemon that can answer is alive, whatever its collectors do.
        return 200, b"alive\n", b"text/plain; charset=utf-8"

    def ready(_: Scope) -> tuple[int, bytes, bytes]:
        code = 200 if status.is_ready() else 503
        return code, f"{status.word()}\n".encode(), b"text/plain; charset=utf-8"

    def health(_: Scope) -> tuple[int, bytes, bytes]:
        body = json.dumps(status.describe(), indent=2).encode() + b"\n"
        return 200 if status.is_ready() else 503, body, b"application/json"

    def landing(_: Scope) -> tuple[int, bytes, bytes]:
        return 200, landing_page(status, telemetry_path).encode(), b"text/html; charset=utf-8"

    get = ["GET"]
    routes = [
        Route(telemetry_path, metrics, methods=get),
        Route("/", _Answer(landing), methods=get),
        *(Route(path, _Answer(live), methods=get) for path in LIVENESS),
        *(Route(path, _Answer(ready), methods=get) for path in READINESS),
        Route("/health", _Answer(health), methods=get),
        Route("/-/reload", _Reload(reload), methods=["POST", "PUT"]),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _plain_error})
    app.router.redirect_slashes = False
    return RequestLayer(_MetricsFirst(telemetry_path, metrics, app), [one.path for one in routes])


class _MetricsFirst:
    """Takes scrapes past the routing, which would cost them a tenth of serving them."""

    def __init__(self, path: str, metrics: MetricsPage, app: Starlette) -> None:
        self._path = path
        self._metrics = metrics
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == self._path and scope["method"] in {"GET", "HEAD"}:
            await self._metrics(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class _Reload:
    """POST or PUT /-/reload, as in Prometheus."""

    def __init__(self, reload: Reload | None) -> None:
        self._reload = reload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._reload is None:
            text = (
                b"reloading over HTTP is off: start with --web.enable-lifecycle, or send SIGHUP\n"
            )
            await respond(send, 403, text)
        elif any(name == b"origin" for name, _ in scope["headers"]):
            # Only a browser sends it: a page of somebody else must not steer the daemon.
            await respond(send, 403, b"reloading is not for browsers\n")
        elif problem := await self._reload():
            await respond(send, 500, f"not reloaded, all is as it was: {problem}\n".encode())
        else:
            await respond(send, 200, b"reloaded\n")


async def _plain_error(_: Request, error: Exception) -> Response:
    """Answer 404 and 405 in plain text."""
    if not isinstance(error, HTTPException):
        raise error
    return PlainTextResponse(f"{error.detail}\n", error.status_code, error.headers)
