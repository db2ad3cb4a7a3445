"""What `TimingMiddleware` counts of an application, driven by hand and by the real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Host, Mount, Route

from monitoring.performance import App, PerformanceMonitor, TimingMiddleware
from tests.serving import serving

DISCONNECT = {"type": "http.disconnect"}


def start(status: int) -> dict[str, Any]:
    """The first message of an answer."""
    return {"type": "http.response.start", "status": status, "headers": []}


def body(content: bytes, *, more: bool = False) -> dict[str, Any]:
    """A part of its body."""
    return {"type": "http.response.body", "body": content, "more_body": more}


def answering(*messages: dict[str, Any], then: BaseException | None = None) -> App:
    """An application that sends these messages, and then raises if it is told to."""

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)
        if then is not None:
            raise then

    return app


async def ask(app: App, path: str = "/", method: str = "GET", **scope: Any) -> list[Any]:
    """Send a request; give the messages of the answer."""
    sent = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return DISCONNECT

    whole = {"type": "http", "path": path, "method": method, "headers": [], "query_string": b""}
    await app(whole | scope, receive, send)
    return sent


def counted(monitor: PerformanceMonitor, name: str = "requests_total") -> dict[Any, Any]:
    """The samples of one family by label values."""
    return {
        labels: number
        for family in monitor.families()
        if family.name == f"perfwatch_http_{name}"
        for labels, number in family.samples
    }


def sizes(monitor: PerformanceMonitor) -> list[float]:
    """The bytes sent, by label values."""
    return [of.sum for of in counted(monitor, "response_size_bytes").values()]


def codes(monitor: PerformanceMonitor) -> list[str]:
    """The codes counted so far; nothing is in flight."""
    assert set(counted(monitor, "requests_in_flight").values()) == {0}
    return [code for _, _, code in counted(monitor)]


def test_an_answer_is_passed_on_and_counted() -> None:
    """With all the parts of its body; one may have no body at all."""
    messages = [start(201), body(b"abc", more=True), {"type": "http.response.body"}, body(b"de")]
    monitor = PerformanceMonitor(["/a"])
    app = TimingMiddleware(answering(*messages), monitor)
    assert asyncio.run(ask(app, "/a", "POST")) == messages
    assert counted(monitor) == {("/a", "POST", "201"): 1}
    assert sizes(monitor) == [5]
    [duration] = counted(monitor, "request_duration_seconds").values()
    assert 0 < duration.sum < 10


def test_an_answer_to_head_has_no_size() -> None:
    """The server leaves its body out."""
    monitor = PerformanceMonitor(["/a"])
    app = TimingMiddleware(answering(start(200), body(b"left out")), monitor)
    asyncio.run(ask(app, "/a", "HEAD"))
    assert sizes(monitor) == [0]


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
def test_what_is_no_http_passes_untouched(kind: str) -> None:
    """With the server's own functions; nothing is counted."""
    seen: list[Any] = []

    async def app(*arguments: Any) -> None:
        seen.extend(arguments)

    monitor = PerformanceMonitor()
    given: tuple[Any, ...] = ({"type": kind, "path": "/"}, app, app)
    asyncio.run(TimingMiddleware(app, monitor)(*given))
    assert all(one is other for one, other in zip(seen, given, strict=True))
    assert list(monitor.families()) == []


@pytest.mark.parametrize(
    ("messages", "error", "code"),
    [
        ([], ZeroDivisionError(), "500"),
        ([], asyncio.CancelledError(), "499"),
        ([], GeneratorExit(), "499"),
        ([start(200)], ZeroDivisionError(), "200"),
        ([start(200)], asyncio.CancelledError(), "200"),
    ],
)
def test_an_error_passes_on_and_has_a_code(
    messages: Iterable[dict[str, Any]], error: BaseException, code: str
) -> None:
    """The one that was sent; else 499 for a cancelled request, and 500 for a failed one."""
    monitor = PerformanceMonitor()
    app = TimingMiddleware(answering(*messages, then=error), monitor)

    async def main() -> None:
        with pytest.raises(type(error)) as raised:
            await ask(app)
        assert raised.value is error

    asyncio.run(main())
    assert codes(monitor) == [code]


def test_no_answer_is_a_failure() -> None:
    """An application that returns without a word is broken: the server answers 500."""
    monitor = PerformanceMonitor()
    asyncio.run(ask(TimingMiddleware(answering(), monitor)))
    assert codes(monitor) == ["500"]


def test_a_client_that_went_away_was_not_failed() -> None:
    """It counts as 499, whether the application returns or raises on hearing of it."""

    async def returns(_scope: Any, receive: Any, _send: Any) -> None:
        assert await receive() is DISCONNECT

    async def raises(_scope: Any, receive: Any, _send: Any) -> None:
        await receive()
        raise ConnectionResetError

    monitor = PerformanceMonitor()

    async def main() -> None:
        await ask(TimingMiddleware(returns, monitor), "/a")
        with pytest.raises(ConnectionResetError):
            await ask(TimingMiddleware(raises, monitor), "/b")

    asyncio.run(main())
    assert counted(monitor) == {("other", "GET", "499"): 2}


