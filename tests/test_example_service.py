"""docs/examples/service.py, the service that people copy from: started, asked, scraped, stopped."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitoring.structured_logging import StructuredLogger, configure, correlation_ids
from tests.child import PATIENCE_SECONDS, REPOSITORY, Child
from tests.daemon import Response
from tests.logs import logging_put_back

EXAMPLE = REPOSITORY / "docs" / "examples" / "service.py"

MAX_LINES = 66
"""Blank ones aside: what is longer is not read."""

SHORT_GRACE = 3
"""Seconds, of which one is for requests."""

ORDER = b"""POST /orders/pear HTTP/1.1\r
Host: shop\r
Content-Length: 8\r
Expect: 100-continue\r
\r
"""


class Example(Child):
    """The running example; the test's own log tells what it was asked."""

    port = 0

    def __init__(self, folder: Path, grace_seconds: int, log: StructuredLogger) -> None:
        command = [sys.executable, str(EXAMPLE), str(folder), "0", str(grace_seconds)]
        super().__init__(command)
        self._log = log

    def wait_until_ready(self) -> None:
        """Learn the port that the kernel chose from uvicorn's own record."""
        self.port = self.wait_for_lines(_find_port, "the port")
        self._log.info("example started", process=self.pid, port=self.port)

    def ask(
        self, path: str, *, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> Response:
        """Send one request; its request id is the test's correlation id."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named["x-request-id"] = correlation_ids()["correlation_id"]
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        with contextlib.closing(connection):
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            response = Response(answer.status, answer.headers, answer.read())
        self._log.info("example answered", path=path, status=response.status, body=response.text)
        return response

    @contextlib.contextmanager
    def order_in_flight(self) -> Iterator[tuple[socket.socket, BinaryIO]]:
        """An order that the service has begun to serve, and whose eight bytes it waits for."""
        address = ("127.0.0.1", self.port)
        with (
            socket.create_connection(address, PATIENCE_SECONDS) as client,
            client.makefile("rb") as answer,
        ):
            client.sendall(ORDER)
            assert answer.readline() == b"HTTP/1.1 100 Continue\r\n"
            assert answer.readline() == b"\r\n"
            self._log.info("order in flight")
            yield client, answer

    def stop(self, *, until: str) -> None:
        """Send SIGTERM, and wait until a message was logged."""
        self.signal()
        phrase = f'"message": "{until}"'
        self.wait_for_lines(lambda lines: phrase in "\n".join(lines) or None, phrase)
        self._log.info("example stopping", logged=until)

    def records(self, **values: str) -> list[dict[str, Any]]:
        """The records so far with these values; every line is one."""
        records = [json.loads(line) for line in self.log_lines()]
        return [record for record in records if values.items() <= record.items()]

    def outcome(self) -> tuple[str, list[tuple[str, str]]]:
        """Why it stopped, and what became of its cleanups."""
        [stopped] = self.records(message="stopped")
        data = stopped["data"]
        return data["reason"], [(one["name"], one["status"]) for one in data["cleanups"]]


ORDERLY = ("SIGTERM", [("finish_requests", "ok"), ("CleanupService", "ok")])


def _find_port(lines: Sequence[str]) -> int | None:
    found = re.search(r"running on http://127\.0\.0\.1:([0-9]+)", "\n".join(lines))
    return int(found[1]) if found else None


@pytest.fixture
def start(tmp_path: Path, monitored_test: StructuredLogger) -> Iterator[Callable[[int], Example]]:
    """Start the example, with orders in the test's folder; pytest shows the log of a failure."""
    with logging_put_back(), contextlib.ExitStack() as stack:
        configure("console", stream="stdout")

        def start(grace_seconds: int) -> Example:
            service = stack.enter_context(Example(tmp_path, grace_seconds, monitored_test))
            service.wait_until_ready()
            return service

        yield start


@pytest.fixture
def example(start: Callable[[int], Example]) -> Example:
    """The example, ready for requests, with a grace period that no test needs."""
    return start(20)


def test_the_example_is_short() -> None:
    """About sixty lines."""
    lines = EXAMPLE.read_text().splitlines()
    assert len([line for line in lines if line.strip()]) <= MAX_LINES


def test_all_lines_of_a_request_have_the_id_that_was_returned(
    example: Example, tmp_path: Path
) -> None:
    """And the request id of the caller; what the caller keeps secret is not among them."""
    response = example.ask(
        "/orders/pear", method="POST", body=b"a ripe one", authorization="Bearer h4rd-t0-gu3ss"
    )
    assert (response.status, response.text) == (201, "thank you\n")
    order = response.headers["x-correlation-id"]
    assert (tmp_path / f"order-{order}.txt").read_bytes() == b"a ripe one"
    example.signal()
    assert example.wait() == 0
    mine = correlation_ids()["correlation_id"]
    finished, taken = example.records(correlation_id=order, request_id=mine)
    assert finished["message"] == "operation finished"
    assert finished["data"] == {"operation": "file order", "status": "ok", "size": 10}
    assert finished["performance"]["duration_ms"] > 0
    assert taken["message"] == "order taken"
    assert taken["data"]["item"] == "pear"
    assert taken["data"]["headers"]["authorization"] == "[redacted]"
    assert "h4rd-t0-gu3ss" not in "\n".join(example.log_lines())


def test_the_log_of_a_test_tells_what_it_did(
    example: Example, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the id that the service's own records have as the request's, so that both are found."""
    configure(stream="stdout")
    example.ask("/orders/apple", method="POST")
    [line] = capsys.readouterr().out.splitlines()
    answered = json.loads(line)
    assert answered["logger"] == "test.test_the_log_of_a_test_tells_what_it_did"
    assert answered["message"] == "example answered"
    assert answered["data"] == {"path": "/orders/apple", "status": 404, "body": "only pears\n"}
    example.signal()
    assert example.wait() == 0
    [refused] = example.records(message="security event")
    assert refused["request_id"] == answered["correlation_id"]


def test_the_metrics_are_those_of_all_parts(example: Example) -> None:
    """Requests, security events, health checks and the cleanup, on one page."""
    assert example.ask("/orders/apple", method="POST").status == 404
    assert "disk" in example.ask("/health").json["checks"]
    page = example.ask("/metrics").text
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }
    refused = (("code", "404"), ("handler", "/orders/{item}"), ("method", "POST"))
    assert samples["shop_http_requests_total", refused] == 1
    assert samples["shop_http_request_duration_seconds_count", refused] == 1
    assert samples["perfwatch_security_events_total", (("kind", "unknown_item"),)] == 1
    assert ("perfwatch_health_check_status", (("check", "disk"),)) in samples
    assert samples["perfwatch_cleanup_dry_run", ()] == 0
    assert ("perfwatch_cleanup_next_run_timestamp_seconds", ()) in samples


def test_health_is_answered(example: Example) -> None:
    """With each check, and a status code that says the same."""
    health = example.ask("/health")
    assert health.json["summary"]["total"] == 1
    is_full = health.json["checks"]["disk"]["status"] == "critical"
    assert health.status == (503 if is_full else 200), "of the machine's own disk"


def test_sigterm_ends_it_in_an_orderly_way(example: Example) -> None:
    """The cleanup service is stopped, the log says so, and the exit code is 0."""
    example.signal()
    assert example.wait() == 0
    assert example.outcome() == ORDERLY


def test_a_request_in_flight_is_finished(example: Example, tmp_path: Path) -> None:
    """Its customer gets the answer before the connection is closed."""
    with example.order_in_flight() as (client, answer):
        example.stop(until="Shutting down")
        client.sendall(b"two ripe")
        assert answer.read().startswith(b"HTTP/1.1 201 ")
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"two ripe"]
    assert example.wait() == 0
    assert example.outcome() == ORDERLY
    messages = [record["message"] for record in example.records()]
    assert messages.index("order taken") < messages.index("stopped"), "nothing it needs is closed"


def test_a_request_that_never_ends_is_ended_in_time(start: Callable[[int], Example]) -> None:
    """Early enough for what is closed after it: no cleanup fails, nothing is ended by force."""
    example = start(SHORT_GRACE)
    with example.order_in_flight() as (_, answer):
        example.signal()
        assert answer.read().startswith(b"HTTP/1.1 500 ")
    assert example.wait() == 0
    assert example.outcome() == ORDERLY


def test_a_second_signal_ends_it_at_once(example: Example) -> None:
    """Although a request is in flight, whose time is not over."""
    with example.order_in_flight():
        example.stop(until="stopping")
        example.signal(signal.SIGTERM)
        assert example.wait() == 143
    assert example.records(message="stopped") == []
