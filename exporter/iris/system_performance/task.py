"""One task of ours, as it was read: whether it collects, who has decided so, and what it does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from exporter.iris.system_performance.marks import (
    BY_ADMINISTRATOR,
    BY_IRIS,
    ON,
    Mark,
    parse_mark,
)
from exporter.iris.system_performance.policy import MonitoringPolicy, TaskSchedule

REPAIR_EVERY = timedelta(hours=1)
"""Between two attempts with a task that IRIS has suspended because it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task of the Task Manager, as it was when it was read. Times are the server's local."""

    id: str
    name: str
    description: str
    is_suspended: bool
    settings: str
    """The $LIST with its ExecuteCode, as text."""
    every_minutes: int | None
    start_seconds: int | None
    end_seconds: int | None
    run_as_user: str
    last_started: datetime | None
    last_finished: datetime | None
    error: str
    """What went wrong in its last execution, or ""."""
    next_scheduled: str
    """As IRIS displays it."""

    @property
    def mark(self) -> Mark:
        """Whether it collects and who has decided so; whether it is suspended comes first.

        IRIS itself suspends a task that has failed, without a word in the description.
        """
        mark = parse_mark(self.description)
        if self.is_suspended:
            if mark is not None and not mark.is_on:
                return mark
            return BY_IRIS if mark is not None and self.error else BY_ADMINISTRATOR
        return mark if mark is not None and mark.state == "kept_on" else ON

    def may_be_tried_again(self, now: datetime) -> bool:
        """Whether its last execution is long enough ago, by the server's local time."""
        return self.last_started is None or abs(now - self.last_started) >= REPAIR_EVERY

    def does(self, schedule: TaskSchedule) -> bool:
        """Whether it does what a schedule wants."""
        return (
            _unquoted(schedule_code(schedule.policy)) in _unquoted(self.settings)
            and self.every_minutes == schedule.every_minutes
            and self.start_seconds == schedule.start_seconds
            and self.end_seconds == schedule.end_seconds
            and (not schedule.run_as_user or self.run_as_user == schedule.run_as_user)
        )


def schedule_code(policy: MonitoringPolicy) -> str:
    """Write what the schedule executes: start a run unless one is active, remove old reports.

    The profile it makes itself where there is none, so that the first run need not wait for it.
    """
    return f"{policy.make_profile()} {policy.start_run()} {policy.purge_reports()}"


def _unquoted(text: str) -> str:
    """Without what a $LIST in the form of SQL doubles."""
    return text.replace('"', "")
