"""Health checks: is this service alive, is it ready, and if not, why.

A `HealthMonitor` runs the functions registered with it, all at the same time and each under its
own deadline. Whatever a check does, hang or raise, costs only itself. Ready-made checks are in
`monitoring.ready_checks`.
"""

from __future__ import annotations

import asyncio
import math
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from monitoring.check_result import (
    STATUSES,
    CheckResult,
    Status,
    critical,
    healthy,
    to_plain,
    warning,
)
from monitoring.check_runner import Call, Check, Outcome, wait, wait_async
from monitoring.metrics import Family, LabelValues, Number, to_prometheus
from monitoring.structured_logging import StructuredLogger

if TYPE_CHECKING:
    from prometheus_client.core import Metric

__all__ = ["CheckResult", "HealthMonitor", "critical", "healthy", "warning"]

log = StructuredLogger("perfwatch.health")

_Function = TypeVar("_Function", bound=Callable[[], Any])


class HealthMonitor:
    """The checks of one service; none at first. All methods may be called from any thread."""

    def __init__(self, info: Mapping[str, Any] | None = None) -> None:
        """`info` (the version, say) is shown in the detailed status."""
        self.last_report: dict[str, Any] | None = None
        """What the newest run gave; None before the first one has ended."""
        self._info = dict(info or {})
        self._started = monotonic()
        self._lock = threading.Lock()
        # Replaced, never changed: whoever iterates over it needs no lock.
        self._checks: dict[str, Check] = {}
        self._built: tuple[dict[str, Outcome], tuple[Family, ...]] | None = None

    def register_check(
        self,
        name: str,
        critical: bool = True,  # noqa: FBT002 -- always written with its name
        timeout: float = 5.0,
        cache_seconds: float = 0.0,
    ) -> Callable[[_Function], _Function]:
        """Register a function, sync or async, as a check; a decorator that leaves it as it is.

        The function takes nothing and returns `healthy(...)`, `warning(...)` or `critical(...)`
        (True and None count as healthy, False as critical). A check with `critical=False` lowers
        the overall status no further than to warning. A result younger than `cache_seconds` is
        used again. Raises ValueError for a name that is taken, or a setting out of range.
        """
        _check_name(name)
        _check_seconds("timeout", timeout, positive=True)
        _check_seconds("cache_seconds", cache_seconds, positive=False)

        def register(function: _Function) -> _Function:
            if not callable(function):
                raise ValueError(f"the check {name!r} must be a function, got {function!r}")  # noqa: TRY004 -- one class of errors for all wrong registrations
            check = Check(
                name,
                function,
                is_critical=critical,
                timeout=timeout,
                cache_seconds=cache_seconds,
            )
            with self._lock:
                if name in self._checks:
                    raise ValueError(
                        f"a check named {name!r} is registered already: choose another name, "
                        "or unregister_check() it first"
                    )
                self._checks = {**self._checks, name: check}
            return function

        return register

    def unregister_check(self, name: str) -> None:
        """Forget a check. Raises ValueError when there is none of this name."""
        with self._lock:
            if name not in self._checks:
                raise ValueError(f"no check named {name!r} is registered")
            self._checks = {key: check for key, check in self._checks.items() if key != name}

    def run_all_checks(self) -> dict[str, Any]:
        """Run all checks and wait for them, each for at most its timeout.

        Async checks run in event loops of their own. Raises RuntimeError in an event loop's
        thread, which it would block.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise RuntimeError(
                "run_all_checks() would block the running event loop: "
                "await arun_all_checks() instead, and pass on the report it gives"
            )
        checks = self._checks
        begun = {name: check.begin(in_loop=False) for name, check in checks.items()}
        outcomes = {name: wait(checks[name], call) for name, call in _by_deadline(begun)}
        return self._report(checks, begun, outcomes)

    async def arun_all_checks(self) -> dict[str, Any]:
        """Do as `run_all_checks` does in asyncio: async checks run in the caller's event loop."""
        checks = self._checks
        begun = {name: check.begin(in_loop=True) for name, check in checks.items()}
        outcomes = {
            name: await wait_async(checks[name], call) for name, call in _by_deadline(begun)
        }
        return self._report(checks, begun, outcomes)

    def get_liveness_status(self) -> dict[str, Any]:
        """Say that the process answers, and for how long it has. Runs no check."""
        return {"status": "healthy", "timestamp": _now(), "uptime_seconds": self._uptime()}

    def get_readiness_status(self, report: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Say "ready", or "not ready" and which critical checks fail for what reason.

        Without a report it runs all checks; in asyncio pass `await monitor.arun_all_checks()`.
        """
        report = self.run_all_checks() if report is None else report
        failing = {
            name: check["message"]
            for name, check in report["checks"].items()
            if check["critical"] and check["status"] == "critical"
        }
        status = "not ready" if failing else "ready"
        return {"status": status, "timestamp": report["timestamp"], "failing": failing}

    def get_detailed_status(self, report: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Give a report, with the process and its `info` beside it.

        Without a report it runs all checks; in asyncio pass `await monitor.arun_all_checks()`.
        """
        report = self.run_all_checks() if report is None else report
        return {
            **report,
            "uptime_seconds": self._uptime(),
            "process_id": os.getpid(),
            "info": to_plain(self._info),
        }

    @staticmethod
    def http_status(report: Mapping[str, Any]) -> int:
        """Give the HTTP status code for a report or a status: 503 when critical or not ready."""
        failed = report.get("overall_status") == "critical" or report.get("status") == "not ready"
        return 503 if failed else 200

    def families(self) -> Iterable[Family]:
        """The last result of each check that has run; built anew only when one has changed."""
        outcomes = {
            name: check.last for name, check in self._checks.items() if check.last is not None
        }
        built = self._built
        if built is None or built[0] != outcomes:
            built = self._built = (outcomes, tuple(_families(outcomes)))
        return built[1]

    def collect(self) -> Iterator[Metric]:
        """The same for a registry of `prometheus_client`."""
        return to_prometheus(self.families())

    def _uptime(self) -> float:
        return round(monotonic() - self._started, 3)

    def _report(
        self,
        checks: Mapping[str, Check],
        begun: Mapping[str, Call | Outcome],
        outcomes: Mapping[str, Outcome],
    ) -> dict[str, Any]:
        summary = dict.fromkeys((*STATUSES, "total"), 0)
        worst: Status = "healthy"
        shown = {}
        for name, check in checks.items():
            first = begun[name]
            outcome = first if isinstance(first, Outcome) else outcomes[name]
            shown[name] = _show(check, outcome)
            summary[outcome.result.status] += 1
            summary["total"] += 1
            worst = max(worst, _weigh(outcome.result.status, check), key=STATUSES.index)
            _log_change(check)
        self.last_report = {
            "overall_status": worst,
            "timestamp": _now(),
            "checks": shown,
            "summary": summary,
        }
        return self.last_report


def _by_deadline(begun: Mapping[str, Call | Outcome]) -> list[tuple[str, Call]]:
    """Give the calls in the order of their deadlines.

    Waited for one after the other in this order, each is judged when its own deadline comes.
    """
    calls = [(name, call) for name, call in begun.items() if isinstance(call, Call)]
    return sorted(calls, key=lambda item: item[1].deadline)


def _show(check: Check, outcome: Outcome) -> dict[str, Any]:
    return {
        "status": outcome.result.status,
        "message": outcome.result.message,
        "details": outcome.result.details,
        "duration_seconds": round(outcome.seconds, 6),
        "critical": check.is_critical,
        "checked_at": _iso(outcome.checked_at),
        "cached": outcome.cached,
    }


def _weigh(status: Status, check: Check) -> Status:
    """Give what a check's status counts in the whole."""
    return "warning" if status == "critical" and not check.is_critical else status


def _log_change(check: Check) -> None:
    change = check.take_change()
    if change is None:
        return
    before, result = change
    fields: dict[str, Any] = {"check": check.name, "status": result.status, "before": before}
    if STATUSES.index(result.status) < STATUSES.index(before):
        log.info("health check recovered", **fields, reason=result.message)
    elif _weigh(result.status, check) == "critical":
        log.error("health check worsened", **fields, reason=result.message)
    else:
        log.warning("health check worsened", **fields, reason=result.message)


def _families(outcomes: Mapping[str, Outcome]) -> Iterator[Family]:
    def family(name: str, help_text: str, number: Callable[[Outcome], Number]) -> Family:
        samples: list[tuple[LabelValues, Number]] = [
            ((check,), number(outcome)) for check, outcome in outcomes.items()
        ]
        return Family(name, help_text, "gauge", ("check",), samples)

    yield family(
        "perfwatch_health_check_status",
        "Result of the last run of a health check: 0 healthy, 1 warning, 2 critical.",
        lambda outcome: STATUSES.index(outcome.result.status),
    )
    yield family(
        "perfwatch_health_check_duration_seconds",
        "How long the last run of a health check took, or had taken at its deadline.",
        lambda outcome: outcome.seconds,
    )
    yield family(
        "perfwatch_health_check_last_run_timestamp_seconds",
        "When a health check last gave a result, as a Unix time.",
        lambda outcome: outcome.checked_at.timestamp(),
    )


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not name:
        raise ValueError(f'write @monitor.register_check("name"), with a name; got {name!r}')


def _check_seconds(setting: str, seconds: Any, *, positive: bool) -> None:
    # A boolean is an int to Python, but no number of seconds.
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not math.isfinite(seconds) or seconds < 0 or (positive and not seconds):
        least = "more than 0" if positive else "0 or more"
        raise ValueError(f"{setting} must be {least} seconds, got {seconds!r}")


def _now() -> str:
    return _iso(datetime.now(UTC))


def _iso(moment: datetime) -> str:
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
