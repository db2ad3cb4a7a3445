"""The HTTP application: which path is answered by what, selections, deadlines, and formats."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.families import Family
from exporter.web.app import LIVENESS, READINESS
from exporter.web.landing import format_duration
from exporter.web.metrics import BadRequestError, deadline_seconds, select
from tests.acting import Absent, Hanging, Raising, Steady
from tests.engines import hangs, read
from tests.expositions import meaning
from tests.serving import Application, Site

NOT_FOUND = [
    "/metrics/",
    "//metrics",
    "/metrics/x",
    "/Metrics",
    "/metric",
    "/favicon.ico",
    "/livez/",
    "/-/",
    "/-/quit",
    "/health/",
    "/../etc/passwd",
    "/%2e%2e/metrics",
    "/metrics%00",
]

Test = Callable[[Site], Coroutine[Any, Any, None]]


def run(application: Callable[[], Application], test: Test) -> None:
    """Run a test against a served application, made inside the event loop."""

    async def main() -> None:
        async with application().serve() as site:
            await test(site)

    asyncio.run(main())


def small() -> Application:
    """Two collectors."""
    return Application([Steady("a"), Steady("b")])


def test_every_path_of_the_daemon_answers() -> None:
    """With its type; HEAD says the same without a body; POST is not for them."""
    paths = {
        "/": "text/html",
        "/metrics": "text/plain",
        "/health": "application/json",
        **dict.fromkeys((*LIVENESS, *READINESS), "text/plain"),
    }

    async def test(site: Site) -> None:
        for path, content_type in paths.items():
            answer = await site.get(path)
            assert answer.status == 200
            assert answer.headers["content-type"].startswith(content_type)
            assert answer.body
            client = await site.connect()
            head = await client.get(path, method="HEAD")
            assert head.status == 200
            assert head.headers.keys() == answer.headers.keys()
            # No byte of a body: the next answer follows at once.
            assert (await client.get(path)).status == 200
            refused = await site.get(path, "Content-Length: 0", method="POST")
            assert refused.status == 405
            assert "GET" in refused.headers["allow"]

    run(small, test)


@pytest.mark.parametrize("path", NOT_FOUND)
def test_everything_else_is_not_found(path: str) -> None:
    """No redirect, no file, no second spelling of the page."""

    async def test(site: Site) -> None:
        answer = await site.get(path)
        assert (answer.status, answer.body) == (404, b"Not Found\n")

    run(small, test)


def test_the_metrics_page_may_lie_elsewhere() -> None:
    """Then /metrics is no page."""

    async def test(site: Site) -> None:
        assert b"a_value" in (await site.get("/node/stats")).body
        assert (await site.get("/metrics")).status == 404
        assert b'href="/node/stats"' in (await site.get("/")).body

    run(lambda: Application([Steady("a")], telemetry_path="/node/stats"), test)


def test_readiness_follows_the_life_and_liveness_does_not() -> None:
    """Starting and stopping are not ready; alive they are all the time."""

    async def main() -> None:
        application = small()
        async with application.serve() as site:
            for collected, stopping, word in (
                (False, False, "starting"),
                (True, False, "ready"),
                (True, True, "stopping"),
            ):
                application.status.collected_once = collected
                application.status.stopping = stopping
                for path in READINESS:
                    answer = await site.get(path)
                    assert answer.status == (200 if word == "ready" else 503)
                    assert answer.body == f"{word}\n".encode()
                health = await site.get("/health")
                assert health.status == (200 if word == "ready" else 503)
                assert json.loads(health.body)["status"] == word
                for path in LIVENESS:
                    assert (await site.get(path)).status == 200

    asyncio.run(main())


def test_probes_answer_while_a_collector_hangs() -> None:
    """Liveness, readiness and the pages about the state never wait for one."""
    hanging = Hanging("a")

    async def test(site: Site) -> None:
        scrape = await site.connect()
        scrape.ask("/metrics", "X-Prometheus-Scrape-Timeout-Seconds: 60")
        await hangs(hanging)
        for path in ("/livez", "/readyz", "/health", "/"):
            assert (await site.get(path)).status == 200
        hanging.released.set()
        assert (await scrape.answer()).status == 200

    run(lambda: Application([hanging]), test)


def test_the_state_of_each_collector_is_shown_and_nothing_is_markup() -> None:
    """What a kernel file or a collector's error contains is text on the page."""
    evil = "<script>alert('&')</script>"

    async def test(site: Site) -> None:
        fresh = await site.get("/")
        assert fresh.body.count(b"not collected yet") == 3
        assert json.loads((await site.get("/health")).body)["collectors"]["ok"] == {
            "status": "not collected yet"
        }
        await site.get("/metrics")
        page = (await site.get("/")).body.decode()
        assert "<script>" not in page
        assert "ValueError: &lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt;" in page
        assert 'class="ok"' in page
        assert 'class="no-data">no data<' in page
        health = json.loads((await site.get("/health")).body)["collectors"]
        assert health["bad"]["reason"] == f"ValueError: {evil}"
        assert health["absent"]["status"] == "no data"
        assert health["ok"].keys() == {"status", "seconds"}

    run(
        lambda: Application([Steady("ok"), Raising("bad", ValueError(evil)), Absent("absent")]),
        test,
    )


