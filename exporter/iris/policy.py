"""What is wanted of an instance, and what it is measured by: frozen, and valid once they exist.

Sources: InterSystems Monitoring Guide, chapter "^SystemPerformance" (limits of a profile), and
Configuration Parameter File Reference, [Startup] (daily reports).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from exporter.iris.errors import DOCUMENTATION

MIN_INTERVAL_SECONDS = 1
MAX_INTERVAL_SECONDS = 300
MAX_DURATION_SECONDS = 86_400
MAX_NAME_LENGTH = 32
"""So that a task's name, which has at most 50 characters, can hold it."""

_NAME = re.compile(r"[A-Za-z0-9_]+\Z")


class PolicyError(ValueError):
    """A value that IRIS would refuse, or silently change."""

    def __init__(self, message: str) -> None:
        super().__init__(f"{message} (see {DOCUMENTATION})")


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
        if not _NAME.match(self.name) or len(self.name) > MAX_NAME_LENGTH:
            raise PolicyError(
                f"the name of a policy has letters, digits and _, at most {MAX_NAME_LENGTH}, "
                f"got {self.name!r}: choose another"
            )
        # (bounds are completed by the owner of this file)

    @property
    def count(self) -> int:
        """How many samples a run takes."""
        return self.duration_seconds // self.interval_seconds


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceThresholds:
    """From when on the host is under pressure, and from when on it has recovered; in per cent."""

    cpu_disable_percent: float = 90.0
    memory_disable_percent: float = 95.0
    cpu_enable_percent: float = 85.0
    memory_enable_percent: float = 90.0
    dwell_decisions: int = 2
    """How many decisions in a row must find it recovered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CPFParameters:
    """The daily reports of 2025.3 and later: [Startup] in the configuration parameter file."""

    daily_reports: int = 0
    """SystemPerformanceDailyReportsOn: 0 off, 1 on every 10 s, -N on every N seconds."""
    retention_days: int = 60
    """SystemPerformanceDailyReportsRetentionDays; 0 keeps all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceMetrics:
    """CPU and memory of an instance's host in per cent; None is unknown."""

    cpu_percent: float | None
    memory_percent: float | None
    source: str
    """`iris` or `host`."""
