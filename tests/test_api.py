"""The API for operators: bounded, in JSON, and without secrets."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import json
import re
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from starlette.applications import Starlette

from exporter.addresses import Address
from exporter.describe_settings import describe_settings
from exporter.settings import build
from exporter.web.api import DESCRIPTION_PATH, PREFIX, Sources, openapi, routes
from exporter.web.requests import RequestLayer
from monitoring import structured_logging
from tests.daemon import start_daemon
from tests.serving import Answer, Site, serving

PAGES = [f"{PREFIX}/{field.name}" for field in dataclasses.fields(Sources)]
STATUS = f"{PREFIX}/status"

SECRETS = {
    "password": "hunter2-of-tests",
    "auth": {"api_key": "key-of-tests", "headers": {"Authorization": "Bearer bearer-of-tests"}},
    "reason": "could not connect to postgresql://perfwatch:dsn-of-tests@db.example.com/iris",
}
PLANTED = ("hunter2-of-tests", "key-of-tests", "bearer-of-tests", "dsn-of-tests")


def hello() -> dict[str, Any]:
    """Give what any source may give."""
    return {"hello": "world"}


STILL = Sources(status=hello, performance=hello, cleanup=hello, config=hello, system=hello)


def run_with_api(
    test: Callable[[Site], Coroutine[Any, Any, None]], sources: Sources = STILL
) -> None:
    """Run a test against the API as the daemon serves it."""

    async def main() -> None:
        async with serving(RequestLayer(Starlette(routes=routes(sources)))) as site:
            await test(site)

    asyncio.run(main())


def error_of(answer: Answer) -> dict[str, str]:
    """Give what an answer says went wrong."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    error: dict[str, str] = json.loads(answer.body)["error"]
    return error


@pytest.fixture
def log() -> Iterator[Callable[[str], list[dict[str, Any]]]]:
    """What was logged under a message, as records."""
    stream = io.StringIO()
    structured_logging.configure(stream=stream)

    def find(message: str) -> list[dict[str, Any]]:
        records = [json.loads(line) for line in stream.getvalue().splitlines()]
        return [record for record in records if record["message"] == message]

    yield find
    structured_logging.configure()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_json_that_nobody_keeps(path: str) -> None:
    """Whatever the query says; HEAD has the same headers and no body."""

    async def test(site: Site) -> None:
        client = await site.connect()
        for target in (path, f"{path}?verbose=1&x[]=%00"):
            answer = await client.get(target)
            assert (answer.status, json.loads(answer.body)) == (200, {"hello": "world"})
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        head = await client.get(path, method="HEAD")
        assert head.headers.keys() == answer.headers.keys()
        assert head.headers["content-length"] == answer.headers["content-length"]
        assert (await client.get(path)).status == 200

    run_with_api(test)


@pytest.mark.parametrize("path", [*PAGES, DESCRIPTION_PATH])
@pytest.mark.parametrize(
    "method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"]
)
def test_the_api_can_only_be_read(path: str, method: str) -> None:
    """The refusal names what can be done instead."""

    async def test(site: Site) -> None:
        answer = await site.get(path, "Content-Length: 0", method=method)
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
        assert error_of(answer)["code"] == "method_not_allowed"

    run_with_api(test)


@pytest.mark.parametrize("path", ["/api/", "/api/v1/monitoring", f"{STATUS}/", f"{STATUS}x"])
def test_what_is_not_there_is_said_in_json(path: str) -> None:
    """With where to look, and under the id that the client gave."""

    async def test(site: Site) -> None:
        answer = await site.get(path, "X-Request-ID: the-clients")
        error = error_of(answer)
        assert (answer.status, error["code"]) == (404, "not_found")
        assert DESCRIPTION_PATH in error["message"]
        assert error["correlation_id"] == "the-clients"

    run_with_api(test)


def test_an_error_outside_of_any_request_layer_has_no_id() -> None:
    """What is not known is left out."""

    async def main() -> None:
        async with serving(Starlette(routes=routes(STILL))) as site:
            assert error_of(await site.get("/api/")).keys() == {"code", "message"}

    asyncio.run(main())


def test_the_openapi_file_is_served_as_it_is() -> None:
    """Under the media type that RFC 9512 registers."""

    async def test(site: Site) -> None:
        answer = await site.get(DESCRIPTION_PATH)
        assert (answer.status, answer.body) == (200, openapi())
        assert answer.headers["content-type"] == "application/yaml"

    run_with_api(test)


def bug() -> dict[str, Any]:
    """Raise."""
    raise LookupError("the inner workings")


async def bug_after_waiting() -> dict[str, Any]:
    """Raise later."""
    await asyncio.sleep(0)
    return bug()


