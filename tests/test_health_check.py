"""Health checks: registering them, their report, and what a service answers with it."""

from __future__ import annotations

import asyncio
import io
import json
import os
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from monitoring.health_check import CheckResult, HealthMonitor, critical, healthy, warning
from monitoring.structured_logging import configure
from tests.expositions import values


class Reading:
    """A check that says what it is told to, and counts how often it was asked."""

    def __init__(self, said: Any = None) -> None:
        self.said = said
        self.calls = 0

    def __call__(self) -> Any:
        """Say it."""
        self.calls += 1
        return self.said


@pytest.fixture
def monitor() -> HealthMonitor:
    """A monitor without checks."""
    return HealthMonitor()


@pytest.fixture
def stream(stream: io.StringIO) -> io.StringIO:
    """Where the log goes, which is configured so."""
    configure(stream=stream)
    return stream


def logged(stream: io.StringIO) -> list[tuple[Any, ...]]:
    """Level, check, status and reason of each line, which are then forgotten."""
    records = [json.loads(line) for line in stream.getvalue().splitlines()]
    stream.seek(0)
    stream.truncate()
    return [
        (one["level"], one["data"]["check"], one["data"]["status"], one["data"]["reason"])
        for one in records
    ]


def exposed(monitor: HealthMonitor) -> dict[tuple[str, str], float]:
    """The metrics as a registry of prometheus_client gives them, by short name and check."""
    registry = CollectorRegistry()
    registry.register(monitor)
    return {
        (name.removeprefix("perfwatch_health_check_"), dict(labels)["check"]): number
        for (name, labels), number in values(generate_latest(registry)).items()
    }


def test_nothing_is_registered_at_first(monitor: HealthMonitor) -> None:
    """A service without checks is healthy."""
    assert monitor.last_report is None
    report = monitor.run_all_checks()
    assert report["overall_status"] == "healthy"
    assert report["checks"] == {}
    assert report["summary"] == {"healthy": 0, "warning": 0, "critical": 0, "total": 0}
    assert monitor.last_report == report


def test_a_report_has_everything_of_each_check(monitor: HealthMonitor) -> None:
    """In the order of registration, with times in UTC, and JSON takes it."""

    @monitor.register_check("stock")
    def stock() -> CheckResult:
        return healthy("enough", pieces=7)

    @monitor.register_check("till", critical=False)
    async def till() -> CheckResult:
        return warning("nearly full")

    before = datetime.now(UTC)
    report = json.loads(json.dumps(monitor.run_all_checks(), allow_nan=False))
    moments = [report["timestamp"]]
    for check in report["checks"].values():
        assert check.pop("duration_seconds") >= 0
        moments.append(check.pop("checked_at"))
    for moment in moments:
        assert moment.endswith("Z")
        taken = datetime.fromisoformat(moment)
        # Milliseconds are cut off.
        assert before.replace(microsecond=before.microsecond // 1000 * 1000) <= taken
        assert taken <= datetime.now(UTC)
    assert list(report["checks"]) == ["stock", "till"]
    assert report["checks"]["stock"] == {
        "status": "healthy",
        "message": "enough",
        "details": {"pieces": 7},
        "critical": True,
        "cached": False,
    }
    assert report["checks"]["till"]["critical"] is False
    assert report["summary"] == {"healthy": 1, "warning": 1, "critical": 0, "total": 2}


@pytest.mark.parametrize(
    ("said", "important", "overall"),
    [
        ([True, None], True, "healthy"),
        ([True, warning()], True, "warning"),
        ([warning(), critical(), True], True, "critical"),
        ([critical(), True], False, "warning"),
    ],
)
def test_the_whole_is_as_bad_as_the_worst(
    monitor: HealthMonitor, said: list[Any], important: bool, overall: str
) -> None:
    """A check that is not critical lowers it to a warning, though it is critical itself."""
    for number, result in enumerate(said):
        monitor.register_check(f"c{number}", critical=important)(Reading(result))
    report = monitor.run_all_checks()
    assert report["overall_status"] == overall
    worst = [getattr(one, "status", "healthy") for one in said]
    assert [check["status"] for check in report["checks"].values()] == worst
    assert monitor.http_status(report) == (503 if overall == "critical" else 200)


def test_a_registered_function_stays_as_it_is(monitor: HealthMonitor) -> None:
    """The decorator gives it back, so that it can be called and tested by itself."""
    reading = Reading(healthy("yes"))
    assert monitor.register_check("reading")(reading) is reading


def test_a_name_can_be_registered_once(monitor: HealthMonitor) -> None:
    """Two checks of one name would be one in the report; unregistered, the name is free again."""
    monitor.register_check("stock")(Reading())
    with pytest.raises(ValueError, match="'stock' is registered already"):
        monitor.register_check("stock")(Reading())
    monitor.unregister_check("stock")
    assert monitor.run_all_checks()["checks"] == {}
    monitor.register_check("stock")(Reading())
    assert list(monitor.run_all_checks()["checks"]) == ["stock"]


def test_an_unknown_name_cannot_be_unregistered(monitor: HealthMonitor) -> None:
    """A spelling mistake does not go unnoticed."""
    with pytest.raises(ValueError, match="no check named 'stok'"):
        monitor.unregister_check("stok")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"timeout": 0}, "timeout must be more than 0 seconds, got 0"),
        ({"timeout": float("inf")}, "timeout must be more than 0 seconds, got inf"),
        ({"timeout": True}, "got True"),
        ({"timeout": "5"}, "got '5'"),
        ({"cache_seconds": -1}, "cache_seconds must be 0 or more seconds, got -1"),
        ({"cache_seconds": float("nan")}, "got nan"),
        ({"name": ""}, "with a name; got ''"),
        ({"name": Reading()}, r"write @monitor.register_check\(\"name\"\)"),
    ],
)
def test_a_setting_out_of_range_is_refused(
    monitor: HealthMonitor, arguments: dict[str, Any], says: str
) -> None:
    """The decorator without a name is one of these mistakes."""
    with pytest.raises(ValueError, match=says):
        monitor.register_check(**{"name": "stock", **arguments})


