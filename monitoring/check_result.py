"""What a health check says: a status, a message for people, and details for machines."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from monitoring.plain_values import plain
from monitoring.redaction import Redactor

Status: TypeAlias = Literal["healthy", "warning", "critical"]

STATUSES: tuple[Status, ...] = ("healthy", "warning", "critical")
"""From good to bad: the position is the number that the metric shows."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check returns. Raises ValueError on an unknown status."""

    status: Status
    message: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            known = ", ".join(STATUSES)
            raise ValueError(f"a check's status must be one of {known}, got {self.status!r}")


def healthy(message: str = "", **details: Any) -> CheckResult:
    """All is well."""
    return CheckResult("healthy", message, details)


def warning(message: str = "", **details: Any) -> CheckResult:
    """It works, but somebody should look at it."""
    return CheckResult("warning", message, details)


def critical(message: str = "", **details: Any) -> CheckResult:
    """It does not work."""
    return CheckResult("critical", message, details)


def to_result(value: Any) -> CheckResult:
    """Take what a check returned for a result of plain values, without secrets."""
    if value is None or value is True:
        return healthy()
    if value is False:
        return critical("the check returned False")
    if isinstance(value, CheckResult):
        message, details = to_plain(value.message), to_plain(dict(value.details))
        return CheckResult(value.status, str(message), details)
    if inspect.iscoroutine(value):
        value.close()  # else Python warns that nobody awaited it
        return critical("the check returned a coroutine: make it an `async def` function itself")
    return critical(
        f"the check returned {type(value).__name__}: it may return healthy(...), warning(...), "
        "critical(...), True, False or None"
    )


def to_plain(value: Any) -> Any:
    """Copy any value into what JSON can take, without secrets."""
    return plain(value, Redactor())
