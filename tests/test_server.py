"""The server: its bounds on bytes and time, and what is not HTTP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from exporter.web.server import Limits
from tests.serving import LOOPS, REQUEST, Echo, Site, echo_runner

Run = Callable[..., None]


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a test against a server, in each of the event loops."""
    return echo_runner(request.param)


def test_an_answer_is_not_held_back(run: Run) -> None:
    """Nagle's algorithm would keep the body until the client confirms the head: 40 ms a scrape."""

    async def test(site: Site, _: Echo) -> None:
        client = await site.connect()
        await client.get("/x")
        [connection] = site.server.server_state.connections
        accepted = connection.transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    run(test)


def test_a_connection_serves_many_requests(run: Run) -> None:
    """Prometheus keeps its connection from scrape to scrape."""

    async def test(site: Site, _: Echo) -> None:
        client = await site.connect()
        for number in range(20):
            assert (await client.get(f"/{number}")).body == f"/{number}".encode()
        answer = await client.get("/last", "Connection: close")
        assert answer.headers["connection"] == "close"
        assert await client.until_closed() == b""

    run(test)


def test_pipelined_requests_are_answered_in_order(run: Run) -> None:
    """Also when the first one is slow, and a request comes in pieces."""

    async def test(site: Site, echo: Echo) -> None:
        client = await site.connect()
        third = REQUEST % b"third"
        client.send(REQUEST % b"slow" + REQUEST % b"second" + third[:10])
        await echo.serving.acquire()
        echo.go_on.set()
        assert (await client.answer()).body == b"/slow"
        assert (await client.answer()).body == b"/second"
        client.send(third[10:])
        assert (await client.answer()).body == b"/third"

    run(test)


def test_a_head_of_the_largest_size_is_served_and_one_byte_more_is_not(run: Run) -> None:
    """The limit bounds the memory that a stranger can take: 431 and the end."""

    async def test(site: Site, _: Echo) -> None:
        for size, status in ((1000, 200), (1001, 431)):
            client = await site.connect()
            head = b"GET /x HTTP/1.1\r\nHost: test\r\nX: "
            client.send(head + b"a" * (size - len(head) - 4) + b"\r\n\r\n")
            assert (await client.answer()).status == status
        assert await client.until_closed() == b""
        assert (await site.get("/alive")).status == 200

    run(test, Limits(max_head_bytes=1000))


def test_a_head_that_never_ends_is_refused(run: Run) -> None:
    """Many small headers, or one that goes on: it is the sum that counts."""

    async def test(site: Site, _: Echo) -> None:
        client = await site.connect()
        client.send(b"GET / HTTP/1.1\r\n")
        for number in range(32):
            client.send(b"X-%04d: %b\r\n" % (number, b"a" * 1014))
        said = await client.until_closed()
        assert said.startswith(b"HTTP/1.1 431 ") or said == b""
        assert (await site.get("/alive")).status == 200

    run(test)


def test_a_body_that_never_ends_is_cut_off(run: Run) -> None:
    """No path takes a body; one larger than the limit ends the connection, answered or not."""

    async def test(site: Site, _: Echo) -> None:
        client = await site.connect()
        client.send(b"POST /x HTTP/1.1\r\nHost: test\r\nContent-Length: 99999999\r\n\r\n")
        assert (await client.answer()).status == 200
        client.send(b"a" * 70_000)
        await client.until_closed()
        assert (await site.get("/alive")).status == 200

    run(test)


def test_a_silent_client_is_closed(run: Run) -> None:
    """At the deadline for receiving a request, which begins with the connection."""

    async def test(site: Site, _: Echo) -> None:
        client = await site.connect()
        assert (await client.until_closed()).startswith(b"HTTP/1.1 408 ")
        assert (await site.get("/alive")).status == 200

    run(test, Limits(receipt_seconds=0.3))


def test_a_trickling_client_is_closed(run: Run) -> None:
    """Each byte in time is not enough: the whole request has to be."""

    async def test(site: Site, _: Echo) -> None:
        client = await site.connect()
        client.send(b"GET / HTTP/1.1\r\n")
        closing = asyncio.create_task(client.until_closed())
        while not closing.done():
            client.send(b"a")
            await asyncio.wait([closing], timeout=0.02)
        assert (await closing).startswith(b"HTTP/1.1 408 ") or (await closing) == b""
        assert (await site.get("/alive")).status == 200

    run(test, Limits(receipt_seconds=0.3))


def test_a_trickling_client_of_a_kept_connection_is_closed(run: Run) -> None:
    """The deadline begins anew with the first byte of each request."""

    async def test(site: Site, _: Echo) -> None:
        client = await site.connect()
        assert (await client.get("/first")).status == 200
        client.send(b"GET / HT")
        assert (await client.until_closed()).startswith(b"HTTP/1.1 408 ")

    run(test, Limits(receipt_seconds=0.3))


def test_an_empty_line_between_requests_does_not_keep_a_connection(run: Run) -> None:
    """It begins no request, but ends the server's own timer for idle connections."""

    async def test(site: Site, _: Echo) -> None:
        client = await site.connect()
        assert (await client.get("/first")).status == 200
        client.send(b"\r\n")
        assert (await client.until_closed()).startswith(b"HTTP/1.1 408 ")

    run(test, Limits(receipt_seconds=0.3))


def test_a_body_that_does_not_come_ends_the_connection(run: Run) -> None:
    """Served or not: a request has to be there in time."""

    async def test(site: Site, _: Echo) -> None:
        client = await site.connect()
        client.send(b"POST /slow HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nab")
        assert await client.until_closed() == b""
        assert (await site.get("/alive")).status == 200

    run(test, Limits(receipt_seconds=0.3))


def test_a_slow_answer_is_no_slow_request(run: Run) -> None:
    """The deadline is for the client; how long serving takes is the daemon's own affair."""

    async def test(site: Site, echo: Echo) -> None:
        slow, silent = await site.connect(), await site.connect()
        slow.ask("/slow")
        await echo.serving.acquire()
        await silent.until_closed()
        echo.go_on.set()
        assert (await slow.answer()).status == 200

    run(test, Limits(receipt_seconds=0.3))


@pytest.mark.parametrize(
    "words",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\n\r\n",
        b"\x00" * 20,
    ],
)
def test_what_is_not_http_is_refused(run: Run, words: bytes) -> None:
    """A TLS client, a port scanner, a smuggler: 400, and the server lives on."""

    async def test(site: Site, _: Echo) -> None:
        client = await site.connect()
        client.send(words)
        assert (await client.until_closed()).startswith(b"HTTP/1.1 400 ")
        assert (await site.get("/alive")).status == 200

    run(test)


def test_an_upgrade_is_not_taken_up(run: Run) -> None:
    """Curl --http2 and browsers offer one: the request itself is answered."""

    async def test(site: Site, _: Echo) -> None:
        client = await site.connect()
        answer = await client.get("/x", "Connection: Upgrade", "Upgrade: h2c")
        assert (answer.status, answer.body) == (200, b"/x")
        assert (await site.get("/alive")).status == 200

    run(test)
