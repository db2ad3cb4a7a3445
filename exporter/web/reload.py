"""POST or PUT /-/reload, as in Prometheus. Who asks for it without right is a security event."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from starlette.types import Receive, Scope, Send

from exporter.web.responses import respond
from monitoring.structured_logging import security_event

Reload: TypeAlias = Callable[[], Awaitable[str]]
"""Reloads the configuration; the text says what is wrong, and is empty when nothing is."""

OFF = b"reloading over HTTP is off: start with --web.enable-lifecycle, or send SIGHUP\n"


class ReloadPage:
    """The ASGI endpoint."""

    def __init__(self, reload: Reload | None) -> None:
        self._reload = reload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reload, or say why not."""
        if self._reload is None:
            security_event("reload not allowed", _describe(scope))
            await respond(send, 403, OFF)
        elif any(name == b"origin" for name, _ in scope["headers"]):
            # Only a browser sends it: a page of somebody else must not steer the daemon.
            security_event("reload from a browser", _describe(scope))
            await respond(send, 403, b"reloading is not for browsers\n")
        elif problem := await self._reload():
            await respond(send, 500, f"not reloaded, all is as it was: {problem}\n".encode())
        else:
            await respond(send, 200, b"reloaded\n")


def _describe(scope: Scope) -> Mapping[str, Any]:
    """Say who asks."""
    headers = {name: value.decode("latin-1")[:200] for name, value in scope["headers"]}
    return {
        "client": (scope.get("client") or ("unknown",))[0],
        "user_agent": headers.get(b"user-agent", ""),
        "origin": headers.get(b"origin", ""),
    }
