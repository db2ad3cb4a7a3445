"""The server: its bound on connections, and how it stops."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from exporter.web.server import Limits
from tests.serving import LOOPS, REQUEST, Client, Echo, Site, echo_runner, serving

Run = Callable[..., None]


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a test against a server, in each of the event loops."""
    return echo_runner(request.param)


def test_an_idle_connection_is_closed_in_the_end(run: Run) -> None:
    """Without a word: the client did nothing wrong."""

    async def test(site: Site, _: Echo) -> None:
        client = await site.connect()
        assert (await client.get("/x")).status == 200
        assert await client.until_closed() == b""

    run(test, Limits(keep_alive_seconds=0))


@pytest.mark.parametrize("first_words", [b"", b"GET /half HT", REQUEST % b"x"])
def test_beyond_the_limit_the_oldest_idle_connection_makes_room(
    run: Run, first_words: bytes
) -> None:
    """Silent, half a request, or between requests: whoever is not served may go, in that order."""

    async def test(site: Site, echo: Echo) -> None:
        busy = await site.connect()
        busy.ask("/slow")
        await echo.serving.acquire()
        idle = [await connect_and_say(site, first_words) for _ in range(3)]
        newcomers = [await site.connect() for _ in range(2)]
        for client in newcomers:
            assert (await client.get("/new")).status == 200
        for client in idle[:2]:
            assert await client.until_closed() == b""
        rest = b"TP/1.1\r\nHost: test\r\n\r\n"
        idle[2].send(rest if b"half" in first_words else REQUEST % b"y")
        assert (await idle[2].answer()).status == 200
        echo.go_on.set()
        assert (await busy.answer()).body == b"/slow"

    run(test, Limits(max_connections=4))


async def connect_and_say(site: Site, words: bytes) -> Client:
    """Open a connection, say something, and wait until the server has taken note of it."""
    client = await site.connect()
    client.send(words)
    if words.endswith(b"\r\n\r\n"):
        await client.answer()
    return client


def test_when_all_are_busy_the_newcomer_is_turned_away(run: Run) -> None:
    """Those being served are never sacrificed."""

    async def test(site: Site, echo: Echo) -> None:
        busy = [await site.connect() for _ in range(3)]
        for client in busy:
            client.ask("/slow")
            await echo.serving.acquire()
        newcomer = await site.connect()
        assert await newcomer.until_closed() == b""
        echo.go_on.set()
        assert [(await client.answer()).status for client in busy] == [200] * 3

    run(test, Limits(max_connections=3))


def test_a_pipelined_request_keeps_its_connection(run: Run) -> None:
    """Between two requests of one client that are both here, it is not idle."""

    async def test(site: Site, echo: Echo) -> None:
        busy = await site.connect()
        busy.send(REQUEST % b"first" + REQUEST % b"slow")
        await echo.serving.acquire()
        newcomer = await site.connect()
        assert await newcomer.until_closed() == b""
        echo.go_on.set()
        assert [(await busy.answer()).body for _ in range(2)] == [b"/first", b"/slow"]

    run(test, Limits(max_connections=1))


def test_stopping_finishes_what_is_served_and_closes_the_rest(run: Run) -> None:
    """Requests in flight get their answers; idle clients and newcomers do not hold the end up."""

    async def test(site: Site, echo: Echo) -> None:
        served, idle, silent = [await site.connect() for _ in range(3)]
        served.ask("/slow")
        await echo.serving.acquire()
        await idle.get("/x")
        site.server.stopping.set()
        for client in (idle, silent):
            assert await client.until_closed() == b""
        with pytest.raises(ConnectionError):
            await Client.connect(site.port)
        echo.go_on.set()
        answer = await served.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")

    run(test)


def test_stopping_does_not_wait_for_ever(run: Run) -> None:
    """What is not answered within the grace period is cut off."""

    async def main() -> None:
        echo = Echo()
        async with serving(echo, grace_seconds=0) as site:
            client = await site.connect()
            client.ask("/slow")
            await echo.serving.acquire()
            site.server.stopping.set()
            assert b" 200 " not in await client.until_closed()

    asyncio.run(main())


def test_a_client_that_never_reads_is_cut_off(run: Run) -> None:
    """The server buffers one large answer; the next waits for the client, but not for ever.

    Those behind it are forgotten with the connection.
    """

    async def test(site: Site, echo: Echo) -> None:
        with socket.create_connection(("127.0.0.1", site.port)) as deaf:
            deaf.sendall(REQUEST % b"large" * 3)
            for _ in range(2):
                await echo.handed_over.acquire()
            assert not site.server.server_state.connections
            assert (await site.get("/alive")).status == 200

    run(test, Limits(reading_seconds=0.3))
