"""docs/examples/service.py, the service that people copy from: started, asked, scraped, stopped."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.child import PATIENCE_SECONDS, REPOSITORY, Child
from tests.daemon import Response

EXAMPLE = REPOSITORY / "docs" / "examples" / "service.py"

MAX_LINES = 60
"""Blank ones aside: what is longer is not read."""


class Example(Child):
    """The running example."""

    port = 0

    def __init__(self, folder: Path) -> None:
        super().__init__([sys.executable, str(EXAMPLE), str(folder), "0"])

    def wait_until_ready(self) -> None:
        """Learn the port that the kernel chose from uvicorn's own record."""
        self.port = self.wait_for_lines(_find_port, "the port")

    def ask(self, path: str, *, method: str = "GET", **headers: str) -> Response:
        """Send one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        with contextlib.closing(connection):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=named)
            response = connection.getresponse()
            return Response(response.status, response.headers, response.read())

    def records(self, **ids: str) -> list[dict[str, Any]]:
        """The records so far with these ids; every line is one."""
        records = [json.loads(line) for line in self.log_lines()]
        return [record for record in records if ids.items() <= record.items()]


def _find_port(lines: Sequence[str]) -> int | None:
    found = re.search(r"running on http://127\.0\.0\.1:([0-9]+)", "\n".join(lines))
    return int(found[1]) if found else None


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Example]:
    """The example, ready for requests; its receipts are in the test's folder."""
    with Example(tmp_path) as service:
        service.wait_until_ready()
        yield service


def test_the_example_is_short() -> None:
    """About fifty lines."""
    lines = EXAMPLE.read_text().splitlines()
    assert len([line for line in lines if line.strip()]) <= MAX_LINES


def test_all_lines_of_a_request_have_the_id_that_was_returned(
    example: Example, tmp_path: Path
) -> None:
    """And the request id of the caller; what the caller keeps secret is not among them."""
    response = example.ask(
        "/orders/pear", method="POST", x_request_id="r-1", authorization="Bearer h4rd-t0-gu3ss"
    )
    assert (response.status, response.text) == (201, "thank you\n")
    order = response.headers["x-correlation-id"]
    assert (tmp_path / f"receipt-{order}.txt").read_text() == "one pear\n"
    example.signal()
    assert example.wait() == 0
    finished, taken = example.records(correlation_id=order, request_id="r-1")
    assert finished["message"] == "operation finished"
    assert finished["data"] == {"operation": "write receipt", "status": "ok", "characters": 9}
    assert finished["performance"]["duration_ms"] > 0
    assert taken["message"] == "order taken"
    assert taken["data"]["item"] == "pear"
    assert taken["data"]["headers"]["authorization"] == "[redacted]"
    assert "h4rd-t0-gu3ss" not in "\n".join(example.log_lines())


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


def test_health_and_readiness_answer(example: Example) -> None:
    """In the forms that the library gives them."""
    health, ready = example.ask("/health"), example.ask("/ready")
    assert health.json["summary"]["total"] == 1
    is_full = health.json["checks"]["disk"]["status"] == "critical"
    assert health.status == ready.status == (503 if is_full else 200), "of the machine's own disk"
    assert ready.json["status"] == ("not ready" if is_full else "ready")


def test_sigterm_ends_it_in_an_orderly_way(example: Example) -> None:
    """The cleanup service is stopped, the log says so, and the exit code is 0."""
    example.signal()
    assert example.wait() == 0
    [stopped] = [record for record in example.records() if record["message"] == "stopped"]
    assert [(one["name"], one["status"]) for one in stopped["data"]["cleanups"]] == [
        ("CleanupService", "ok")
    ]
