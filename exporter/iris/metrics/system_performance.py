"""What the page says of ^SystemPerformance: what was seen of it last, and errors so far.

Times of the server are local ones without a zone. They are told by how long ago they were when the
server was asked for its time, so that its zone does not matter; a change to or from daylight
saving time in between puts them wrong by an hour.
"""

from __future__ import annotations

from datetime import datetime

from exporter.families import Family
from exporter.iris.access.errors import ErrorKind
from exporter.iris.metrics.rows import Head, Rows, counter
from exporter.iris.system_performance.observation import Observed

AUTHORS = ("governor", "operator", "administrator", "iris")
"""`iris` itself suspends a task that has failed."""

ENABLED = Head(
    "iris_systemperformance_enabled",
    "Whether the daemon is to keep runs going, by its settings; who suspends our task is another "
    "matter.",
)
INFO = Head(
    "iris_systemperformance_info",
    "Versions of ^SystemPerformance and of the wrapper, as far as they are known; always 1.",
    labels=("version", "wrapper"),
)
PROFILES = Head(
    "iris_systemperformance_profiles", "Profiles of the instance; few before its first use."
)
INTERVAL = Head(
    "iris_systemperformance_profile_interval_seconds", "Time between two samples of our profile."
)
DURATION = Head(
    "iris_systemperformance_profile_duration_seconds", "How long a run of our profile takes."
)
ACTIVE_RUNS = Head(
    "iris_systemperformance_active_runs",
    "Runs that are collecting, by whose they are.",
    labels=("owner",),
)
REMAINING = Head(
    "iris_systemperformance_run_remaining_seconds",
    "Until the report of our active run is written; absent without one.",
)
LAST_RUN_END = Head(
    "iris_systemperformance_last_run_end_timestamp_seconds",
    "When our last run ended, in Unix time.",
)
REPORT_BYTES = Head(
    "iris_systemperformance_last_report_bytes", "Size of the report of our last run."
)
REPORT_AGE = Head(
    "iris_systemperformance_last_report_age_seconds",
    "How old the report of our last run was when it was looked for.",
)
EXPIRED_REPORTS = Head(
    "iris_systemperformance_expired_reports",
    "Reports of ours that are older than the retention, and that no task removes.",
)
COLLECTING = Head(
    "iris_systemperformance_collecting",
    "Whether runs are started: our task is there and not suspended; absent without a task.",
)
SUSPENDED_BY = Head(
    "iris_systemperformance_suspended_by",
    "Who has suspended our task, 1 for the one who did; all 0 where it is not suspended.",
    labels=("by",),
)
MISSING_RIGHTS = Head(
    "iris_systemperformance_missing_rights",
    "Rights without which something cannot be seen; `perfwatch iris check` names the grants.",
)
ERRORS = counter(
    "iris_systemperformance_errors_total", "Errors in controlling ^SystemPerformance.", "kind"
)

HEADS = (
    *(ENABLED, INFO, PROFILES, INTERVAL, DURATION, ACTIVE_RUNS, REMAINING, LAST_RUN_END),
    *(REPORT_BYTES, REPORT_AGE, EXPIRED_REPORTS, COLLECTING, SUSPENDED_BY, MISSING_RIGHTS, ERRORS),
)
"""All that can be given, for the documentation."""


class SystemPerformance:
    """The account of one instance. One thread sees and counts, any may ask for the families."""

    def __init__(self, instance: str, *, enabled: bool = True) -> None:
        self._instance = instance
        self._enabled = enabled
        self._seen: list[Family] = []
        # From the start: a counter that begins at 1 shows no increase.
        self._errors = dict.fromkeys(ErrorKind, 0)

    def see(self, observed: Observed | None, now: float) -> None:
        """Take over what was seen at a moment in Unix time; None is that it cannot be seen now."""
        rows = Rows(self._instance)
        if observed is not None:
            _add_profiles(rows, observed)
            _add_runs(rows, observed, now)
            _add_task(rows, observed)
        self._seen = rows.families()

    def count_error(self, kind: ErrorKind) -> None:
        """Count an attempt to control it that has failed."""
        self._errors[kind] += 1

    def families(self) -> list[Family]:
        """Give what is known."""
        own = Rows(self._instance)
        own.add(ENABLED, int(self._enabled))
        for kind, count in self._errors.items():
            own.add(ERRORS, count, kind)
        return [*own.families(), *self._seen]


def _add_profiles(rows: Rows, observed: Observed) -> None:
    identity, profile = observed.identity, observed.profile
    if identity.version or identity.wrapper:
        rows.add(INFO, 1, identity.version or "", identity.wrapper or "")
    if observed.profile_names is not None:
        rows.add(PROFILES, len(observed.profile_names))
    if profile is not None:
        rows.add(INTERVAL, profile.interval_seconds)
        rows.add(DURATION, profile.interval_seconds * profile.count)
    rows.add(MISSING_RIGHTS, len(observed.missing))


def _add_runs(rows: Rows, observed: Observed, now: float) -> None:
    report = observed.last_report
    if observed.runs is not None:
        rows.add(ACTIVE_RUNS, len(observed.runs), "perfwatch")
        remaining = [run.remaining_seconds for run in observed.runs]
        rows.add(REMAINING, max((one for one in remaining if one is not None), default=None))
    rows.add(ACTIVE_RUNS, observed.other_runs, "other")
    ended = observed.last_run.ended if observed.last_run else None
    age = _age(observed, ended)
    rows.add(LAST_RUN_END, None if age is None else now - age)
    if report is not None:
        rows.add(REPORT_BYTES, report.size_bytes)
        rows.add(REPORT_AGE, _age(observed, report.modified))
    rows.add(EXPIRED_REPORTS, len(observed.expired_reports))


def _add_task(rows: Rows, observed: Observed) -> None:
    mark = observed.mark
    if mark is None:
        return
    rows.add(COLLECTING, int(mark.is_on))
    for author in AUTHORS:
        rows.add(SUSPENDED_BY, int(not mark.is_on and mark.by == author), author)


def _age(observed: Observed, moment: datetime | None) -> float | None:
    return None if moment is None else (observed.now - moment).total_seconds()