@pytest.mark.parametrize("source", [bug, bug_after_waiting])
def test_a_source_that_fails_is_an_error_to_look_up(
    source: Callable[[], Any], log: Callable[[str], list[dict[str, Any]]]
) -> None:
    """The client learns the id under which the log has the reason; other pages go on."""

    async def test(site: Site) -> None:
        answer = await site.get(STATUS)
        error = error_of(answer)
        assert (answer.status, error["code"]) == (500, "failed")
        assert "'monitoring page failed' in the daemon's log" in error["message"]
        assert b"inner workings" not in answer.body
        [record] = log("monitoring page failed")
        assert error["correlation_id"] == answer.headers["x-request-id"]
        assert record["correlation_id"] == error["correlation_id"]
        assert record["data"] == {"page": "status", "reason": "LookupError: the inner workings"}
        assert (await site.get(PAGES[1])).status == 200

    run_with_api(test, dataclasses.replace(STILL, status=source))


class Waiting:
    """A source that waits until it is let go, and counts its runs."""

    def __init__(self) -> None:
        self.runs = 0
        self.go_on = asyncio.Event()
        self.finished = asyncio.Event()

    async def __call__(self) -> dict[str, Any]:
        """Give the number of the run."""
        self.runs += 1
        self.finished.clear()
        await self.go_on.wait()
        self.finished.set()
        return {"run": self.runs}


def test_a_source_that_waits_is_given_up_and_goes_on(
    log: Callable[[str], list[dict[str, Any]]],
) -> None:
    """It is not asked a second time meanwhile; the log says once that it is late."""

    async def main() -> None:
        waiting = Waiting()
        app = Starlette(routes=routes(dataclasses.replace(STILL, status=waiting)))
        async with serving(RequestLayer(app)) as site:
            for answer in await asyncio.gather(*(site.get(STATUS) for _ in range(3))):
                assert (answer.status, answer.headers["retry-after"]) == (503, "1")
                assert error_of(answer)["code"] == "late"
            assert waiting.runs == 1
            assert (await site.get(PAGES[1])).status == 200
            waiting.go_on.set()
            await waiting.finished.wait()
            answer = await site.get(STATUS)
            assert (answer.status, json.loads(answer.body)["run"]) in {(200, 1), (200, 2)}
            assert len(log("monitoring page late")) == 1
            waiting.go_on.clear()
            assert (await site.get(STATUS)).status == 503
            assert len(log("monitoring page late")) == 2
            waiting.go_on.set()

    asyncio.run(main())


@pytest.mark.parametrize("path", PAGES)
def test_no_answer_holds_a_secret(path: str) -> None:
    """Passwords, keys, headers and connection strings are left out wherever they stand."""

    def leaky() -> dict[str, Any]:
        return {"checks": [SECRETS], **SECRETS}

    async def test(site: Site) -> None:
        answer = await site.get(path)
        assert answer.status == 200
        assert [secret for secret in PLANTED if secret.encode() in answer.body] == []
        assert b"db.example.com" in answer.body

    run_with_api(test, Sources(*[leaky] * len(PAGES)))


def test_no_answer_of_the_daemon_holds_a_secret() -> None:
    """Neither one of its settings, nor one of its environment, nor one that a client sends."""
    password, _, bearer, _ = PLANTED
    env = {"PERFWATCH_LOG_ENVIRONMENT": str(SECRETS["reason"]), "IRIS_PASSWORD": password}
    headers = {"Authorization": f"Bearer {bearer}", "X-Request-ID": "the-clients"}
    with start_daemon(env=env) as daemon:
        for path in (f"/{password}?token={bearer}", *PAGES):
            answer = daemon.get(path, headers)
            assert [secret for secret in PLANTED if secret in answer.text] == []
        shown = json.loads(daemon.get(f"{PREFIX}/config").body)["log"]["environment"]
        assert shown.endswith("perfwatch:[redacted]@db.example.com/iris")


def test_settings_are_shown_as_they_would_be_written() -> None:
    """Addresses, patterns and lists are text; a collector without settings is an empty mapping."""
    settings = build(
        {
            "web.listen-address": (Address("::1", 1), Address("", 2)),
            "collector.filesystem.mount-points-exclude": re.compile("^/mnt"),
            "collector.loadavg": True,
        }
    )
    described = describe_settings(settings)
    assert json.loads(json.dumps(described)) == described
    assert described["web"]["listen_address"] == ["[::1]:1", ":2"]
    assert described["collectors"]["filesystem"]["mount_points_exclude"] == "^/mnt"
    assert described["collectors"]["loadavg"] == {}
    assert described["cleanup"]["max_bytes"] == 2**30
    assert described.keys() == {field.name for field in dataclasses.fields(settings)}
