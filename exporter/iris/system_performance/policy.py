"""What is wanted of an instance, and what it is measured by: frozen, and valid once they exist.

Sources: InterSystems Monitoring Guide, chapter "^SystemPerformance" (limits of a profile), and
Configuration Parameter File Reference, [Startup] (daily reports).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from exporter.iris.access.errors import DOCUMENTATION
from exporter.iris.system_performance import objectscript

MIN_INTERVAL_SECONDS = 1
MAX_INTERVAL_SECONDS = 300
MAX_DURATION_SECONDS = 86_400
MAX_EVERY_SECOND_SECONDS = 3600
"""The longest run that may sample every second."""
MAX_RETENTION_SECONDS = 366 * 86_400
MAX_NAME_LENGTH = 32
"""So that a task's name, which has at most 50 characters, can hold it."""

OTHERS_PROFILES = frozenset({"test", "12hours", "24hours", "30mins", "4hours", "8hours"})
"""The profiles that come with IRIS."""

MAX_EVERY_MINUTES = 1440
LAST_SECOND = 86_399

MAX_DWELL_DECISIONS = 60

MAX_PERCENT = 101
"""IRIS computes some per cent values that are a little above 100."""

_NAME = re.compile(r"[A-Za-z0-9_]+\Z")


class PolicyError(ValueError):
    """A value that IRIS would refuse, or silently change."""

    def __init__(self, message: str) -> None:
        super().__init__(f"{message} (see {DOCUMENTATION})")


def is_name(text: str) -> bool:
    """Whether a profile may have this name: IRIS would take others, and store another text."""
    return _NAME.match(text) is not None


