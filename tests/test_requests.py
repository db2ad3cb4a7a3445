"""What every request passes: limits, counts, errors, dates; and reloading over HTTP."""

from __future__ import annotations

import asyncio
from email.utils import parsedate_to_datetime

import pytest

from exporter.exposition import TEXT, Renderer
from tests.acting import Hanging, Steady
from tests.engines import hangs
from tests.expositions import values
from tests.serving import Application, Site, run_with_site, small_application


async def counted(site: Site) -> dict[tuple[str, str, str], float]:
    """Requests by handler, method and code."""
    page = values((await site.get("/metrics?collect[]=a")).body)
    return {
        (of["handler"], of["method"], of["code"]): value
        for (name, labels), value in page.items()
        if name == "perfwatch_http_requests_total" and (of := dict(labels))
    }


def test_requests_are_counted_by_known_paths_and_methods() -> None:
    """What clients invent does not become labels; a wrong method on a known path does count."""

    async def test(site: Site) -> None:
        for _ in range(2):
            await site.get("/metrics")
        await site.get("/livez", method="HEAD")
        for path in ("/a", "/b", "/metrics/"):
            await site.get(path)
        for method in ("PROPFIND", "M-SEARCH", "DELETE"):
            await site.get("/metrics", method=method)
        await site.get("/metrics?collect[]=z")
        assert await counted(site) == {
            ("/metrics", "GET", "200"): 2,
            ("/livez", "HEAD", "200"): 1,
            ("other", "GET", "404"): 3,
            ("/metrics", "other", "405"): 3,
            ("/metrics", "GET", "400"): 1,
        }

    run_with_site(small_application, test)


def test_durations_are_counted_by_known_paths() -> None:
    """A histogram for each path that was asked; its count is the number of requests."""

    async def test(site: Site) -> None:
        for path in ("/livez", "/livez", "/nothing"):
            await site.get(path)
        page = values((await site.get("/metrics")).body)
        name = "perfwatch_http_request_duration_seconds"
        livez = {("handler", "/livez"), ("method", "GET"), ("code", "200")}
        assert page[f"{name}_count", frozenset(livez)] == 2
        assert page[f"{name}_bucket", frozenset({*livez, ("le", "+Inf")})] == 2
        assert page[f"{name}_sum", frozenset(livez)] > 0
        handlers = {dict(labels).get("handler") for key, labels in page if key.startswith(name)}
        assert handlers == {"/livez", "other"}

    run_with_site(small_application, test)


def test_an_error_in_a_handler_is_a_500_and_counted() -> None:
    """It costs its own request; the connection and the daemon go on."""

    async def reload() -> str:
        raise ZeroDivisionError("a bug")

    async def main() -> None:
        application = Application([Steady("a")], reload=reload)
        async with application.serve() as site:
            client = await site.connect()
            answer = await client.get("/-/reload", method="POST")
            assert answer.status == 500
            assert b"a bug" not in answer.body
            assert (await client.get("/metrics")).status == 200
        page = values(Renderer(TEXT).render(application.performance.families()))
        labels = frozenset({("handler", "/-/reload"), ("method", "POST"), ("code", "500")})
        assert page["perfwatch_http_requests_total", labels] == 1

    asyncio.run(main())


def test_every_answer_has_the_date() -> None:
    """RFC 9110 wants it of a server with a clock."""

    async def test(site: Site) -> None:
        for path in ("/metrics", "/livez", "/nothing"):
            date = parsedate_to_datetime((await site.get(path)).headers["date"])
            assert date.tzinfo is not None

    run_with_site(small_application, test)


def test_scrapes_beyond_the_limit_are_turned_away_and_counted() -> None:
    """Only scrapes in flight count, and only scrapes are refused."""
    hanging = Hanging("a")

    async def test(site: Site) -> None:
        in_flight = [await site.connect() for _ in range(2)]
        for client in in_flight:
            client.ask("/metrics")
        await hangs(hanging)
        while (refused := await site.get("/metrics?collect[]=none")).status == 400:
            pass
        assert refused.status == 503
        assert refused.headers["retry-after"] == "1"
        assert b"2 scrapes are in flight" in refused.body
        assert (await site.get("/livez")).status == 200
        hanging.released.set()
        pages = [values((await client.answer()).body) for client in in_flight]
        assert pages[0]["perfwatch_scrapes_in_flight", frozenset()] == 2
        page = values((await site.get("/metrics")).body)
        assert page["perfwatch_scrapes_rejected_total", frozenset()] == 1
        assert page["perfwatch_scrapes_in_flight", frozenset()] == 1

    run_with_site(lambda: Application([hanging], max_requests=2), test)


def test_no_limit_is_no_limit() -> None:
    """0 takes as many scrapes as come."""
    hanging = Hanging("a")

    async def test(site: Site) -> None:
        clients = [await site.connect() for _ in range(60)]
        for client in clients:
            client.ask("/metrics")
        await hangs(hanging)
        hanging.released.set()
        assert {(await client.answer()).status for client in clients} == {200}

    run_with_site(lambda: Application([hanging], max_requests=0), test)


def test_reloading_over_http_is_off_by_default() -> None:
    """Whoever reaches the port must not steer the daemon; the answer says how to turn it on."""

    async def test(site: Site) -> None:
        answer = await site.get("/-/reload", method="POST")
        assert answer.status == 403
        assert b"--web.enable-lifecycle" in answer.body

    run_with_site(small_application, test)


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_reloading_says_how_it_went(method: str) -> None:
    """Good is 200; bad is 500 with what is wrong; and it is no page to GET."""
    problems = ["", "port 99999 is none"]

    async def reload() -> str:
        return problems.pop(0)

    async def test(site: Site) -> None:
        assert (await site.get("/-/reload", method=method)).status == 200
        bad = await site.get("/-/reload", method=method)
        assert bad.status == 500
        assert b"not reloaded, all is as it was: port 99999 is none" in bad.body
        assert (await site.get("/-/reload")).status == 405
        assert not problems

    run_with_site(lambda: Application(reload=reload), test)


def test_a_browser_may_not_reload() -> None:
    """A page of somebody else could send the request; only browsers send Origin."""
    called = []

    async def reload() -> str:
        called.append(1)
        return ""

    async def test(site: Site) -> None:
        answer = await site.get("/-/reload", "Origin: https://evil.example", method="POST")
        assert answer.status == 403
        assert not called

    run_with_site(lambda: Application(reload=reload), test)
