"""One sweep: what one rule removes in one run, within what the run may still do."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from threading import Event

from monitoring.cleanup_rules import CleanupRule
from monitoring.owned_folder import (
    OwnedFile,
    OwnedFolder,
    RefusedFolderError,
    open_owned_folder,
)
from monitoring.structured_logging import StructuredLogger

_TOO_BROAD = (
    "others may write to the folder too: let each pattern begin with three fixed characters or "
    "more, such as 'perfwatch-*'"
)

LOGGER = "perfwatch.cleanup"

log = StructuredLogger(LOGGER)


@dataclass(frozen=True, slots=True)
class RuleRun:
    """What one run did for one rule or registry. In a dry run: what it would have done."""

    rule: str
    examined: int = 0
    """How many entries the folder has, whatever their name; 0 for a registry."""
    removed: int = 0
    bytes: int = 0
    failures: int = 0
    reason: str = ""
    """Why nothing was removed, or not all that should have been; empty when all was."""
    files_left: int | None = None
    """Files the rule is about that are there now; None when unknown, as `bytes_left` is then."""
    bytes_left: int | None = None


class Allowance:
    """What a run may still do: so many removals, for so long, until it is told to stop."""

    def __init__(
        self, removals: int, seconds: float, clock: Callable[[], float], stopping: Event
    ) -> None:
        self.removals = removals
        self._clock = clock
        self._ends = clock() + seconds
        self._stopping = stopping

    def half_time(self) -> float:
        """When half of the time that is left now will be over."""
        return (self._clock() + self._ends) / 2

    def interruption(self, ends: float | None = None) -> str:
        """Why the run must end now, or at this earlier end; empty while it may go on."""
        if self._stopping.is_set():
            return "told to stop"
        if self._clock() >= (self._ends if ends is None else ends):
            return "out of time: the rest in the next run"
        return ""


def sweep(
    rule: CleanupRule, allowance: Allowance, now: Callable[[], float], *, dry_run: bool
) -> RuleRun:
    """Do what a rule says; OSError and refusals become the reason in the result."""
    try:
        with open_owned_folder(rule.folder) as folder:
            if folder.shared and not rule.has_own_prefixes():
                return RuleRun(rule.name, failures=1, reason=_TOO_BROAD)
            return _Sweep(rule, folder, allowance, now(), dry_run=dry_run).run()
    except FileNotFoundError:
        return RuleRun(rule.name, reason="the folder does not exist")
    except RefusedFolderError as error:
        return RuleRun(rule.name, failures=1, reason=str(error))
    except OSError as error:
        return RuleRun(rule.name, failures=1, reason=error.strerror or repr(error))


class _Sweep:
    def __init__(
        self,
        rule: CleanupRule,
        folder: OwnedFolder,
        allowance: Allowance,
        now: float,
        *,
        dry_run: bool,
    ) -> None:
        self._rule = rule
        self._folder = folder
        self._allowance = allowance
        self._now = now
        self._dry_run = dry_run
        self._done = "file would be removed" if dry_run else "file removed"
        # Asked once: a record that is thrown away costs as much as a removal.
        self._tells_each = logging.getLogger(LOGGER).isEnabledFor(logging.DEBUG)
        self._examined = self._files = self._bytes = 0
        self._removed = self._removed_bytes = self._failures = 0
        self._reason = ""

    def run(self) -> RuleRun:
        """List all, choose, remove."""
        # No more than can be removed is held in memory, however many there are; one more shows
        # that there are more.
        most = self._allowance.removals
        oldest = heapq.nsmallest(most + 1, self._settled_files())
        known = not self._reason
        # Without knowing how many there are: what is too old is too old.
        files, size = (self._files, self._bytes) if known else (0, 0)
        excess = self._rule.excess(oldest, files, size, self._now)
        self._remove(excess[:most])
        if len(excess) > most:
            self._explain("as many removed as a run may: the rest in the next run")
        gone, gone_bytes = (0, 0) if self._dry_run else (self._removed, self._removed_bytes)
        return RuleRun(
            self._rule.name,
            self._examined,
            self._removed,
            self._removed_bytes,
            self._failures,
            self._reason,
            self._files - gone if known else None,
            self._bytes - gone_bytes if known else None,
        )

    def _settled_files(self) -> Iterator[OwnedFile]:
        """Count all files the rule is about; give those that nobody is writing."""
        ends = self._allowance.half_time()
        with self._folder.names() as names:
            for name in names:
                if interruption := self._allowance.interruption(ends):
                    self._explain(interruption)
                    return
                self._examined += 1
                file = self._folder.look_at(name) if self._rule.matches(name) else None
                if file is None:
                    continue
                self._files += 1
                self._bytes += file.size
                if not self._rule.is_young(file, self._now):
                    yield file

    def _remove(self, excess: Iterable[OwnedFile]) -> None:
        for file in excess:
            if interruption := self._allowance.interruption():
                self._explain(interruption)
                return
            self._allowance.removals -= 1
            try:
                removed = self._dry_run or self._folder.remove(file)
            except OSError as error:
                self._failures += 1
                self._explain(f"{file.name!a}: {error.strerror}")
                continue
            if not removed:
                continue
            self._removed += 1
            self._removed_bytes += file.size
            if self._tells_each:
                log.debug(self._done, rule=self._rule.name, file=file.name)

    def _explain(self, reason: str) -> None:
        """Keep the first reason."""
        self._reason = self._reason or reason