def test_a_request_is_in_flight_while_the_application_runs() -> None:
    """By the handler known when it came."""
    monitor = PerformanceMonitor(["/a"])

    async def app(*_: Any) -> None:
        assert counted(monitor, "requests_in_flight") == {("/a", "GET"): 1}

    asyncio.run(ask(TimingMiddleware(app, monitor), "/a"))
    assert counted(monitor, "requests_in_flight") == {("/a", "GET"): 0}


def test_the_handler_may_come_from_a_function_of_the_scope() -> None:
    """And is bounded like all: what it makes up beside the monitor's handlers is other."""
    monitor = PerformanceMonitor(["api"])
    app = TimingMiddleware(routed(), monitor, lambda scope: scope["path"].split("/")[1])
    for path in ("/api/users/1", "/api/nowhere", "/about"):
        asyncio.run(ask(app, path))
    assert counted(monitor) == {
        ("api", "GET", "200"): 1,
        ("api", "GET", "404"): 1,
        ("other", "GET", "200"): 1,
    }


def routed(monitor: PerformanceMonitor | None = None) -> Starlette:
    """An application with routes; the middleware is among its own, if a monitor is given."""

    async def page(_: Request) -> PlainTextResponse:
        return PlainTextResponse("page")

    async def broken(_: Request) -> PlainTextResponse:
        raise ZeroDivisionError

    routes = [
        Route("/about", page),
        Route("/broken/{id}", broken),
        Mount("/api", routes=[Route("/users/{id}", page)]),
        Mount("/files", answering(start(200), body(b"file"))),
        Host("other.example", answering(start(204))),
    ]
    own = [] if monitor is None else [Middleware(TimingMiddleware, monitor)]
    return Starlette(routes=routes, middleware=own)


def wrapped(monitor: PerformanceMonitor) -> App:
    """The same with the middleware around it."""
    return TimingMiddleware(routed(), monitor)


@pytest.mark.parametrize("make", [routed, wrapped])
def test_starlette_says_which_template_was_matched(
    make: Callable[[PerformanceMonitor], App],
) -> None:
    """Paths with ids in them count by their template; what matched none is other."""
    monitor = PerformanceMonitor(["/known"])
    app = make(monitor)

    async def main() -> None:
        for path in ("/about", "/api/users/1", "/api/users/2", "/files/a", "/files/b"):
            await ask(app, path)
        for path in ("/nowhere", "/known", "/api/nowhere"):
            await ask(app, path)
        await ask(app, "/x", headers=[(b"host", b"other.example")])
        with pytest.raises(ZeroDivisionError):
            await ask(app, "/broken/7")

    asyncio.run(main())
    assert counted(monitor) == {
        ("/about", "GET", "200"): 1,
        ("/users/{id}", "GET", "200"): 2,
        ("/files", "GET", "200"): 2,
        ("/api", "GET", "404"): 1,
        ("/known", "GET", "404"): 1,
        ("/broken/{id}", "GET", "500"): 1,
        ("other", "GET", "404"): 1,
        ("other", "GET", "204"): 1,
    }
    assert set(counted(monitor, "requests_in_flight").values()) == {0}


def test_with_the_real_server() -> None:
    """Answers, streams, HEAD, background tasks, and clients that hang up before the answer."""
    monitor = PerformanceMonitor(["/hang", "/stream", "/task"])
    asked, over, hung_up = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"0123456789"

    async def work() -> None:
        over.set()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/hang":
            asked.set()
            while (await receive())["type"] != "http.disconnect":
                pass
            asyncio.get_running_loop().call_soon(hung_up.set)
        elif scope["path"] == "/stream":
            length = {"content-length": "30"}
            await StreamingResponse(parts(), headers=length)(scope, receive, send)
        else:
            task = BackgroundTask(work)
            await PlainTextResponse("done", background=task)(scope, receive, send)

    async def main() -> None:
        async with serving(TimingMiddleware(app, monitor)) as site:
            assert (await site.get("/stream")).body == b"0123456789" * 3
            assert (await site.get("/stream", method="HEAD")).body == b""
            assert (await site.get("/task")).body == b"done"
            await over.wait()
            client = await site.connect()
            client.ask("/hang")
            await asked.wait()
            assert counted(monitor, "requests_in_flight")["/hang", "GET"] == 1
            await client.close()
            await hung_up.wait()

    asyncio.run(main())
    assert counted(monitor) == {
        ("/stream", "GET", "200"): 1,
        ("/stream", "HEAD", "200"): 1,
        ("/task", "GET", "200"): 1,
        ("/hang", "GET", "499"): 1,
    }
    assert sizes(monitor) == [30, 0, 4, 0]
