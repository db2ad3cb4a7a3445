"""Profiles of ^SystemPerformance, as the global has them: its layout is not documented."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.iris.access.session import Session
from exporter.iris.system_performance.policy import MonitoringPolicy
from exporter.iris.system_performance.runs import GLOBAL

_LENGTH = 3


@dataclass(frozen=True, slots=True)
class Profile:
    """What is stored of a profile."""

    name: str
    description: str
    interval_seconds: int
    count: int

    def does(self, policy: MonitoringPolicy) -> bool:
        """Whether it samples as a policy wants; its description does not matter."""
        return (self.interval_seconds, self.count) == (policy.interval_seconds, policy.count)


def read_profile(session: Session, name: str) -> Profile | None:
    """Read a profile; None where there is none, or one that is stored in another way."""
    values = session.get_list(GLOBAL, "profile", name)
    if len(values) < _LENGTH:
        return None
    description, interval, count = values[:_LENGTH]
    try:
        return Profile(name, str(description), int(str(interval)), int(str(count)))
    except ValueError:
        return None
