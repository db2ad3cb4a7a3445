"""The server's local time, which stands still until a test moves it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

START = datetime(2026, 11, 21, 8, 0, 30)  # noqa: DTZ001 -- a server's local time has no zone
"""Between two polls of the Task Manager."""

_DAY_ZERO = date(1840, 12, 31)


class Clock:
    """What $HOROLOG says."""

    def __init__(self, now: datetime = START, utc_offset_minutes: int = 60) -> None:
        self.now = now
        self.utc_offset_minutes = utc_offset_minutes
        """East of Greenwich, so that who takes local time for UTC is found out."""

    @property
    def utc(self) -> datetime:
        """The time in Greenwich."""
        return self.now - timedelta(minutes=self.utc_offset_minutes)

    @property
    def today(self) -> int:
        """The day as $HOROLOG counts it."""
        return horolog_day(self.now)

    @property
    def horolog(self) -> str:
        """$HOROLOG."""
        return horolog(self.now)


def horolog_day(moment: datetime) -> int:
    """Count the days since the last of 1840."""
    return (moment.date() - _DAY_ZERO).days


def horolog(moment: datetime) -> str:
    """Write a moment as $HOROLOG does."""
    return f"{horolog_day(moment)},{seconds_of_day(moment)}"


def seconds_of_day(moment: datetime) -> int:
    """Count the seconds since midnight."""
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def moment(day: int, seconds: int) -> datetime:
    """Read both numbers of $HOROLOG."""
    return datetime.combine(_DAY_ZERO, datetime.min.time()) + timedelta(days=day, seconds=seconds)
