"""POST or PUT /-/reload, as in Prometheus. Who asks for it without right is a security event."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.types import Receive, Scope, Send

from exporter.web.responses import respond
from monitoring.redaction import Redactor
from monitoring.structured_logging import METRICS, StructuredLogger

Reload: TypeAlias = Callable[[], Awaitable[str]]
"""Reloads the configuration; the text says what is wrong, and is empty when nothing is."""

MAX_LOGS_PER_MINUTE = 30

log = StructuredLogger("security").rate_limited(MAX_LOGS_PER_MINUTE)

OFF = b"reloading over HTTP is off: start with --web.enable-lifecycle, or send SIGHUP\n"


class ReloadPage:
    """The ASGI endpoint."""

    def __init__(self, reload: Reload | None) -> None:
        self._reload = reload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reload, or say why not."""
        if self._reload is None:
            _refuse("reload not allowed", scope)
            await respond(send, 403, OFF)
        elif any(name == b"origin" for name, _ in scope["headers"]):
            # Only a browser sends it: a page of somebody else must not steer the daemon.
            _refuse("reload from a browser", scope)
            await respond(send, 403, b"reloading is not for browsers\n")
        elif problem := await self._reload():
            text = f"not reloaded, all is as it was: {Redactor().text(problem)}\n"
            await respond(send, 500, text.encode())
        else:
            await respond(send, 200, b"reloaded\n")


def _refuse(kind: str, scope: Scope) -> None:
    """Count it, and say who asks: not each time, for anybody may ask as often as they like."""
    METRICS.security_event(kind)
    headers = {name: value.decode("latin-1")[:200] for name, value in scope["headers"]}
    log.warning(
        "security event",
        kind=kind,
        client=(scope.get("client") or ("unknown",))[0],
        user_agent=headers.get(b"user-agent", ""),
        origin=headers.get(b"origin", ""),
    )
