"""The API for operators: /api/v1/monitoring/..., answers and errors in JSON (docs/api.md).

Every answer is made within a bounded wait: a source that takes longer goes on alone, and whoever
asks meanwhile waits for the same run of it.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from exporter.web.responses import PAGE_HEADERS, respond
from monitoring.correlation import correlation_ids
from monitoring.structured_logging import StructuredLogger

PREFIX = "/api/v1/monitoring"
DESCRIPTION_PATH = "/api/v1/openapi.yaml"

WAIT_SECONDS = 0.08
"""For a source that waits for something; an answer is promised within 0.1 s."""

JSON = b"application/json"
YAML = b"application/yaml"

Source: TypeAlias = Callable[[], Mapping[str, Any] | Awaitable[Mapping[str, Any]]]
"""Gives the data of one page. What has to wait for anything is a coroutine function: a plain
function is called in the event loop."""

log = StructuredLogger("perfwatch.web.api")


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the data of each page comes from; the page has the field's name."""

    status: Source
    performance: Source
    cleanup: Source
    config: Source
    system: Source


def routes(sources: Sources) -> list[Route]:
    """Give the API's routes; the last one answers what is not there, in JSON too."""
    pages = {field.name: getattr(sources, field.name) for field in fields(Sources)}
    return [
        *(Route(f"{PREFIX}/{name}", _Page(name, source)) for name, source in pages.items()),
        Route(DESCRIPTION_PATH, _Description()),
        Route("/api/{path:path}", _NotFound()),
    ]


class _Answer(NamedTuple):
    status: int
    body: bytes


class _Page:
    """An ASGI endpoint around one source, of which never two runs are under way."""

    def __init__(self, name: str, source: Source) -> None:
        self._name = name
        self._source = source
        self._run: asyncio.Task[_Answer] | None = None
        self._late = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not await _is_read(scope, send):
            return
        if self._run is None or self._run.done():
            self._run = asyncio.create_task(self._ask())
        run = self._run
        await asyncio.wait([run], timeout=WAIT_SECONDS)
        self._note(late=not run.done())
        if run.done():
            await _send(send, run.result())
        else:
            message = (
                f"{self._name} is not known yet after {WAIT_SECONDS * 1000:.0f} ms: ask again in "
                "a second; if this goes on, look for 'monitoring page late' in the daemon's log"
            )
            await _send(send, _error(503, "late", message), [(b"retry-after", b"1")])

    async def _ask(self) -> _Answer:
        from monitoring.redaction import redacted

        try:
            data = self._source()
            if inspect.isawaitable(data):
                data = await data
            return _Answer(200, _encode(redacted(data)))
        except Exception as error:  # noqa: BLE001 -- the boundary of a page
            reason = f"{type(error).__name__}: {error}"
            log.error("monitoring page failed", page=self._name, reason=reason)  # noqa: TRY400 -- as for any request
            message = (
                f"{self._name} could not be read: look for 'monitoring page failed' in the "
                "daemon's log, which has the reason"
            )
            return _error(500, "failed", message)

    def _note(self, *, late: bool) -> None:
        if late and not self._late:
            log.warning("monitoring page late", page=self._name, seconds=WAIT_SECONDS)
        self._late = late


class _Description:
    """The OpenAPI file, which comes with the package."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if await _is_read(scope, send):
            await respond(send, 200, openapi(), YAML, PAGE_HEADERS)


def openapi() -> bytes:
    """Give the OpenAPI file as it is."""
    return Path(__file__).with_name("openapi.yaml").read_bytes()


class _NotFound:
    """Whatever else is asked for below /api."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = f"there is no such page: what there is stands in {DESCRIPTION_PATH}"
        await _send(send, _error(404, "not_found", message))


async def _is_read(scope: Scope, send: Send) -> bool:
    """Refuse what is neither GET nor HEAD."""
    if scope["method"] in {"GET", "HEAD"}:
        return True
    refusal = _error(405, "method_not_allowed", "this page can only be read: use GET or HEAD")
    await _send(send, refusal, [(b"allow", b"GET, HEAD")])
    return False


async def _send(send: Send, answer: _Answer, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    await respond(send, answer.status, answer.body, JSON, [*PAGE_HEADERS, *headers])


def _error(status: int, code: str, message: str) -> _Answer:
    """Make an error; its correlation id is the one that the log has."""
    error = {"code": code, "message": message}
    if correlation_id := correlation_ids().get("correlation_id"):
        error["correlation_id"] = correlation_id
    return _Answer(status, _encode({"error": error}))


def _encode(data: Any) -> bytes:
    return json.dumps(data, indent=2).encode() + b"\n"
