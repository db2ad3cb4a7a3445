"""The metrics page: selections, deadlines, formats and encodings."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.families import Family
from exporter.web.metrics import BadRequestError, deadline_seconds, select
from tests.acting import Hanging, Steady
from tests.engines import hangs, read
from tests.expositions import meaning
from tests.serving import Application, Site, run_with_site, small_application

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

    run_with_site(small_application, test)


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

    run_with_site(lambda: Application([Steady("a"), hanging]), test)


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

    run_with_site(lambda: Application([big]), test)


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
    run_with_site(lambda: Application([big, hanging]), test)


def test_a_small_page_is_not_packed() -> None:
    """It would cost more than it saves."""

    async def test(site: Site) -> None:
        answer = await site.get("/metrics?collect[]=b", "Accept-Encoding: gzip")
        assert "content-encoding" not in answer.headers

    run_with_site(small_application, test)
