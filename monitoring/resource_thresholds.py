"""Whether host and process are short of something: a level for each resource, with thresholds.

The levels are for people and their JSON, and one log record says when one has changed. They are no
metrics: alerts want the values themselves, which process and host exporters give, under rules that
can be changed without a release and can say for how long.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

from monitoring.structured_logging import StructuredLogger

LEVELS = ("healthy", "warning", "critical")

MIN_SECONDS_BETWEEN_CHECKS = 1.0

log = StructuredLogger("perfwatch.resources")

Thresholds: TypeAlias = tuple[float, float]
"""From where on it is a warning, and from where on it is critical."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceThresholds:
    """What is watched, each with (warning, critical); None is not watched.

    Raises ValueError on a pair that is none, is not ascending, or is a ratio above 1.
    """

    cpu_ratio: Thresholds | None = (0.85, 0.95)
    """The host's CPU time that was not idle, since the check before."""
    memory_ratio: Thresholds | None = (0.85, 0.95)
    """The host's memory that is not available."""
    resident_bytes: Thresholds | None = None
    """This process's memory: only its owner knows what is much."""
    descriptor_ratio: Thresholds | None = (0.7, 0.9)
    """This process's open descriptors, of those that its soft limit allows."""
    load_per_cpu: Thresholds | None = (2.0, 4.0)
    """The host's load average over five minutes: over one, a burst would be an alarm."""

    def __post_init__(self) -> None:
        for name, pair in self.watched().items():
            try:
                warning, critical = pair
                ascending = 0 < warning <= critical
            except (TypeError, ValueError):
                ascending = False
            if not ascending:
                raise ValueError(
                    f"{name} must be a warning and a critical threshold above 0, "
                    f"the warning not above the critical one; got {pair!r}"
                )
            if name.endswith("_ratio") and critical > 1:
                raise ValueError(f"{name} is a ratio: give thresholds up to 1, got {pair!r}")

    def watched(self) -> dict[str, Thresholds]:
        """The resources that have thresholds."""
        pairs = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: pair for name, pair in pairs.items() if pair is not None}


class ResourceMonitor:
    """Compares resources with their thresholds; may be called by several threads."""

    def __init__(
        self, thresholds: ResourceThresholds, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._thresholds = thresholds.watched()
        self._clock = clock
        self._lock = threading.Lock()
        self._levels = dict.fromkeys(self._thresholds, LEVELS[0])
        self._cpu_times: tuple[float, float] | None = None
        self._checked_at: float | None = None
        self._last: dict[str, Any] = {}

    def check(self) -> dict[str, Any]:
        """Give the worst level and each resource's; within a second, what was found before.

        A resource that cannot be read here is absent, and so is the CPU ratio at the first check.
        """
        with self._lock:
            now = self._clock()
            due = self._checked_at is None or now - self._checked_at >= MIN_SECONDS_BETWEEN_CHECKS
            if due:
                self._checked_at = now
                self._last = self._examine()
            return self._last

    def _examine(self) -> dict[str, Any]:
        resources = {}
        for name, (warning, critical) in self._thresholds.items():
            value = self._read(name)
            if value is None:
                continue
            level = LEVELS[(value >= warning) + (value >= critical)]
            resources[name] = {
                "value": value,
                "warning": warning,
                "critical": critical,
                "level": level,
            }
            if level != self._levels[name]:
                self._levels[name] = level
                _log_change(name, resources[name])
        worst = max((LEVELS.index(found["level"]) for found in resources.values()), default=0)
        return {"level": LEVELS[worst], "resources": resources}

    def _read(self, name: str) -> float | None:
        """Read one resource; None when this platform or this process's rights do not give it."""
        import psutil

        try:
            return self._read_cpu_ratio() if name == "cpu_ratio" else READERS[name]()
        except (psutil.Error, OSError, ImportError, AttributeError, NotImplementedError):
            return None

    def _read_cpu_ratio(self) -> float | None:
        # psutil.cpu_percent() does the same, but from whoever called it last.
        before, self._cpu_times = self._cpu_times, _read_cpu_times()
        if before is None:
            return None
        idle, total = (now - then for now, then in zip(self._cpu_times, before, strict=True))
        # Idle time may go back by a tick (Linux: see proc(5) on iowait).
        return min(max(1 - idle / total, 0.0), 1.0) if total > 0 else None


def _read_cpu_times() -> tuple[float, float]:
    """The host's idle and whole CPU time in seconds."""
    import psutil

    times = psutil.cpu_times()
    # The kernel counts the time of guests twice, in user and nice too.
    guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return times.idle + getattr(times, "iowait", 0.0), sum(times) - guests


def _read_memory_ratio() -> float:
    import psutil

    memory = psutil.virtual_memory()
    return 1 - memory.available / memory.total


def _read_resident_bytes() -> float:
    import psutil

    return psutil.Process().memory_info().rss


def _read_descriptor_ratio() -> float | None:
    import resource

    import psutil

    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if limit == resource.RLIM_INFINITY else psutil.Process().num_fds() / limit


def _read_load_per_cpu() -> float | None:
    cpus = os.cpu_count()
    return os.getloadavg()[1] / cpus if cpus else None


READERS: dict[str, Callable[[], float | None]] = {
    "memory_ratio": _read_memory_ratio,
    "resident_bytes": _read_resident_bytes,
    "descriptor_ratio": _read_descriptor_ratio,
    "load_per_cpu": _read_load_per_cpu,
}
"""How each resource is read, but for the CPU ratio, which needs the times of the check before."""


def _log_change(name: str, found: dict[str, Any]) -> None:
    """Log at the severity that the new level has (`level` is the record's own key)."""
    say = {"healthy": log.info, "warning": log.warning, "critical": log.error}[found["level"]]
    say(
        "resource level changed",
        resource=name,
        state=found["level"],
        value=found["value"],
        thresholds=(found["warning"], found["critical"]),
    )
