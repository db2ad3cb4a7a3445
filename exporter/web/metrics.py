"""The metrics page: selection, deadline, format, and the limit on scrapes in flight."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from exporter.families import Filled, Layout, Series
from exporter.scrape import Engine
from exporter.web.compression import gzip
from exporter.web.negotiation import CONTENT_TYPES, accepts_gzip, choose_format
from exporter.web.responses import respond

DEFAULT_TIMEOUT_SECONDS = 10.0
"""Prometheus' default, for clients that do not say theirs."""

MAX_TIMEOUT_SECONDS = 60.0

MIN_BODY_TO_COMPRESS = 1024


LAYOUT = Layout(
    [
        Series("perfwatch_scrapes_in_flight", "Scrapes being served.", "gauge"),
        Series(
            "perfwatch_scrapes_rejected_total",
            "Scrapes turned away because too many were in flight.",
            "counter",
        ),
    ]
)


class BadRequestError(Exception):
    """What is wrong with a request, for the client to read."""


class MetricsPage:
    """The ASGI application behind the telemetry path."""

    def __init__(self, *, max_requests: int, timeout_offset: float) -> None:
        self.engine: Engine
        """Set by the service, and replaced at each reload."""
        self.max_requests = max_requests
        self.timeout_offset = timeout_offset
        self._in_flight = 0
        self._rejected = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one scrape."""
        if self.max_requests and self._in_flight >= self.max_requests:
            self._rejected += 1
            text = (
                f"{self._in_flight} scrapes are in flight, which is the limit "
                "(--web.max-requests): try again later\n"
            )
            await respond(send, 503, text.encode(), headers=[(b"retry-after", b"1")])
            return
        self._in_flight += 1
        try:
            await self._answer(scope, send)
        except BadRequestError as error:
            await respond(send, 400, f"{error}\n".encode("utf-8", "replace"))
        finally:
            self._in_flight -= 1

    async def _answer(self, scope: Scope, send: Send) -> None:
        wishes = _read_headers(scope)
        engine = self.engine
        names = select(scope["query_string"], engine.collectors)
        form = choose_format(wishes.accept)
        seconds = deadline_seconds(wishes.timeout, self.timeout_offset)
        collection = await engine.collect(names, form, seconds)
        body = engine.page(collection)
        headers = [(b"vary", b"Accept, Accept-Encoding")]
        if accepts_gzip(wishes.accept_encoding) and len(body) >= MIN_BODY_TO_COMPRESS:
            if body is not collection.page:
                body = gzip(body)
            elif collection.gzipped is None:
                body = collection.gzipped = gzip(body)
            else:
                body = collection.gzipped
            headers.append((b"content-encoding", b"gzip"))
        await respond(send, 200, body, CONTENT_TYPES[form], headers)

    def own_families(self) -> Iterable[Filled]:
        """How many scrapes are served, and how many were turned away."""
        yield LAYOUT.fill((self._in_flight, self._rejected))


class _Wishes(NamedTuple):
    accept: str
    accept_encoding: str
    timeout: str


def _read_headers(scope: Scope) -> _Wishes:
    accept: list[bytes] = []
    encoding: list[bytes] = []
    timeout = b""
    for name, value in scope["headers"]:
        if name == b"accept":
            accept.append(value)
        elif name == b"accept-encoding":
            encoding.append(value)
        elif name == b"x-prometheus-scrape-timeout-seconds":
            timeout = value
    return _Wishes(
        b",".join(accept).decode("latin-1"),
        b",".join(encoding).decode("latin-1"),
        timeout.decode("latin-1"),
    )


def select(query: bytes, known: Iterable[str]) -> tuple[str, ...] | None:
    """Read `collect[]` and `exclude[]`; None means all. Raises BadRequestError."""
    if not query:
        return None
    try:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=200)
    except ValueError as error:
        raise BadRequestError("more than 200 parameters") from error
    collect = [value for name, value in pairs if name == "collect[]"]
    exclude = [value for name, value in pairs if name == "exclude[]"]
    if collect and exclude:
        raise BadRequestError("collect[] and exclude[] cannot be used together: remove one")
    known = tuple(known)
    for name in collect + exclude:
        if name not in known:
            raise BadRequestError(
                f"unknown or disabled collector {name!r}; enabled are {', '.join(known)}"
            )
    if collect:
        return tuple(name for name in known if name in collect)
    return tuple(name for name in known if name not in exclude) if exclude else None


def deadline_seconds(header: str, offset: float) -> float:
    """How long a scrape may take: Prometheus' timeout less the offset.

    A timeout below the offset leaves half of itself. What is no sensible number counts as absent.
    """
    try:
        timeout = float(header)
    except ValueError:
        timeout = DEFAULT_TIMEOUT_SECONDS
    if not (math.isfinite(timeout) and timeout > 0):
        timeout = DEFAULT_TIMEOUT_SECONDS
    timeout = min(timeout, MAX_TIMEOUT_SECONDS)
    return max(timeout - offset, timeout / 2)
