"""When a task is due: the kinds of schedule that are modelled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.iris.double.clock import horolog_day, moment, seconds_of_day

DAILY = 0
ON_DEMAND = 5
MODELLED = (DAILY, ON_DEMAND)

ONCE, SEVERAL = 0, 1


def next_run(task: Mapping[str, Any], after: datetime) -> datetime | None:
    """Find the first moment later than `after`; None for a task that runs on demand only."""
    if number(task, "TimePeriod") == ON_DEMAND:
        return None
    day = max(horolog_day(after), number(task, "StartDate"))
    seconds = seconds_of_day(after) if day == horolog_day(after) else -1
    every = max(number(task, "TimePeriodEvery"), 1)
    while (day - number(task, "StartDate")) % every:
        day, seconds = day + 1, -1
    found = _on_a_day(task, seconds)
    if found is None:
        day, found = day + every, number(task, "DailyStartTime")
    end = number(task, "EndDate")
    return None if end and day > end else moment(day, found)


def _on_a_day(task: Mapping[str, Any], after: int) -> int | None:
    """Find the first second of a day that is later; None when the day has no more."""
    start = number(task, "DailyStartTime")
    if start > after:
        return start
    if number(task, "DailyFrequency") == ONCE:
        return None
    unit = 3600 if number(task, "DailyFrequencyTime") else 60
    step = max(number(task, "DailyIncrement"), 1) * unit
    following = start + ((after - start) // step + 1) * step
    last = number(task, "DailyEndTime") or 86_399
    return following if following <= last else None


def number(task: Mapping[str, Any], name: str) -> int:
    """Read a property that is a number; "" is 0, as it is in IRIS."""
    return int(task[name] or 0)
