"""The account of the cleanup: statistics, metrics and log lines."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from monitoring.cleanup import CleanupService
from monitoring.structured_logging import configure
from tests.leftovers import NOW, ActingClock, put, rule_for


class Counting:
    """A registry in which so many sessions are expired each time."""

    def __init__(self, expired: int) -> None:
        self.expired = expired

    def remove_expired(self, dry_run: bool) -> int:  # noqa: ARG002 -- the protocol's argument
        """Say how many."""
        return self.expired


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Where the log goes in a test; afterwards the process's logging is as it was."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.raiseExceptions
    stream = io.StringIO()
    configure(level="info", stream=stream)
    yield stream
    root.handlers[:], root.level, logging.raiseExceptions = before


def lines(stream: io.StringIO) -> list[tuple[str, str, dict[str, Any]]]:
    """Take the level, message and data of each record since the last call."""
    found = [json.loads(line) for line in stream.getvalue().splitlines()]
    stream.seek(0)
    stream.truncate()
    return [(one["level"], one["message"], one["data"]) for one in found]


def metrics(service: CleanupService) -> dict[str, float]:
    """What Prometheus would get, without the common beginning of the names."""
    registry = CollectorRegistry()
    registry.register(service)
    return {
        sample.name.removeprefix("perfwatch_cleanup_")
        + "".join(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
    }


@pytest.fixture
def service(tmp_path: Path) -> CleanupService:
    """A service with a folder of three files, of which it leaves one, and a registry."""
    for name in ("report-1", "report-2", "report-3"):
        put(tmp_path, name, size=5)
    service = CleanupService(now=lambda: NOW, clock=ActingClock(), max_seconds=1000)
    service.add_folder(rule_for(tmp_path, max_files=1))
    service.add_registry("sessions", Counting(4))
    return service


def test_statistics_are_sums_of_all_runs(service: CleanupService, tmp_path: Path) -> None:
    """With the reason of the last one, and what it left."""
    service.run_once()
    put(tmp_path, "report-4", 9999, size=1)
    service.run_once()
    found = service.statistics()
    assert json.loads(json.dumps(found)) == found
    assert found.pop("last_duration_seconds") > 0
    moment = datetime.fromtimestamp(NOW, UTC).replace(tzinfo=None)
    last = f"{moment.isoformat(timespec='milliseconds')}Z"
    assert found == {
        "dry_run": False,
        "runs": 2,
        "removed_files": 3,
        "removed_bytes": 11,
        "removed_entries": 8,
        "failures": 0,
        "last_run": last,
        "next_run": None,
        "rules": {
            "reports": {
                "folder": str(tmp_path),
                "removed_files": 3,
                "removed_bytes": 11,
                "failures": 0,
                "files": 1,
                "bytes": 5,
                "failing": False,
                "reason": "",
            }
        },
        "registries": {
            "sessions": {"removed_entries": 8, "failures": 0, "failing": False, "reason": ""}
        },
    }


def test_before_the_first_run_what_is_unknown_is_null(service: CleanupService) -> None:
    """And counters are zero."""
    found = service.statistics()
    assert (found["runs"], found["last_run"], found["last_duration_seconds"]) == (0, None, None)
    assert (found["rules"]["reports"]["files"], found["rules"]["reports"]["bytes"]) == (None, None)


def test_metrics_say_the_same(service: CleanupService) -> None:
    """In a registry of prometheus_client; what is unknown is absent."""
    begun = {
        "runs_total": 0,
        "dry_run": 0,
        "removed_files_totalreports": 0,
        "removed_bytes_totalreports": 0,
        "removed_entries_totalsessions": 0,
        "failures_totalreports": 0,
        "failures_totalsessions": 0,
    }
    assert metrics(service) == begun
    service.run_once()
    after = metrics(service)
    assert after.pop("last_duration_seconds") > 0
    assert after == begun | {
        "runs_total": 1,
        "removed_files_totalreports": 2,
        "removed_bytes_totalreports": 10,
        "removed_entries_totalsessions": 4,
        "filesreports": 1,
        "bytesreports": 5,
        "last_run_timestamp_seconds": NOW,
    }


def test_a_dry_run_says_so_in_the_metrics() -> None:
    """Its counters are of what would have been removed."""
    service = CleanupService(dry_run=True)
    assert metrics(service) == {"runs_total": 0, "dry_run": 1}


def test_metrics_are_built_once_for_each_change(service: CleanupService, tmp_path: Path) -> None:
    """A scrape between two runs costs nothing."""
    first = service.families()
    assert service.families() is first
    service.run_once()
    second = service.families()
    assert second is not first
    assert service.families() is second
    service.add_folder(rule_for(tmp_path, name="more"))
    assert service.families() is not second


def test_the_next_run_is_told_while_the_thread_waits() -> None:
    """As a date, from the start to the stop."""
    service = CleanupService(now=lambda: NOW, first_delay_seconds=100)
    with service:
        assert metrics(service)["next_run_timestamp_seconds"] == NOW + 100
        date = service.statistics()["next_run"]
        assert datetime.fromisoformat(date).timestamp() == NOW + 100
    assert "next_run_timestamp_seconds" not in metrics(service)


def test_a_run_that_did_something_is_one_line(service: CleanupService, log: io.StringIO) -> None:
    """With what each rule did; one that did nothing is for developers."""
    service.run_once()
    [(level, message, data)] = lines(log)
    assert (level, message) == ("info", "cleanup run finished")
    assert data.pop("seconds") > 0
    assert data == {
        "removed": 6,
        "bytes": 10,
        "failures": 0,
        "dry_run": False,
        "rules": {
            "reports": {"removed": 2, "failures": 0, "reason": ""},
            "sessions": {"removed": 4, "failures": 0, "reason": ""},
        },
    }


def test_nothing_to_do_is_nothing_to_say(tmp_path: Path, log: io.StringIO) -> None:
    """At the usual level."""
    service = CleanupService()
    service.add_folder(rule_for(tmp_path))
    service.run_once()
    assert lines(log) == []


def test_each_removed_file_can_be_seen(service: CleanupService, log: io.StringIO) -> None:
    """At the debug level, for whoever asks where a file has gone."""
    configure(level="debug", stream=log)
    service.run_once()
    gone = [data["file"] for _, message, data in lines(log) if message == "file removed"]
    assert gone == ["report-1", "report-2"]


def test_a_failing_rule_is_told_once(tmp_path: Path, log: io.StringIO) -> None:
    """And again when it works; while the folder is away, nothing is proved."""
    folder = tmp_path / "spool"
    folder.mkdir()
    folder.chmod(0o777)
    service = CleanupService()
    service.add_folder(rule_for(folder))
    changes = []
    for step in ("refused", "refused", "away", "there"):
        if step == "away":
            folder.rmdir()
        elif step == "there":
            folder.mkdir()
        service.run_once()
        changes.append([line for line in lines(log) if line[1] != "cleanup run finished"])
    reason = service.statistics()["rules"]["reports"]["reason"]
    assert reason == ""
    first, *quiet, last = changes
    [(level, message, data)] = first
    assert (level, message) == ("warning", "cleanup rule fails")
    assert (data["rule"], data["folder"]) == ("reports", str(folder))
    assert data["reason"].startswith("others may write to the folder")
    assert quiet == [[], []]
    assert last == [
        ("info", "cleanup rule works again", {"rule": "reports", "folder": str(folder)})
    ]


def test_a_failing_registry_is_told_without_a_folder(log: io.StringIO) -> None:
    """It has none."""

    class Broken:
        def remove_expired(self, dry_run: bool) -> int:  # noqa: ARG002 -- the protocol's argument
            raise OSError("no connection")

    service = CleanupService()
    service.add_registry("sessions", Broken())
    service.run_once()
    [change] = lines(log)
    assert change[2] == {"rule": "sessions", "reason": "OSError: no connection"}
