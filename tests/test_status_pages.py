"""The pages about the daemon's state: probes, health as JSON, and the landing page."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from exporter.web.app import LIVENESS, READINESS
from exporter.web.landing import format_duration
from tests.acting import Absent, Hanging, Raising, Steady
from tests.engines import hangs
from tests.serving import Application, Site, run_with_site, small_application


def test_readiness_follows_the_life_and_liveness_does_not() -> None:
    """Starting and stopping are not ready; alive they are all the time."""

    async def main() -> None:
        application = small_application()
        async with application.serve() as site:
            for collected, stopping, word in (
                (False, False, "starting"),
                (True, False, "ready"),
                (True, True, "stopping"),
            ):
                application.status.collected_once = collected
                application.stopping = stopping
                for path in READINESS:
                    answer = await site.get(path)
                    assert answer.status == (200 if word == "ready" else 503)
                    assert answer.body == f"{word}\n".encode()
                health = await site.get("/health")
                assert health.status == (200 if word == "ready" else 503)
                assert json.loads(health.body)["checks"]["life"]["message"].endswith(word)
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

    run_with_site(lambda: Application([hanging]), test)


async def collectors(site: Site) -> dict[str, Any]:
    """What the health page says of each collector."""
    report = json.loads((await site.get("/health")).body)
    states: dict[str, Any] = report["checks"]["collectors"]["details"]["collectors"]
    return states


def test_the_state_of_each_collector_is_shown_and_nothing_is_markup() -> None:
    """What a kernel file or a collector's error contains is text on the page."""
    evil = "<script>alert('&')</script>"

    async def test(site: Site) -> None:
        fresh = await site.get("/")
        assert fresh.body.count(b"not collected yet") == 3
        assert (await collectors(site))["ok"] == {"status": "not collected yet"}
        await site.get("/metrics")
        page = (await site.get("/")).body.decode()
        assert "<script>" not in page
        assert "ValueError: &lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt;" in page
        assert ">ok</td>" in page
        assert ">no data</td>" in page
        health = await collectors(site)
        assert health["bad"]["reason"] == f"ValueError: {evil}"
        assert health["absent"]["status"] == "no data"
        assert health["ok"].keys() == {"status", "seconds"}

    run_with_site(
        lambda: Application([Steady("ok"), Raising("bad", ValueError(evil)), Absent("absent")]),
        test,
    )


def test_the_landing_page_says_when_nothing_is_enabled() -> None:
    """An empty table would leave the reader wondering."""

    async def test(site: Site) -> None:
        assert b"none is enabled" in (await site.get("/")).body
        assert (await site.get("/metrics")).status == 200

    run_with_site(Application, test)


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
