"""Runs of ^SystemPerformance: which are active, which have ended, and which of them are ours.

A run of ours is one whose runid ends in the name of our profile; a daemon that starts anew knows
it by that alone. The layout of the global is what others have measured, and is not documented.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session

GLOBAL = "IRIS.SystemPerformance"

HISTORY_LIMIT = 1000
"""How many of the newest ended runs, of whomever, are looked through for ours at most."""

_RUNID = re.compile(r"(\d{8})_(\d{4}|\d{6})_(.+)\Z", re.ASCII)

_EPOCH = datetime(1840, 12, 31)  # noqa: DTZ001 -- day 0 of $HOROLOG, in the server's local time

_WAIT = re.compile(r"(\d+) (hour|minute|second)s?\b")
_UNIT_SECONDS = {"hour": 3600, "minute": 60, "second": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run. Its times are the server's local ones, without a zone, as its runid has them."""

    runid: str
    profile: str
    started: datetime
    ended: datetime | None = None
    """None while it is active, and where the history does not say."""
    directory: str = ""
    """Where its report is; known once it has ended."""
    remaining_seconds: float | None = None
    """Until its report is written; of active runs only."""


def parse_runid(runid: str) -> Run | None:
    """Read a runid; None for what is none."""
    match = _RUNID.match(runid)
    if match is None:
        return None
    day, time, profile = match.groups()
    try:
        started = datetime.strptime(day + time.ljust(6, "0"), "%Y%m%d%H%M%S")  # noqa: DTZ007
    except ValueError:
        return None
    return Run(runid=runid, profile=profile, started=started)


def from_horolog(text: object) -> datetime | None:
    """Read a $HOROLOG ("days,seconds"); None for what is none, and for "0", which is never."""
    match = re.match(r"(\d{1,7}),(\d{1,5})", str(text), re.ASCII)
    if match is None:
        return None
    try:
        return _EPOCH + timedelta(days=int(match[1]), seconds=int(match[2]))
    except OverflowError:
        return None


def to_horolog_day(moment: datetime) -> int:
    """Give the day as $HOROLOG counts it."""
    return (moment - _EPOCH).days


def parse_wait(text: str) -> float | None:
    """Read `1 hours 7 minutes 3 seconds`, of which parts may be missing, or `ready now`."""
    parts = _WAIT.findall(text)
    if not parts:
        return 0.0 if text == "ready now" else None
    return float(sum(int(number) * _UNIT_SECONDS[unit] for number, unit in parts))


def server_time(session: Session) -> datetime:
    """Ask for the server's local time, which runids have."""
    text = str(session.call("%Library.UTC", "NowLocal"))
    try:
        return datetime.fromisoformat(text).replace(microsecond=0, tzinfo=None)
    except ValueError as error:
        message = f"the server says that its time is {text!r}"
        raise IrisError(ErrorKind.SERVER, message, "see `perfwatch iris check`") from error


def active_runids(session: Session) -> list[str]:
    """List all active runs, of whomever."""
    return session.subscripts(GLOBAL, "run")


def ended_runids(session: Session, limit: int = HISTORY_LIMIT) -> list[str]:
    """List the newest ended runs, of whomever, the oldest first."""
    return session.subscripts(GLOBAL, "history", limit=limit)


def ours(runids: Iterable[str], profile: str) -> list[Run]:
    """Take out the runs of our profile."""
    runs = (parse_runid(runid) for runid in runids)
    return [run for run in runs if run is not None and run.profile == profile]


def read_ended(session: Session, run: Run) -> Run:
    """Add to a run of the history when it ended, and where its report is."""
    value = session.get_global(GLOBAL, "history", run.runid)
    ended, _, directory = ("" if value is None else str(value)).partition("^")
    return replace(run, ended=from_horolog(ended), directory=directory)