def _check_whole(what: str, value: int, lowest: int, highest: int) -> None:
    """Raise PolicyError for what is not a whole number between two bounds; True is none."""
    if type(value) is not int or not lowest <= value <= highest:
        raise PolicyError(
            f"{what} is a whole number from {lowest} to {highest}, got {value!r}: choose another"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringPolicy:
    """A ^SystemPerformance profile of ours, and how long its reports are kept."""

    name: str = "perfwatch"
    interval_seconds: int = 30
    duration_seconds: int = 3600
    retention_seconds: int = 3600
    """Reports of ours that ended longer ago are removed from the instance."""
    os_data: bool = True
    """Whether a run collects data of the operating system too; one instance of a host is enough."""

    def __post_init__(self) -> None:
        if not is_name(self.name) or len(self.name) > MAX_NAME_LENGTH:
            raise PolicyError(
                f"the name of a policy has letters, digits and _, at most {MAX_NAME_LENGTH}, "
                f"got {self.name!r}: choose another"
            )
        if self.name in OTHERS_PROFILES:
            raise PolicyError(
                f"{self.name} is a profile that comes with IRIS: choose a name of your own"
            )
        _check_whole(
            "the interval", self.interval_seconds, MIN_INTERVAL_SECONDS, MAX_INTERVAL_SECONDS
        )
        _check_whole(
            "the duration", self.duration_seconds, self.interval_seconds, MAX_DURATION_SECONDS
        )
        _check_whole("the retention", self.retention_seconds, 0, MAX_RETENTION_SECONDS)
        if self.interval_seconds == 1 and self.duration_seconds > MAX_EVERY_SECOND_SECONDS:
            raise PolicyError(
                f"only runs of at most {MAX_EVERY_SECOND_SECONDS} s may sample every second, got "
                f"{self.duration_seconds} s: choose an interval of 2 s or more, or a shorter run"
            )

    @property
    def count(self) -> int:
        """How many samples a run takes."""
        return self.duration_seconds // self.interval_seconds

    @property
    def description(self) -> str:
        """The text of the profile, for whoever finds it in IRIS."""
        return f"PerfWatch: every {self.interval_seconds} s for {self.duration_seconds} s"

    def to_objectscript(self) -> str:
        """Write the statements that are run in IRIS for it, one a line, to be reviewed."""
        statements = (self.make_profile, self.change_profile, self.start_run, self.purge_reports)
        return "\n".join(write() for write in statements) + "\n"

    def make_profile(self) -> str:
        """Write what makes the profile, unless there is one of its name."""
        return objectscript.make_profile(*self._literals)

    def change_profile(self) -> str:
        """Write what changes the profile, where there is another one of its name."""
        return f"set result={objectscript.edit_profile(*self._literals)}"

    def start_run(self) -> str:
        """Write what starts a run unless one of ours is active."""
        return objectscript.start_run(
            objectscript.literal(self.name), str(int(self.os_data)), str(self.duration_seconds)
        )

    def purge_reports(self) -> str:
        """Write what removes our reports that are older than the retention."""
        return objectscript.purge(objectscript.literal(self.name), str(self.retention_seconds))

    @property
    def _literals(self) -> tuple[str, str, str, str]:
        literal = objectscript.literal
        return (
            literal(self.name),
            literal(self.description),
            str(self.interval_seconds),
            str(self.count),
        )


DEFAULT_POLICY = MonitoringPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSchedule:
    """When the Task Manager starts the next run; it does nothing while one of ours is active."""

    policy: MonitoringPolicy = DEFAULT_POLICY
    every_minutes: int = 5
    start_seconds: int = 0
    """After midnight."""
    end_seconds: int = 86_340
    run_as_user: str = ""
    """Whoever creates the task when empty."""

    def __post_init__(self) -> None:
        _check_whole("the minutes between two starts", self.every_minutes, 1, MAX_EVERY_MINUTES)
        _check_whole("the start of the day's schedule", self.start_seconds, 0, LAST_SECOND)
        _check_whole(
            "the end of the day's schedule", self.end_seconds, self.start_seconds, LAST_SECOND
        )
        if not self.run_as_user.isprintable():
            raise PolicyError(
                f"the user of a task has printable characters only, got {self.run_as_user!r}: "
                "give the name that the user has in IRIS"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceThresholds:
    """From when on the host is under pressure, and from when on it has recovered; in per cent."""

    cpu_disable_percent: float = 90.0
    memory_disable_percent: float = 95.0
    cpu_enable_percent: float = 85.0
    memory_enable_percent: float = 90.0
    dwell_decisions: int = 2
    """How many decisions in a row must find it recovered."""

    def __post_init__(self) -> None:
        _check_pair("CPU", self.cpu_enable_percent, self.cpu_disable_percent)
        _check_pair("memory", self.memory_enable_percent, self.memory_disable_percent)
        _check_whole("the dwell", self.dwell_decisions, 1, MAX_DWELL_DECISIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CPFParameters:
    """The daily reports of 2025.3 and later: [Startup] in the configuration parameter file."""

    daily_reports: int = 0
    """SystemPerformanceDailyReportsOn: 0 off, 1 on every 10 s, -N on every N seconds."""
    retention_days: int = 60
    """SystemPerformanceDailyReportsRetentionDays; 0 keeps all."""

    def __post_init__(self) -> None:
        _check_whole("daily reports", self.daily_reports, -MAX_INTERVAL_SECONDS, 1)
        if self.daily_reports == -1:
            raise PolicyError(
                "daily reports sample every 2 s at most, got -1: choose 0 for off, 1 for every "
                f"10 s, or -2 to -{MAX_INTERVAL_SECONDS}"
            )
        _check_whole("the retention of daily reports", self.retention_days, 0, 100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceMetrics:
    """CPU and memory of an instance's host in per cent; None is unknown."""

    cpu_percent: float | None
    memory_percent: float | None
    source: str
    """`iris` or `host`."""

    def __post_init__(self) -> None:
        for what, value in (("CPU", self.cpu_percent), ("memory", self.memory_percent)):
            if value is not None and not (math.isfinite(value) and 0 <= value <= MAX_PERCENT):
                raise PolicyError(
                    f"the use of {what} is between 0 and 100 per cent, got {value}: "
                    "give None where it is not known"
                )
        if self.source not in {"iris", "host"}:
            raise PolicyError(f"metrics come from `iris` or `host`, got {self.source!r}")


def _check_pair(what: str, enable: float, disable: float) -> None:
    if not 0 < enable < disable <= 100:
        raise PolicyError(
            f"thresholds of {what} are above 0, at most 100, and the one that resumes is below "
            f"the one that suspends, got {enable} and {disable}: move them apart"
        )
