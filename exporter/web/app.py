"""The ASGI application: which path is answered by what. Everything else is 404."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from exporter.describe_settings import describe_settings
from exporter.settings import Settings
from exporter.status import Status
from exporter.system_info import system_info
from exporter.web import api
from exporter.web.landing import landing_page
from exporter.web.metrics import MetricsPage
from exporter.web.reload import Reload, ReloadPage
from exporter.web.requests import RequestLayer
from exporter.web.responses import PAGE_HEADERS, respond
from monitoring.health_check import HealthMonitor
from monitoring.performance import PerformanceMonitor, TimingMiddleware

LIVENESS = ("/livez", "/healthz", "/health/live", "/-/healthy")
READINESS = ("/readyz", "/health/ready", "/-/ready")


@dataclass(frozen=True, slots=True)
class Pages:
    """What the pages show, and what they steer."""

    status: Status
    health: HealthMonitor
    metrics: MetricsPage
    performance: PerformanceMonitor
    cleanup: Callable[[], Mapping[str, Any]]
    settings: Callable[[], Settings]
    reload: Reload | None = None
    """None when the lifecycle is not enabled."""


class _Answer:
    """An ASGI endpoint from a function that gives status, body and type."""

    def __init__(self, answer: Callable[[], tuple[int, bytes, bytes]]) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, body, content_type = self._answer()
        await respond(send, status, body, content_type, PAGE_HEADERS)


def make_app(pages: Pages, telemetry_path: str) -> TimingMiddleware:
    """Put the application together."""
    status = pages.status

    def live() -> tuple[int, bytes, bytes]:
        # Touches nothing: a daemon that can answer is alive, whatever its collectors do.
        return 200, b"alive\n", b"text/plain; charset=utf-8"

    def ready() -> tuple[int, bytes, bytes]:
        code = 200 if status.is_ready() else 503
        return code, f"{status.word()}\n".encode(), b"text/plain; charset=utf-8"

    def landing() -> tuple[int, bytes, bytes]:
        return 200, landing_page(status, telemetry_path).encode(), b"text/html; charset=utf-8"

    get = ["GET"]
    routes = [
        Route(telemetry_path, pages.metrics, methods=get),
        Route("/", _Answer(landing), methods=get),
        *(Route(path, _Answer(live), methods=get) for path in LIVENESS),
        *(Route(path, _Answer(ready), methods=get) for path in READINESS),
        Route("/health", _Health(pages.health), methods=get),
        Route("/-/reload", ReloadPage(pages.reload), methods=["POST", "PUT"]),
        *api.routes(_api_sources(pages)),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _plain_error})
    app.router.redirect_slashes = False
    pages.performance.handlers.update(route.path for route in routes if "{" not in route.path)
    inner = RequestLayer(_MetricsFirst(telemetry_path, pages.metrics, app))
    return TimingMiddleware(inner, pages.performance, _path)


def _path(scope: Scope) -> str:
    """What a request counts as: its path, or with others together if the daemon has none such."""
    path: str = scope["path"]
    return path


def _api_sources(pages: Pages) -> api.Sources:
    async def status() -> Mapping[str, Any]:
        report = pages.health.last_report or await pages.health.arun_all_checks()
        return {**pages.status.describe(), "health": report}

    return api.Sources(
        status=status,
        performance=pages.performance.report,
        cleanup=pages.cleanup,
        config=lambda: describe_settings(pages.settings()),
        system=system_info,
    )


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


class _Health:
    """The checks of the daemon's parts, run now."""

    def __init__(self, health: HealthMonitor) -> None:
        self._health = health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        report = await self._health.arun_all_checks()
        body = json.dumps(self._health.get_detailed_status(report), indent=2).encode() + b"\n"
        await respond(
            send, self._health.http_status(report), body, b"application/json", PAGE_HEADERS
        )


async def _plain_error(_: Request, error: Exception) -> Response:
    """Answer 404 and 405 in plain text."""
    if not isinstance(error, HTTPException):
        raise error
    return PlainTextResponse(f"{error.detail}\n", error.status_code, error.headers)
