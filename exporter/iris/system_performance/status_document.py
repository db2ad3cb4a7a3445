"""What was observed, as plain data: for `--json`, and for whoever asks the library."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from exporter.iris.system_performance.marks import Mark
from exporter.iris.system_performance.observation import Observed
from exporter.iris.system_performance.profiles import Profile
from exporter.iris.system_performance.reports import Report
from exporter.iris.system_performance.runs import Run
from exporter.iris.system_performance.task import Task


def status_document(observed: Observed) -> dict[str, Any]:
    """Say everything of an instance."""
    runs = observed.runs
    return {
        **_mark(observed.mark),
        "server_time": _time(observed.now),
        "wrapper": observed.identity.wrapper,
        "version": observed.identity.version,
        "profile": _profile(observed.profile),
        "task": task_document(observed.task) if observed.task else None,
        "active_runs": None if runs is None else [run_document(run) for run in runs],
        "other_active_runs": observed.other_runs,
        "last_run": run_document(observed.last_run) if observed.last_run else None,
        "last_report": report_document(observed.last_report) if observed.last_report else None,
        "missing": [{"what": what, "grant": grant} for what, grant in observed.missing],
    }


def task_document(task: Task) -> dict[str, Any]:
    """Say everything of a task."""
    return {
        "id": task.id,
        "name": task.name,
        "is_suspended": task.is_suspended,
        **_mark(task.mark),
        "every_minutes": task.every_minutes,
        "run_as_user": task.run_as_user,
        "last_started": _time(task.last_started),
        "last_finished": _time(task.last_finished),
        "next_scheduled": task.next_scheduled or None,
        "error": task.error or None,
    }


def run_document(run: Run) -> dict[str, Any]:
    """Say everything of a run."""
    return {
        "runid": run.runid,
        "profile": run.profile,
        "started": _time(run.started),
        "ended": _time(run.ended),
        "directory": run.directory or None,
        "remaining_seconds": run.remaining_seconds,
    }


def report_document(report: Report) -> dict[str, Any]:
    """Say everything of a report."""
    return {
        "runid": report.run.runid,
        "path": report.path,
        "size_bytes": report.size_bytes,
        "modified": _time(report.modified),
    }


def _mark(mark: Mark | None) -> dict[str, Any]:
    if mark is None:
        return {"state": "absent", "by": None, "since": None, "until": None, "reason": None}
    return {
        "state": mark.state,
        "by": mark.by or None,
        "since": _time(mark.since),
        "until": _time(mark.until),
        "reason": mark.reason or None,
    }


def _profile(profile: Profile | None) -> dict[str, Any] | None:
    if profile is None:
        return None
    return {
        "name": profile.name,
        "description": profile.description,
        "interval_seconds": profile.interval_seconds,
        "count": profile.count,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