def test_the_landing_page_says_when_nothing_is_enabled() -> None:
    """An empty table would leave the reader wondering."""

    async def test(site: Site) -> None:
        assert b"none is enabled" in (await site.get("/")).body
        assert (await site.get("/metrics")).status == 200

    run(Application, test)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.9, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3661, "1 h 1 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    """The two largest units are enough."""
    assert format_duration(seconds) == text


KNOWN = ("a", "b", "c d")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        (b"", None),
        (b"x=1", None),
        (b"collect[]=b", ("b",)),
        (b"collect[]=b&collect[]=a", ("a", "b")),
        (b"collect[]=b&collect[]=b", ("b",)),
        (b"collect%5B%5D=c+d", ("c d",)),
        (b"collect%5b%5d=c%20d&name=x", ("c d",)),
        (b"exclude[]=b", ("a", "c d")),
        (b"exclude[]=a&exclude[]=b", ("c d",)),
        (b"exclude[]=a&exclude[]=b&exclude%5B%5D=c+d", ()),
    ],
)
def test_a_selection_is_in_the_daemon_s_order(query: bytes, names: tuple[str, ...] | None) -> None:
    """Whatever order or spelling the client uses, equal selections are shared."""
    assert select(query, KNOWN) == names


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (b"collect[]=z", "unknown or disabled collector 'z'; enabled are a, b, c d"),
        (b"exclude[]=z", "unknown or disabled collector 'z'"),
        (b"collect[]=", "unknown or disabled collector ''"),
        (b"collect[]=a&exclude[]=b", "cannot be used together: remove one"),
        (b"collect[]=%ff%00", "unknown or disabled"),
        (b"&".join([b"collect[]=a"] * 201), "more than 200"),
    ],
)
def test_a_selection_that_cannot_be_is_refused(query: bytes, says: str) -> None:
    """With what is wrong with it."""
    with pytest.raises(BadRequestError) as caught:
        select(query, KNOWN)
    assert says in str(caught.value)


@given(st.binary(max_size=60))
def test_no_query_is_anything_but_refused(query: bytes) -> None:
    """Garbage selects nothing or is refused."""
    try:
        names = select(query, KNOWN)
    except BadRequestError:
        return
    assert names is None or set(names) <= set(KNOWN)


def test_selections_over_http() -> None:
    """The page has what was selected, and the account of just that; errors are 400 in words."""

    async def test(site: Site) -> None:
        page = read((await site.get("/metrics?collect[]=b")).body)
        assert {"b_value", "success b"} <= page.keys()
        assert not {"a_value", "success a"} & page.keys()
        page = read((await site.get("/metrics?exclude%5B%5D=b")).body)
        assert "a_value" in page
        assert "b_value" not in page
        for query, word in (("collect[]=z", b"'z'"), ("collect[]=a&exclude[]=b", b"together")):
            answer = await site.get(f"/metrics?{query}")
            assert answer.status == 400
            assert word in answer.body

    run(small, test)


@pytest.mark.parametrize(
    ("header", "offset", "seconds"),
    [
        ("", 0.25, 9.75),
        ("5", 0.25, 4.75),
        ("0.5", 0.25, 0.25),
        ("0.2", 0.25, 0.1),
        ("1", 5, 0.5),
        ("1", 0, 1),
        ("3600", 0.25, 59.75),
        ("1e300", 0.25, 59.75),
        ("inf", 0.25, 9.75),
        ("nan", 0.25, 9.75),
        ("-3", 0.25, 9.75),
        ("0", 0.25, 9.75),
        ("10s", 0.25, 9.75),
        ("ten", 0.25, 9.75),
    ],
)
def test_the_deadline_is_prometheus_timeout_less_the_offset(
    header: str, offset: float, seconds: float
) -> None:
    """Below the offset half of the timeout is left; what is no sensible number counts as absent."""
    assert deadline_seconds(header, offset) == seconds


def test_the_deadline_over_http() -> None:
    """The page comes in time, complete but for the one that hangs."""
    hanging = Hanging("b")

    async def test(site: Site) -> None:
        page = read((await site.get("/metrics", "X-Prometheus-Scrape-Timeout-Seconds: 1")).body)
        assert (page["success a"], page["success b"], page["a_value"]) == (1, 0, 1)
        hanging.released.set()

    run(lambda: Application([Steady("a"), hanging]), test)


def test_formats_and_encodings_over_http() -> None:
    """Each with its type; the packed body is the plain one; caches are told what it varies with."""
    rows = [((str(number),), number) for number in range(500)]
    big = Steady("a", [Family("big", "B.", "gauge", ("x",), rows)])

    async def test(site: Site) -> None:
        plain = await site.get("/metrics")
        assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert plain.headers["vary"] == "Accept, Accept-Encoding"
        assert "content-encoding" not in plain.headers
        packed = await site.get("/metrics", "Accept-Encoding: gzip")
        assert packed.headers["content-encoding"] == "gzip"
        assert len(packed.body) < len(plain.body) / 2
        families = meaning(gzip.decompress(packed.body))
        assert families["big"] == meaning(plain.body)["big"]
        asked = ("Accept: application/openmetrics-text", "Accept: text/plain;q=0.5")
        page = await site.get("/metrics", *asked)
        kind = "application/openmetrics-text; version=1.0.0; charset=utf-8"
        assert page.headers["content-type"] == kind
        assert meaning(page.body, openmetrics=True)["big"] == families["big"]

    run(lambda: Application([big]), test)


def test_scrapers_that_share_a_collection_share_the_packed_page() -> None:
    """And so does one that wants it plain."""
    rows = [((str(number),), number) for number in range(500)]
    hanging = Hanging("b")

    async def test(site: Site) -> None:
        clients = [await site.connect() for _ in range(3)]
        clients[0].ask("/metrics", "Accept-Encoding: gzip")
        await hangs(hanging)
        clients[1].ask("/metrics", "Accept-Encoding: gzip")
        clients[2].ask("/metrics")
        for _ in range(3):
            await site.get("/livez")
        hanging.released.set()
        first, second, plain = [await client.answer() for client in clients]
        assert first.body == second.body
        assert gzip.decompress(first.body) == plain.body
        assert hanging.calls == 1

    big = Steady("a", [Family("big", "B.", "gauge", ("x",), rows)])
    run(lambda: Application([big, hanging]), test)


def test_a_small_page_is_not_packed() -> None:
    """It would cost more than it saves."""

    async def test(site: Site) -> None:
        answer = await site.get("/metrics?collect[]=b", "Accept-Encoding: gzip")
        assert "content-encoding" not in answer.headers

    run(small, test)
