"""The properties of %SYS.Task, and what it refuses to store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.iris.double.clock import Clock, seconds_of_day
from tests.iris.double.privileges import Accounts
from tests.iris.double.status import OK, error_status
from tests.iris.double.task_schedule import MODELLED, ON_DEMAND, ONCE, number

MAX_NAME = 50
MAX_DESCRIPTION = 100

DEFAULTS: Mapping[str, Any] = {
    "Name": "",
    "Description": "",
    "NameSpace": "%SYS",
    "TaskClass": "",
    "RunAsUser": "",
    "Settings": "",
    "TimePeriod": 0,
    "TimePeriodEvery": 1,
    "TimePeriodDay": "",
    "DailyFrequency": 0,
    "DailyFrequencyTime": "",
    "DailyIncrement": "",
    "DailyStartTime": 0,
    "DailyEndTime": "",
    "StartDate": "",
    "EndDate": "",
    "Priority": 0,
    "MirrorStatus": "",
    "RescheduleOnStart": 0,
    "RunAfterGUID": "",
    "Expires": 0,
    "ExpiresDays": "",
    "ExpiresHours": "",
    "ExpiresMinutes": "",
    "EmailOnCompletion": "",
    "EmailOnError": "",
    "OpenOutputFile": 0,
    "OutputDirectory": "",
    "OutputFilename": "",
    "SuspendOnError": 0,
    "SuspendTerminated": 0,
    "Suspended": 0,
    "DayNextScheduled": "",
    "TimeNextScheduled": "",
    "LastStarted": "0",
    "LastFinished": "0",
    "LastSchedule": "",
    "Status": "",
    "Error": "",
    "ER": "",
    "RunningJobNumber": "",
}

WRITABLE = {
    "schedule": (
        "TimePeriod",
        "TimePeriodEvery",
        "DailyFrequency",
        "DailyFrequencyTime",
        "DailyIncrement",
        "DailyStartTime",
        "DailyEndTime",
        "StartDate",
        "EndDate",
    )
}


def refusal(
    values: dict[str, Any],
    before: Mapping[str, Any] | None,
    *,
    user: str,
    accounts: Accounts,
    clock: Clock,
    refuses_today: bool,
) -> Any:
    """Check a task that is to be stored: 1, or a status that says what is wrong."""
    name, description = str(values["Name"] or ""), str(values["Description"] or "")
    run_as = values["RunAsUser"] or user
    for_another = run_as != user and not accounts.may(user, "%Admin_Secure:U")
    checks: tuple[tuple[bool, tuple[Any, ...]], ...] = (
        (not accounts.may(user, "%Admin_Task:U"), (921, "%Admin_Task:USE")),
        (not name, (5659, "Name")),
        (len(name) > MAX_NAME, (7201, name, MAX_NAME)),
        (not name[:1].isalpha(), (7404, name)),
        (len(description) > MAX_DESCRIPTION, (7201, description, MAX_DESCRIPTION)),
        (not values["TaskClass"], (5659, "TaskClass")),
        (number(values, "TimePeriod") not in MODELLED, (5001, "daily and on-demand tasks only")),
        (run_as not in accounts or for_another, (7405, run_as)),
        (bool(values["Settings"]) and not accounts.may(user, "%Admin_Manage:U"), (7434,)),
    )
    for is_wrong, error in checks:
        if is_wrong:
            return error_status(*error)
    values["StartDate"] = values["StartDate"] or clock.today
    return _start_refusal(values, before, clock, refuses_today=refuses_today)


def _start_refusal(
    values: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    clock: Clock,
    *,
    refuses_today: bool,
) -> Any:
    """Refuse a start in the past, unless the task has it already."""
    when = [number(values, name) for name in ("StartDate", "DailyStartTime")]
    if before and when == [number(before, name) for name in ("StartDate", "DailyStartTime")]:
        return OK
    if number(values, "TimePeriod") == ON_DEMAND:
        return OK
    at_that_time = refuses_today or number(values, "DailyFrequency") == ONCE
    now = [clock.today, seconds_of_day(clock.now) if at_that_time else 0]
    return error_status(7432) if when < now else OK
