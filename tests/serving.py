"""The daemon's HTTP side inside a test: the real server on a real socket, and a bare client."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from typing import Any, NamedTuple, Self

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.addresses import Address
from exporter.families import Family, Filled
from exporter.health import make_health
from exporter.listening import bind
from exporter.outcome import AnyCollector
from exporter.reload import ReloadState
from exporter.scrape import Engine
from exporter.settings import build
from exporter.status import Status
from exporter.web.app import Pages, make_app
from exporter.web.metrics import MetricsPage
from exporter.web.responses import respond
from exporter.web.server import Limits, Server
from monitoring.performance import PerformanceMonitor
from tests.acting import Steady
from tests.engines import close

REQUEST = b"GET /%s HTTP/1.1\r\nHost: test\r\n\r\n"


class Answer(NamedTuple):
    """What came back: header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """One connection, spoken to in plain bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int) -> Self:
        """Open a connection."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=2**24))

    def send(self, data: bytes) -> None:
        """Write without waiting."""
        self.writer.write(data)

    def ask(self, path: str, *headers: str, method: str = "GET") -> None:
        """Write a request."""
        lines = [f"{method} {path} HTTP/1.1", "Host: test", *headers, "", ""]
        self.send("\r\n".join(lines).encode("latin-1"))

    async def answer(self, *, body: bool = True) -> Answer:
        """Read one response; HEAD has no body."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *lines = head.strip().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines)
        headers = {name.lower(): value for name, value in pairs}
        length = int(headers["content-length"]) if body else 0
        return Answer(int(status.split()[1]), headers, await self.reader.readexactly(length))

    async def get(self, path: str, *headers: str, method: str = "GET") -> Answer:
        """Ask and read the answer."""
        self.ask(path, *headers, method=method)
        return await self.answer(body=method != "HEAD")

    async def until_closed(self) -> bytes:
        """Wait until the server has closed the connection; give what it said before."""
        said = bytearray()
        with contextlib.suppress(ConnectionResetError):
            while chunk := await self.reader.read(65_536):
                said += chunk
        return bytes(said)

    async def close(self) -> None:
        """Hang up."""
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


class Site:
    """A running server and its clients."""

    def __init__(self, port: int, server: Server) -> None:
        self.port = port
        self.server = server
        self.clients: list[Client] = []

    async def connect(self) -> Client:
        """Open a connection that is closed with the site."""
        client = await Client.connect(self.port)
        self.clients.append(client)
        return client

    async def get(self, path: str, *headers: str, method: str = "GET") -> Answer:
        """Ask on a connection of its own."""
        return await (await self.connect()).get(path, *headers, method=method)


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp, limits: Limits | None = None, grace_seconds: int = 5
) -> AsyncIterator[Site]:
    """Serve an application as the daemon does, on a free port."""
    [listener] = bind(Address("127.0.0.1", 0))
    server = Server(app, limits or Limits(), grace_seconds)
    running = asyncio.create_task(server.serve([listener]))
    site = Site(listener.getsockname()[1], server)
    try:
        yield site
    finally:
        for client in site.clients:
            await client.close()
        server.stopping.set()
        await running


class Application:
    """The daemon's whole application, around collectors of a test."""

    def __init__(
        self,
        collectors: Iterable[AnyCollector] = (),
        *,
        max_requests: int = 0,
        timeout_offset: float = 0.25,
        telemetry_path: str = "/metrics",
        reload: Callable[[], Awaitable[str]] | None = None,
        extras: Callable[[], Iterable[Family | Filled]] | None = None,
    ) -> None:
        self.stopping = False
        self.status = Status(lambda: self.stopping)
        self.metrics = MetricsPage(max_requests=max_requests, timeout_offset=timeout_offset)
        self.performance = PerformanceMonitor()
        pages = Pages(
            status=self.status,
            health=make_health(self.status, ReloadState()),
            metrics=self.metrics,
            performance=self.performance,
            cleanup=lambda: {"enabled": False},
            settings=lambda: build({}),
            reload=reload,
        )
        self.app = make_app(pages, telemetry_path)
        self.engine = Engine(list(collectors), max_series=1000, extras=extras or self.own_families)
        self.status.engine = self.metrics.engine = self.engine
        self.status.collected_once = True

    def own_families(self) -> Iterable[Family | Filled]:
        """What the HTTP side says of itself."""
        yield from self.metrics.own_families()
        yield from self.performance.families()

    @contextlib.asynccontextmanager
    async def serve(self, limits: Limits | None = None) -> AsyncIterator[Site]:
        """Serve it."""
        async with serving(self.app, limits) as site:
            try:
                yield site
            finally:
                await close(self.engine)


def run_with_site(
    make: Callable[[], Application], test: Callable[[Site], Coroutine[Any, Any, None]]
) -> None:
    """Run a test against a served application, which is made inside the event loop."""

    async def main() -> None:
        async with make().serve() as site:
            await test(site)

    asyncio.run(main())


def small_application() -> Application:
    """Two collectors."""
    return Application([Steady("a"), Steady("b")])


class Echo:
    """Answers with the path; `/slow` when it is told to, `/large` with more than buffers hold."""

    def __init__(self) -> None:
        self.serving = asyncio.Semaphore(0)
        """Released by each slow request that is being served."""
        self.go_on = asyncio.Event()
        self.handed_over = asyncio.Semaphore(0)
        """Released by each large answer that the server has taken, or that was cut off."""

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["path"] == "/slow":
            self.serving.release()
            await self.go_on.wait()
        if scope["path"] == "/large":
            await respond(send, 200, bytes(2**24))
            self.handed_over.release()
            return
        await respond(send, 200, scope["path"].encode())


def run_with_echo(
    test: Callable[[Site, Echo], Coroutine[Any, Any, None]],
    limits: Limits | None = None,
    grace_seconds: int = 5,
    loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> None:
    """Run a test against a server, in asyncio's own event loop or another."""

    async def main() -> None:
        echo = Echo()
        async with serving(echo, limits, grace_seconds) as site:
            await test(site, echo)
            echo.go_on.set()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())


LOOPS = ("asyncio", "uvloop")
"""The event loops that the daemon may run in."""


def echo_runner(loop: str) -> Callable[..., None]:
    """`run_with_echo` in one of the event loops; skips the test where that is not installed."""
    if loop == "asyncio":
        return run_with_echo
    factory = pytest.importorskip("uvloop", reason="optional: pip install uvloop").new_event_loop
    return functools.partial(run_with_echo, loop=factory)
