"""What the description of our task says: whether it collects, who has decided so, until when.

A task that is suspended without such a mark was suspended by an administrator.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias

MAX_DESCRIPTION = 100
"""As many characters as the Task Manager takes."""

State: TypeAlias = Literal["on", "off", "kept_on", "kept_off"]
Author: TypeAlias = Literal["", "governor", "operator", "administrator", "iris"]

_TIME = r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"

_TEXTS = re.compile(
    "PerfWatch: (?:on"
    f"|kept on by operator until (?P<kept_on>{_TIME})"
    f"|off by operator since (?P<operator>{_TIME})(?: until (?P<until>{_TIME}))?(?:: (?P<why>.*))?"
    f"|off by governor since (?P<governor>{_TIME}): (?P<reason>.*)"
    r")\Z"
)


@dataclass(frozen=True, slots=True)
class Mark:
    """Whether collecting is on. All times are in UTC and of whole seconds."""

    state: State
    """`kept_on` and `kept_off` are an operator's, and end at `until`; before, the governor lets
    them be. `off` ends when the same author ends it."""
    by: Author = ""
    """`administrator` is who suspended the task without a mark, `iris` itself did so with one that
    had failed: these are never written."""
    since: datetime | None = None
    until: datetime | None = None
    reason: str = ""

    @property
    def is_on(self) -> bool:
        """Whether it collects."""
        return self.state in {"on", "kept_on"}

    def has_expired(self, now: datetime) -> bool:
        """Whether its end has come."""
        return self.until is not None and now >= self.until

    def __str__(self) -> str:
        """Write it as a description."""
        if self.state == "kept_on":
            return f"PerfWatch: kept on by operator until {_format(self.until)}"
        if self.by == "governor":
            start = f"PerfWatch: off by governor since {_format(self.since)}: "
            return start + _plain(self.reason)[: MAX_DESCRIPTION - len(start)]
        if self.by == "operator":
            until = f" until {_format(self.until)}" if self.until is not None else ""
            text = f"PerfWatch: off by operator since {_format(self.since)}{until}"
            reason = _plain(self.reason)
            return f"{text}: {reason}"[:MAX_DESCRIPTION].rstrip() if reason else text
        return "PerfWatch: on"


ON = Mark("on")
BY_ADMINISTRATOR = Mark("off", "administrator")
BY_IRIS = Mark("off", "iris")


def off_by_governor(now: datetime, reason: str) -> Mark:
    """Make the governor's mark."""
    return Mark("off", "governor", since=now.replace(microsecond=0), reason=_plain(reason))


def off_by_operator(now: datetime, until: datetime | None = None, reason: str = "") -> Mark:
    """Make an operator's mark: for good, or until a moment. A long reason is cut."""
    state: State = "off" if until is None else "kept_off"
    since = now.replace(microsecond=0)
    return Mark(state, "operator", since=since, until=_whole(until), reason=_plain(reason))


def kept_on_by_operator(until: datetime) -> Mark:
    """Make the mark that keeps the governor from suspending until a moment."""
    return Mark("kept_on", "operator", until=_whole(until))


def parse_mark(description: str) -> Mark | None:
    """Read a description; None for one that we have not written."""
    match = _TEXTS.match(description)
    if match is None:
        return None
    try:
        if match["kept_on"]:
            return Mark("kept_on", "operator", until=_parse(match["kept_on"]))
        if match["governor"]:
            return Mark("off", "governor", _parse(match["governor"]), reason=match["reason"])
        if match["operator"]:
            until = _parse(match["until"]) if match["until"] else None
            state: State = "off" if until is None else "kept_off"
            since, reason = _parse(match["operator"]), match["why"] or ""
            return Mark(state, "operator", since=since, until=until, reason=reason)
    except ValueError:
        return None
    return ON


def _plain(text: str) -> str:
    """ASCII on one line: what the description holds in every locale."""
    return "".join(c if " " <= c <= "~" else " " for c in text).strip()


def _whole(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(microsecond=0)


def _format(moment: datetime | None) -> str:
    if moment is None:
        raise ValueError("a mark without its time")
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _parse(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
