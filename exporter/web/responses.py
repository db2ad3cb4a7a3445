"""Plain ASGI responses: what the daemon answers is bytes with a few headers."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import Send

PLAIN = b"text/plain; charset=utf-8"

PAGE_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
)
"""For everything but the metrics page: it shows a moment, and loads nothing from anywhere."""


async def respond(
    send: Send,
    status: int,
    body: bytes,
    content_type: bytes = PLAIN,
    headers: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    """Send a whole response; the server leaves the body out for HEAD."""
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", content_type),
                (b"content-length", b"%d" % len(body)),
                *headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
