"""Records that are also counted: alerts, security events, and records that were dropped.

Prometheus sees the counters of `METRICS`, and Alertmanager routes what its rules make of them.
Each series appears with its first event, and `increase()` cannot see a counter appear. A rule
that is to fire for the first event, too, reads

    increase(perfwatch_log_alerts_total[10m]) > 0
      or (perfwatch_log_alerts_total unless perfwatch_log_alerts_total offset 10m)

where the second line says: there now, and not ten minutes ago. It also holds for ten minutes
after the target could not be scraped; `and on(instance) (up offset 10m == 1)` behind it prevents
that, at the price of silence about a service's first ten minutes.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from threading import RLock
from typing import TYPE_CHECKING, Any

import structlog

from monitoring.correlation import as_text
from monitoring.metrics import Family, to_prometheus

if TYPE_CHECKING:
    from prometheus_client.core import Metric

SEVERITIES = ("info", "warning", "critical")

MAX_SERIES = 200

_MAX_CHANNELS = 20


class LogMetrics:
    """What the records of this process came to, as counters."""

    def __init__(self) -> None:
        self._renew_lock()
        # Another thread of the parent may have held the lock when this process was forked.
        os.register_at_fork(after_in_child=self._renew_lock)
        self._security_events = _Counts(
            "perfwatch_security_events_total", "Security events logged.", ("kind",)
        )
        self._alerts = _Counts(
            "perfwatch_log_alerts_total",
            "Alerts logged, once for each of their channels.",
            ("name", "severity", "channel"),
            kept=("severity",),
        )
        self._dropped = _Counts(
            "perfwatch_log_records_dropped_total",
            "Log records that were not written.",
            ("logger", "reason"),
        )

    def security_event(self, kind: object) -> None:
        """Count a security event."""
        with self._lock:
            self._security_events.add((as_text(kind),))

    def alert(self, name: object, severity: str, channels: Iterable[str]) -> None:
        """Count an alert in each of its channels."""
        with self._lock:
            for channel in channels:
                self._alerts.add((as_text(name), severity, channel))

    def dropped(self, logger: object, reason: object, count: int = 1) -> None:
        """Count records that were left out: sampled, over their limit, or not to be written."""
        with self._lock:
            self._dropped.add((as_text(logger), as_text(reason)), count)

    def families(self) -> Iterable[Family]:
        """The counters of what has happened; there is none of what has not."""
        with self._lock:
            counts = (self._security_events, self._alerts, self._dropped)
            return [family for one in counts for family in one.families()]

    def collect(self) -> Iterator[Metric]:
        """The same for a registry of `prometheus_client`."""
        return to_prometheus(self.families())

    def _renew_lock(self) -> None:
        # Reentrant: a signal handler may log while its thread is in here.
        self._lock = RLock()


class _Counts:
    """One counter family; when it has `MAX_SERIES`, new label values are counted as `other`."""

    def __init__(
        self, name: str, help_text: str, labels: tuple[str, ...], kept: Collection[str] = ()
    ) -> None:
        """`kept` are the labels whose values are few: they stay."""
        self._name = name
        self._help = help_text
        self._labels = labels
        self._kept = [label in kept for label in labels]
        self._values: dict[tuple[str, ...], int] = {}
        self._family: Family | None = None

    def add(self, values: tuple[str, ...], count: int = 1) -> None:
        """Count in the series of these label values."""
        if values not in self._values and len(self._values) >= MAX_SERIES:
            pairs = zip(values, self._kept, strict=True)
            values = tuple(value if kept else "other" for value, kept in pairs)
        self._values[values] = self._values.get(values, 0) + count
        self._family = None

    def families(self) -> list[Family]:
        """The state now: nothing before the first event, the same object until the next."""
        if self._values and self._family is None:
            samples = list(self._values.items())
            self._family = Family(self._name, self._help, "counter", self._labels, samples)
        return [self._family] if self._family is not None else []


METRICS = LogMetrics()


def security_event(
    kind: str,
    data: Mapping[str, Any] | None = None,
    severity: str = "warning",
    logger: str = "security",
) -> None:
    """Log what bears on security (a rejected password), and count it by kind.

    The kind is a label: a fixed word such as `login_failed`; who and where go into the data.
    Raises ValueError on a severity other than info, warning and critical.
    """
    _check_severity(severity)
    METRICS.security_event(kind)
    _log(logger, severity, "security event", {**_fields(data), "kind": kind})


def alert(
    name: str,
    data: Mapping[str, Any] | None = None,
    alert_channels: Iterable[str] = ("default",),
    severity: str = "warning",
    logger: str = "alert",
) -> None:
    """Log what somebody should be told, and count it for each channel it is to go to.

    The name is the record's message and a label: a fixed phrase such as `slow operation`. Raises
    ValueError on a severity other than info, warning and critical.
    """
    _check_severity(severity)
    channels = _channels(alert_channels)
    METRICS.alert(name, severity, channels)
    own = {"alert_channels": channels, "severity": severity}
    _log(logger, severity, as_text(name), {**_fields(data), **own})


def _check_severity(severity: str) -> None:
    if severity not in SEVERITIES:
        raise ValueError(f"severity must be one of {', '.join(SEVERITIES)}, got {severity!r}")


def _channels(given: Iterable[str]) -> list[str]:
    """Give each channel once; nonsense is one channel, and no channel is the default one."""
    if isinstance(given, str | bytes):
        return [as_text(given)]
    try:
        channels = [as_text(one) for one in islice(given, _MAX_CHANNELS)]
    except Exception:  # noqa: BLE001 -- the caller's iterable may raise anything
        channels = [as_text(given)]
    return list(dict.fromkeys(channels)) or ["default"]


def _fields(data: object) -> dict[str, Any]:
    """Give data as a new dictionary, whatever it is."""
    if data is None:
        return {}
    try:
        return dict(data) if isinstance(data, Mapping) else {"value": data}
    except Exception:  # noqa: BLE001 -- the caller's mapping may raise anything
        return {"value": as_text(data)}


def _log(logger: str, severity: str, event: str, data: dict[str, Any]) -> None:
    log = structlog.stdlib.get_logger(as_text(logger))
    getattr(log, severity)(event, data=data)
