"""What perf is doing, said in the log once per change."""

from __future__ import annotations

from exporter.perf.findings import Findings
from monitoring.structured_logging import StructuredLogger

log = StructuredLogger("perfwatch.perf")

COUNTING = "counting"
ENDED = "ended"


class States:
    """Remembers what was said last."""

    def __init__(self) -> None:
        self._said = ""

    def counts(self, findings: Findings) -> None:
        """It counts what was found."""
        if self._said == COUNTING:
            return
        fields: dict[str, object] = {
            "events": [event.name for group in findings.groups for event in group],
            "missing": _missing(findings),
            "explanation": findings.explanation,
        }
        if self._said:
            log.info("perf recovered", **fields)
        else:
            log.info("perf is counting", **fields)
        self._said = COUNTING

    def was_replaced(self, reason: str) -> None:
        """Another one counts instead, and nothing is wrong."""
        log.info("perf replaced", reason=reason)

    def is_idle(self) -> None:
        """It was ended, as nobody reads what it counts."""
        log.info("perf is idle")
        self._said = ""

    def ended(
        self,
        reason: str,
        pause_seconds: float,
        *,
        exit_code: int | None,
        message: str,
        error: Exception | None,
    ) -> None:
        """It could not be started, or has failed."""
        if self._said != ENDED:
            log.warning(
                "perf ended",
                reason=reason,
                exit_code=exit_code,
                message=message,
                next_try_seconds=round(pause_seconds, 1),
                exc_info=error,
            )
        self._said = ENDED

    def cannot_count(self, findings: Findings) -> None:
        """Nothing can be counted."""
        said = f"cannot count: {findings.explanation}"
        if self._said != said:
            log.warning(
                "perf cannot count",
                explanation=findings.explanation,
                missing=_missing(findings),
            )
        self._said = said


def _missing(findings: Findings) -> dict[str, str]:
    return {event.name: reason for event, reason in findings.reasons.items() if reason}
