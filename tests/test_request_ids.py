"""The ids of a request: taken from the client or made, in every log line, and in the answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from typing import Any

import pytest

from monitoring.structured_logging import StructuredLogger, configure
from tests.acting import Hanging, Raising, Steady
from tests.engines import hangs, until
from tests.logs import logging_put_back, records
from tests.serving import Application, Site, run_with_site, small_application

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"traceparent: 00-{TRACE}-00f067aa0ba902b7-01"
MADE = re.compile(r"[0-9a-f]{32}")

log = StructuredLogger("test")


class Logging(Steady):
    """Logs in the engine's thread."""

    def collect(self) -> Iterable[Any]:
        """Log and give the families."""
        log.info("collecting", collector=self.name)
        return super().collect()


def ids(record: dict[str, Any]) -> tuple[str | None, str | None]:
    """Correlation and request id of a log line."""
    return record.get("correlation_id"), record.get("request_id")


@pytest.mark.parametrize("path", ["/metrics", "/livez", "/nothing", "/-/reload", "/health"])
def test_a_request_without_an_id_gets_one(path: str) -> None:
    """On every path, and another one each time."""

    async def test(site: Site) -> None:
        first, second = [(await site.get(path)).headers for _ in "xy"]
        assert MADE.fullmatch(first["x-request-id"])
        assert MADE.fullmatch(second["x-request-id"])
        assert first["x-request-id"] != second["x-request-id"]
        assert "traceparent" not in first

    run_with_site(small_application, test)


def test_the_ids_of_the_client_come_back() -> None:
    """The request's as it is, the trace's with a span of ours."""

    async def test(site: Site) -> None:
        answer = await site.get("/livez", "X-Request-ID: job-17/a", TRACEPARENT)
        assert answer.headers["x-request-id"] == "job-17/a"
        version, trace, span, flags = answer.headers["traceparent"].split("-")
        assert (version, trace, flags) == ("00", TRACE, "01")
        assert span != "00f067aa0ba902b7"

    run_with_site(small_application, test)


@pytest.mark.parametrize(
    "wrong",
    [
        "X-Request-ID: a b",
        "X-Request-ID: " + "a" * 129,
        'X-Request-ID: "},{"level":"info"',
        "traceparent: 00-0-0-0",
        f"traceparent: ff-{TRACE}-00f067aa0ba902b7-01",
        f"traceparent: 00-{TRACE.upper()}-00f067aa0ba902b7-01",
    ],
)
def test_what_is_no_id_is_replaced(wrong: str) -> None:
    """A client can neither forge a log line nor fill one."""

    async def test(site: Site) -> None:
        answer = await site.get("/livez", wrong)
        assert MADE.fullmatch(answer.headers["x-request-id"])
        assert "traceparent" not in answer.headers

    run_with_site(small_application, test)


def test_all_lines_of_a_scrape_have_its_ids() -> None:
    """Those of the collectors' thread, and those about their outcome."""

    async def test(site: Site) -> None:
        with logging_put_back() as stream:
            configure(stream=stream, loggers={"uvicorn.error": "error"})
            await site.get("/metrics", "X-Request-ID: one", TRACEPARENT)
            await site.get("/metrics", "X-Request-ID: two")
        lines = [(record["message"], *ids(record)) for record in records(stream.getvalue())]
        assert lines == [
            ("collecting", TRACE, "one"),
            ("collector failed", TRACE, "one"),
            ("collecting", "two", "two"),
        ]

    run_with_site(lambda: Application([Logging("a"), Raising("b", ValueError("no"))]), test)


def test_scrapes_in_the_queue_keep_their_own_ids() -> None:
    """Whoever's end lets the next one begin does not lend it its ids."""
    hanging = Hanging("a", before=lambda: log.info("hangs"))

    async def main() -> None:
        application = Application([hanging, Logging("b")])
        async with application.serve() as site:
            first, second = await site.connect(), await site.connect()
            with logging_put_back() as stream:
                configure(stream=stream, loggers={"uvicorn.error": "error"})
                first.ask("/metrics", "X-Request-ID: one")
                await hangs(hanging)
                second.ask("/metrics?collect[]=b", "X-Request-ID: two")
                await until(lambda: len(application.engine._queue) == 1)
                hanging.released.set()
                assert [(await client.answer()).status for client in (first, second)] == [200, 200]
            lines = [(record["message"], *ids(record)) for record in records(stream.getvalue())]
            assert lines == [
                ("hangs", "one", "one"),
                ("collecting", "one", "one"),
                ("collecting", "two", "two"),
            ]

    asyncio.run(main())


def test_what_is_logged_of_a_failed_request_has_its_id() -> None:
    """The client's answer names the id under which the log has the reason."""

    async def reload() -> str:
        raise ZeroDivisionError("a bug")

    async def test(site: Site) -> None:
        with logging_put_back() as stream:
            configure(stream=stream, loggers={"uvicorn.error": "error"})
            answer = await site.get("/-/reload", method="POST")
        [record] = records(stream.getvalue())
        assert record["message"] == "request failed"
        assert record["request_id"] == answer.headers["x-request-id"]

    run_with_site(lambda: Application(reload=reload), test)
