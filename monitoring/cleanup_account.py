"""The account of the cleanup's runs: metrics, JSON, and a log line per change of state."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from monitoring.cleanup_sweep import LOGGER, RuleRun
from monitoring.metrics import Family, counter, gauge
from monitoring.structured_logging import StructuredLogger

log = StructuredLogger(LOGGER)


@dataclass(frozen=True, slots=True)
class CleanupRun:
    """One run over all rules and registries. In a dry run: what it would have done."""

    started: float
    """In Unix time."""
    duration_seconds: float
    dry_run: bool
    rules: tuple[RuleRun, ...]
    """In the order of this run; without those that an early end left no turn."""

    @property
    def removed(self) -> int:
        """How many files and registry entries were removed."""
        return sum(rule.removed for rule in self.rules)

    @property
    def bytes(self) -> int:
        """How many bytes the removed files had."""
        return sum(rule.bytes for rule in self.rules)

    @property
    def failures(self) -> int:
        """How many removals, folders and registries failed."""
        return sum(rule.failures for rule in self.rules)


class _Sums:
    """One rule or registry since the service was made."""

    def __init__(self, name: str, folder: Path | None) -> None:
        self.folder = folder
        self.removed = 0
        self.bytes = 0
        self.failures = 0
        self.last = RuleRun(name)
        self._fails = False

    def add(self, run: RuleRun) -> bool:
        """Add a run; True when the rule has begun to fail or ceased to."""
        self.removed += run.removed
        self.bytes += run.bytes
        self.failures += run.failures
        self.last = run
        failed_before = self._fails
        # Without a failure but with a reason, nothing was proved: the folder is not there, say.
        self._fails = run.failures > 0 or (failed_before and run.reason != "")
        return failed_before != self._fails


class CleanupAccount:
    """Sums of all runs. Its methods may be called from any thread."""

    def __init__(self, *, dry_run: bool) -> None:
        self._dry_run = dry_run
        self._lock = threading.Lock()
        self._folders: dict[str, _Sums] = {}
        self._registries: dict[str, _Sums] = {}
        self._runs = 0
        self._last: CleanupRun | None = None
        self._next: float | None = None
        self._families: tuple[Family, ...] | None = None

    def open(self, name: str, folder: Path | None) -> None:
        """Begin with a rule, or with a registry, which has no folder.

        Raises ValueError when there is one of this name.
        """
        with self._lock:
            if name in self._folders or name in self._registries:
                raise ValueError(f"there is a cleanup rule {name!r} already: give another name")
            sums = self._registries if folder is None else self._folders
            sums[name] = _Sums(name, folder)
            self._families = None

    def _all(self) -> dict[str, _Sums]:
        return self._folders | self._registries

    def book(self, run: CleanupRun) -> None:
        """Add a finished run."""
        with self._lock:
            self._runs += 1
            self._last = run
            self._families = None
            sums = self._all()
            changed = [rule for rule in run.rules if sums[rule.rule].add(rule)]
        for rule in changed:
            _log_change(rule, sums[rule.rule].folder)
        _log_run(run)

    def plan(self, next_run: float | None) -> None:
        """Note when the next run will be, in Unix time; None when none is planned."""
        with self._lock:
            self._next = next_run
            self._families = None

    def statistics(self) -> dict[str, Any]:
        """Give everything as JSON's types; what is unknown is null."""
        with self._lock:
            last = self._last
            return {
                "dry_run": self._dry_run,
                "runs": self._runs,
                "removed_files": sum(rule.removed for rule in self._folders.values()),
                "removed_bytes": sum(rule.bytes for rule in self._folders.values()),
                "removed_entries": sum(rule.removed for rule in self._registries.values()),
                "failures": sum(rule.failures for rule in self._all().values()),
                "last_duration_seconds": last and round(last.duration_seconds, 6),
                "last_run": last and _date(last.started),
                "next_run": None if self._next is None else _date(self._next),
                "rules": {name: _of_folder(rule) for name, rule in self._folders.items()},
                "registries": {name: _of_registry(r) for name, r in self._registries.items()},
            }

    def families(self) -> tuple[Family, ...]:
        """Give the metrics; the same objects until something has changed."""
        with self._lock:
            if self._families is None:
                self._families = (*self._service_families(), *self._rule_families())
            return self._families

    def _service_families(self) -> Iterable[Family]:
        yield counter("perfwatch_cleanup_runs_total", "Finished cleanup runs.", self._runs)
        yield gauge(
            "perfwatch_cleanup_dry_run",
            "Whether the cleanup only counts what it would remove.",
            int(self._dry_run),
        )
        if self._last is not None:
            yield gauge(
                "perfwatch_cleanup_last_duration_seconds",
                "How long the last cleanup run took.",
                self._last.duration_seconds,
            )
            yield gauge(
                "perfwatch_cleanup_last_run_timestamp_seconds",
                "When the last cleanup run began.",
                self._last.started,
            )
        if self._next is not None:
            yield gauge(
                "perfwatch_cleanup_next_run_timestamp_seconds",
                "When the next cleanup run is to begin.",
                self._next,
            )

    def _rule_families(self) -> Iterable[Family]:
        for name, help_text, kind, read in RULE_FAMILIES:
            sums = {"folders": self._folders, "registries": self._registries}.get(kind)
            family = _by_rule(name, help_text, self._all() if sums is None else sums, read)
            if family.samples:
                yield family


