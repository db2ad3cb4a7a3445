"""The HTTP application: which path is answered by what."""

from __future__ import annotations

import pytest

from exporter.web.app import LIVENESS, READINESS
from tests.acting import Steady
from tests.serving import Application, Site, run_with_site, small_application

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

    run_with_site(small_application, test)


@pytest.mark.parametrize("path", NOT_FOUND)
def test_everything_else_is_not_found(path: str) -> None:
    """No redirect, no file, no second spelling of the page."""

    async def test(site: Site) -> None:
        answer = await site.get(path)
        assert (answer.status, answer.body) == (404, b"Not Found\n")

    run_with_site(small_application, test)


def test_the_metrics_page_may_lie_elsewhere() -> None:
    """Then /metrics is no page."""

    async def test(site: Site) -> None:
        assert b"a_value" in (await site.get("/node/stats")).body
        assert (await site.get("/metrics")).status == 404
        assert b'href="/node/stats"' in (await site.get("/")).body

    run_with_site(lambda: Application([Steady("a")], telemetry_path="/node/stats"), test)
