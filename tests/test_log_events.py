"""Alerts and security events: a record each, and a count that Prometheus sees."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from monitoring.correlation import correlation_context
from monitoring.log_events import METRICS, alert, security_event
from monitoring.log_performance import performance_context
from monitoring.structured_logging import configure
from tests.logs import counts


class Hostile:
    """A value whose texts cannot be had."""

    def __repr__(self) -> str:
        raise RuntimeError("no text here")

    __str__ = __repr__

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("nothing here")


class HostileMapping(Mapping[str, Any]):
    """A mapping that cannot be read."""

    def __getitem__(self, key: str) -> Any:
        raise RuntimeError("no value here")

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no keys here")

    def __len__(self) -> int:
        return 1

    def __repr__(self) -> str:
        return "unreadable"


@pytest.fixture
def stream(stream: io.StringIO) -> io.StringIO:
    """Where the log goes, which is configured so."""
    configure(stream=stream)
    return stream


def alerts() -> dict[tuple[str, ...], Any]:
    """The counted alerts of this process."""
    return counts(METRICS, "perfwatch_log_alerts_total")


@pytest.mark.parametrize("severity", ["info", "warning", "critical"])
def test_an_alert_is_a_record_and_a_count_for_each_channel(severity: str) -> None:
    """The level of the record is the severity."""
    name = f"queue full, {severity}"
    for number in (1, 2):
        with capture_logs() as records:
            alert(name, {"length": 5}, alert_channels=["ops", "mail", "ops"], severity=severity)
        [record] = records
        assert record == {
            "event": name,
            "log_level": severity,
            "data": {"length": 5, "alert_channels": ["ops", "mail"], "severity": severity},
        }
        for channel in ("ops", "mail"):
            assert alerts()[(name, severity, channel)] == number


@pytest.mark.parametrize(
    ("channels", "found"),
    [
        ("ops", ["ops"]),
        (b"ops", ["ops"]),
        ((), ["default"]),
        (None, ["None"]),
        (7, ["7"]),
        (Hostile(), ["<Hostile>"]),
        ([1, Hostile(), "a\nb"], ["1", "<Hostile>", "a?b"]),
        (iter(int, 1), ["0"]),
    ],
)
def test_any_channels_will_do(channels: Any, found: list[str]) -> None:
    """Also one alone, none, endless ones and nonsense: the alert is counted once for each."""
    before = alerts()
    with capture_logs() as records:
        alert("odd channels", alert_channels=channels)
    assert records[0]["data"]["alert_channels"] == found
    for channel in found:
        key = ("odd channels", "warning", channel)
        assert alerts()[key] == before.get(key, 0) + 1


def test_an_alert_without_more_goes_to_the_default_channel() -> None:
    """As a warning."""
    with capture_logs() as records:
        alert("plain")
    assert records[0]["log_level"] == "warning"
    assert alerts()[("plain", "warning", "default")] == 1


def test_a_security_event_is_a_record_and_a_count() -> None:
    """The kind cannot be forged by the data."""
    for number in (1, 2):
        with capture_logs() as records:
            security_event("login_failed", {"user": "ann", "kind": "none"})
        assert records == [
            {
                "event": "security event",
                "log_level": "warning",
                "data": {"user": "ann", "kind": "login_failed"},
            }
        ]
        counted = counts(METRICS, "perfwatch_security_events_total")
        assert counted[("login_failed",)] == number


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (None, {}),
        ([1, 2], {"value": [1, 2]}),
        ("text", {"value": "text"}),
        (HostileMapping(), {"value": "unreadable"}),
    ],
)
def test_any_data_will_do(data: Any, found: dict[str, Any]) -> None:
    """What is no mapping is the value; what cannot be read is its text."""
    with capture_logs() as records:
        security_event("odd_data", data)
    assert records[0]["data"] == found | {"kind": "odd_data"}


def test_odd_names_are_made_texts() -> None:
    """Their labels are printable and short."""
    with capture_logs() as records:
        alert(Hostile())  # type: ignore[arg-type]
        alert("a\nb" * 100)
        security_event(b"raw")  # type: ignore[arg-type]
    assert records[0]["event"] == "<Hostile>"
    assert records[1]["event"] == ("a?b" * 100)[:128]
    assert ("raw",) in counts(METRICS, "perfwatch_security_events_total")


def test_an_unknown_severity_is_refused() -> None:
    """Nothing is logged or counted then."""
    with capture_logs() as records:
        with pytest.raises(ValueError, match="info, warning, critical, got 'fatal'"):
            alert("never", severity="fatal")
        with pytest.raises(ValueError, match="info, warning, critical, got 'error'"):
            security_event("never", severity="error")
    assert not records
    assert ("never", "fatal", "default") not in alerts()


def test_each_goes_to_its_logger(stream: io.StringIO) -> None:
    """They can be told apart and sent elsewhere by the logger's name."""
    alert("a")
    alert("b", logger="shop.alerts")
    security_event("c")
    security_event("d", severity="critical", logger="shop.security")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["logger"], line["level"], line["message"]) for line in lines] == [
        ("alert", "warning", "a"),
        ("shop.alerts", "warning", "b"),
        ("security", "warning", "security event"),
        ("shop.security", "critical", "security event"),
    ]


def test_an_operation_within_a_context_is_one_line(stream: io.StringIO) -> None:
    """Its figures stand beside its data, and the ids above both; so does the alert's line."""
    with (
        correlation_context("ann") as ids,
        performance_context("import", alert_threshold_ms=0) as operation,
    ):
        operation.records_processed = 5
    done, slow = (json.loads(line) for line in stream.getvalue().splitlines())
    assert ids.items() <= done.items()
    assert ids.items() <= slow.items()
    assert (done["logger"], done["message"]) == ("performance", "operation finished")
    assert done["data"] == {"records_processed": 5, "operation": "import", "status": "ok"}
    assert {"duration_ms", "cpu_ms", "memory_usage_mb"} <= set(done["performance"])
    assert slow["data"]["duration_ms"] == done["performance"]["duration_ms"]