RULE_FAMILIES: tuple[tuple[str, str, str, Callable[[_Sums], int | None]], ...] = (
    ("perfwatch_cleanup_removed_files_total", "Files removed.", "folders", lambda s: s.removed),
    ("perfwatch_cleanup_removed_bytes_total", "Bytes removed.", "folders", lambda s: s.bytes),
    (
        "perfwatch_cleanup_removed_entries_total",
        "Expired entries removed from registries.",
        "registries",
        lambda s: s.removed,
    ),
    (
        "perfwatch_cleanup_failures_total",
        "Files, folders and registries the cleanup failed at.",
        "all",
        lambda s: s.failures,
    ),
    (
        "perfwatch_cleanup_files",
        "Files left by the last run.",
        "folders",
        lambda s: s.last.files_left,
    ),
    (
        "perfwatch_cleanup_bytes",
        "Bytes left by the last run.",
        "folders",
        lambda s: s.last.bytes_left,
    ),
)
"""Name, help, what has it, and the number that it is."""


def _by_rule(
    name: str, help_text: str, sums: Mapping[str, _Sums], read: Callable[[_Sums], int | None]
) -> Family:
    kind = "counter" if name.endswith("_total") else "gauge"
    values = ((rule, read(one)) for rule, one in sums.items())
    samples = [((rule,), value) for rule, value in values if value is not None]
    return Family(name, help_text, kind, ("rule",), samples)


def _log_change(run: RuleRun, folder: Path | None) -> None:
    where: dict[str, Any] = {} if folder is None else {"folder": str(folder)}
    if run.failures:
        log.warning("cleanup rule fails", rule=run.rule, reason=run.reason, **where)
    else:
        log.info("cleanup rule works again", rule=run.rule, **where)


def _log_run(run: CleanupRun) -> None:
    # A rule that fails is logged when it begins to.
    write = log.info if run.removed else log.debug
    write(
        "cleanup run finished",
        removed=run.removed,
        bytes=run.bytes,
        failures=run.failures,
        seconds=round(run.duration_seconds, 3),
        dry_run=run.dry_run,
        rules={
            rule.rule: {"removed": rule.removed, "failures": rule.failures, "reason": rule.reason}
            for rule in run.rules
            if rule.removed or rule.failures
        },
    )


def _of_folder(rule: _Sums) -> dict[str, Any]:
    return {
        "folder": str(rule.folder),
        "removed_files": rule.removed,
        "removed_bytes": rule.bytes,
        "failures": rule.failures,
        "files": rule.last.files_left,
        "bytes": rule.last.bytes_left,
        "failing": rule.last.failures > 0,
        "reason": rule.last.reason,
    }


def _of_registry(rule: _Sums) -> dict[str, Any]:
    return {
        "removed_entries": rule.removed,
        "failures": rule.failures,
        "failing": rule.last.failures > 0,
        "reason": rule.last.reason,
    }


def _date(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return f"{moment.isoformat(timespec='milliseconds')}Z"