def test_what_cannot_be_called_is_no_check(monitor: HealthMonitor) -> None:
    """Found when it is registered, not at each run."""
    with pytest.raises(ValueError, match="'stock' must be a function, got 7"):
        monitor.register_check("stock")(7)  # type: ignore[type-var]


def test_liveness_runs_no_check(monitor: HealthMonitor) -> None:
    """A process that answers lives, whatever else is wrong."""
    reading = Reading(False)
    monitor.register_check("stock")(reading)
    status = monitor.get_liveness_status()
    assert status.keys() == {"status", "timestamp", "uptime_seconds"}
    assert (status["status"], reading.calls) == ("healthy", 0)
    assert status["uptime_seconds"] >= 0
    assert monitor.http_status(status) == 200


def test_readiness_names_the_failing_critical_checks(monitor: HealthMonitor) -> None:
    """With their reasons; neither a warning nor a check that is not critical is one of them."""
    monitor.register_check("stock")(Reading(critical("sold out")))
    monitor.register_check("till")(Reading(warning("nearly full")))
    monitor.register_check("music", critical=False)(Reading(False))
    status = monitor.get_readiness_status()
    assert (status["status"], status["failing"]) == ("not ready", {"stock": "sold out"})
    assert monitor.http_status(status) == 503
    monitor.unregister_check("stock")
    status = monitor.get_readiness_status()
    assert (status["status"], status["failing"]) == ("ready", {})
    assert monitor.http_status(status) == 200


def test_a_given_report_is_used_instead_of_a_run() -> None:
    """As asyncio's users do it, who await the run."""
    monitor = HealthMonitor(info={"version": "1.2", "password": "Sesam77"})
    reading = Reading(False)
    monitor.register_check("stock")(reading)
    report = asyncio.run(monitor.arun_all_checks())
    readiness = monitor.get_readiness_status(report)
    detailed = monitor.get_detailed_status(report)
    assert reading.calls == 1
    assert readiness["status"] == "not ready"
    assert readiness["timestamp"] == report["timestamp"]
    assert detailed.items() >= report.items()
    assert detailed["process_id"] == os.getpid()
    assert detailed["info"] == {"version": "1.2", "password": "[redacted]"}
    assert detailed["uptime_seconds"] >= 0
    assert monitor.http_status(detailed) == 503


def test_the_detailed_status_runs_the_checks_when_it_has_no_report(monitor: HealthMonitor) -> None:
    """For services that are not asynchronous."""
    monitor.register_check("stock")(Reading())
    assert monitor.get_detailed_status()["checks"]["stock"]["status"] == "healthy"


def test_each_change_of_status_is_logged_once(monitor: HealthMonitor, stream: io.StringIO) -> None:
    """Not each run, and nothing for what is well from the start."""
    reading = Reading()
    monitor.register_check("stock")(reading)
    steps: list[tuple[Any, list[tuple[str, str, str, str]]]] = [
        (healthy(), []),
        (warning("few"), [("warning", "stock", "warning", "few")]),
        (warning("fewer"), []),
        (critical("none"), [("error", "stock", "critical", "none")]),
        (critical("still none"), []),
        (warning("some"), [("info", "stock", "warning", "some")]),
        (healthy("many"), [("info", "stock", "healthy", "many")]),
    ]
    for said, expected in steps:
        reading.said = said
        monitor.run_all_checks()
        assert logged(stream) == expected


def test_a_check_that_is_not_critical_logs_no_error(
    monitor: HealthMonitor, stream: io.StringIO
) -> None:
    """It costs some comfort, and is worth a warning."""
    monitor.register_check("music", critical=False)(Reading(critical("silent")))
    monitor.run_all_checks()
    assert logged(stream) == [("warning", "music", "critical", "silent")]


def test_metrics_show_the_last_result_of_each_check(monitor: HealthMonitor) -> None:
    """A check that has not run is absent, and one that is forgotten vanishes."""
    readings = {"a": True, "b": warning(), "c": False}
    for name, said in readings.items():
        monitor.register_check(name)(Reading(said))
    assert exposed(monitor) == {}
    before = datetime.now(UTC).timestamp()
    monitor.run_all_checks()
    page = exposed(monitor)
    assert [page["status", name] for name in readings] == [0, 1, 2]
    for name in readings:
        assert page["duration_seconds", name] >= 0
        assert page["last_run_timestamp_seconds", name] >= before
    monitor.unregister_check("a")
    assert ("status", "a") not in exposed(monitor)
    assert "0 healthy, 1 warning, 2 critical" in next(iter(monitor.families())).help


def test_metrics_are_built_anew_only_after_a_run(monitor: HealthMonitor) -> None:
    """A scrape costs nothing as long as nothing has changed."""
    reading = Reading()
    monitor.register_check("stock")(reading)
    monitor.run_all_checks()
    assert monitor.families() is monitor.families()
    reading.said = False
    monitor.run_all_checks()
    assert exposed(monitor)["status", "stock"] == 2
