"""What there is of ours in an instance: the state that the plan is made from, and metrics are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session
from exporter.iris.system_performance import tasks, wrapper
from exporter.iris.system_performance.commands import WrapperCommands
from exporter.iris.system_performance.marks import Mark
from exporter.iris.system_performance.policy import MonitoringPolicy
from exporter.iris.system_performance.profiles import Profile, read_profile
from exporter.iris.system_performance.reports import Host, Report, find_host, find_report
from exporter.iris.system_performance.runs import (
    GLOBAL,
    HISTORY_LIMIT,
    Run,
    active_runids,
    ended_runids,
    ours,
    parse_wait,
    read_ended,
    server_time,
)
from exporter.iris.system_performance.task import Task

T = TypeVar("T")

NEWEST_RUNS = 50
"""Ended runs, of whomever, among which our last one is looked for."""

GRANT_GLOBALS = "grant %Native_GlobalAccess:USE and %DB_IRISSYS:READ to the role of the user"
GRANT_CLASSES = "grant %Native_ClassExecution:USE to the role of the user"


class Missing(NamedTuple):
    """A right that is missing."""

    what: str
    """What cannot be done without it."""
    grant: str
    """The exact grant that helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What does not change while a session lasts, unless somebody installs the wrapper."""

    host: Host
    wrapper: str | None = None
    """The version of the wrapper; None without one."""
    version: str | None = None
    """The version of ^SystemPerformance; only the wrapper can ask for it."""
    lacks_task_rights: bool = False
    """Whether IRIS says that we may not create tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was seen. None is what could not be seen; `missing` says which rights would show it."""

    now: datetime
    """The server's local time."""
    identity: Identity
    profile_names: tuple[str, ...] | None = None
    """All profiles; few before the routine is first used."""
    profile: Profile | None = None
    """Ours."""
    task_ids: tuple[str, ...] | None = None
    """Of our schedule, the oldest first: more than one where two daemons have created it."""
    task: Task | None = None
    """The first of them."""
    runs: tuple[Run, ...] | None = None
    """Ours that are active."""
    other_runs: int | None = None
    """How many others are active."""
    last_run: Run | None = None
    """Ours that ended last."""
    last_report: Report | None = None
    expired_reports: tuple[Report, ...] = ()
    """Ours that are older than the retention; looked for only where the schedule does not."""
    missing: tuple[Missing, ...] = ()

    @property
    def mark(self) -> Mark | None:
        """Whether collecting is on, and by whom; None where there is no schedule to say so."""
        return None if self.task is None else self.task.mark

    @property
    def can_schedule(self) -> bool:
        """Whether the Task Manager can start the runs."""
        return self.task_ids is not None and not self.identity.lacks_task_rights

    @property
    def can_command(self) -> bool:
        """Whether ^SystemPerformance can be called, in one way or another."""
        return self.can_schedule or self.identity.wrapper is not None


def identify(session: Session) -> Identity:
    """Ask what does not change."""
    with _needing(GRANT_CLASSES):
        host = find_host(session)
    installed = wrapper.installed_version(session)
    if installed is not None and not installed.startswith(wrapper.OURS):
        installed = None
    return Identity(
        host=host,
        wrapper=installed,
        version=_ask_version(session) if installed else None,
        lacks_task_rights=not all(_holds(session, name) for name in tasks.RESOURCES),
    )


def observe(
    session: Session, policy: MonitoringPolicy, identity: Identity | None = None
) -> Observed:
    """Look at everything of ours, in a few calls. What is not permitted is in `missing`.

    Raises IrisError where not even the time can be asked for.
    """
    identity = identity or identify(session)
    with _needing(GRANT_CLASSES):
        now = server_time(session)
    return _Observer(session, policy, identity, now).observe()


@contextmanager
def _needing(grant: str) -> Iterator[None]:
    """Name the grant that helps, where something is not permitted without which nothing goes."""
    try:
        yield
    except IrisError as error:
        if error.kind is not ErrorKind.PRIVILEGE:
            raise
        raise IrisError(error.kind, error.message, grant) from error


def _ask_version(session: Session) -> str | None:
    """Ask for the version of ^SystemPerformance; None where the wrapper is not complete."""
    try:
        return WrapperCommands(session).version()
    except IrisError as error:
        if error.connection_lost:
            raise
        return None


def _holds(session: Session, resource: str) -> bool:
    """Whether we hold a resource, as far as IRIS says."""
    try:
        return session.call("%SYSTEM.Security", "Check", resource, "USE") == 1
    except IrisError as error:
        if error.connection_lost:
            raise
        return True


def _history_limit(policy: MonitoringPolicy, *, is_purged: bool) -> int:
    """How far back to look: each name is a round trip. Further where reports have to be removed."""
    if is_purged:
        return NEWEST_RUNS
    kept = policy.retention_seconds // policy.duration_seconds
    return min(NEWEST_RUNS + 2 * kept, HISTORY_LIMIT)


class _Observer:
    """One look."""

    def __init__(
        self, session: Session, policy: MonitoringPolicy, identity: Identity, now: datetime
    ) -> None:
        self._session = session
        self._policy = policy
        self._identity = identity
        self._now = now
        self._missing: list[Missing] = []

    def observe(self) -> Observed:
        """Look at everything."""
        session, policy = self._session, self._policy
        names = self._globals(lambda: tuple(session.subscripts(GLOBAL, "profile")), "profiles")
        has_profile = names is not None and policy.name in names
        ids, task = self._tasks()
        active = self._globals(lambda: active_runids(session), "active runs")
        is_purged = task is not None and not task.is_suspended
        limit = _history_limit(policy, is_purged=is_purged)
        ended = self._globals(lambda: ended_runids(session, limit), "ended runs")
        runs = None if active is None else ours(active, policy.name)
        history = [run for run in ours(ended or (), policy.name) if run.runid not in (active or ())]
        last_run = read_ended(session, history[-1]) if history else None
        if self._identity.lacks_task_rights:
            self._missing.append(Missing("create tasks", tasks.GRANT_TASKS))
        return Observed(
            now=self._now,
            identity=self._identity,
            profile_names=names,
            profile=read_profile(session, policy.name) if has_profile else None,
            task_ids=ids,
            task=task,
            runs=None if runs is None else tuple(self._remaining(run) for run in runs),
            other_runs=None if active is None or runs is None else len(active) - len(runs),
            last_run=last_run,
            last_report=self._report(last_run),
            expired_reports=() if is_purged else self._expired(history),
            missing=tuple(dict.fromkeys(self._missing)),
        )

    def _tasks(self) -> tuple[tuple[str, ...] | None, Task | None]:
        name = tasks.schedule_name(self._policy)
        ids = self._try(
            lambda: tuple(tasks.find_tasks(self._session, name)),
            "find our task",
            tasks.GRANT_SELECT,
        )
        if not ids:
            return ids, None
        first = ids[0]
        task = self._try(
            lambda: tasks.read_task(self._session, first), "read our task", tasks.GRANT_TASKS
        )
        return ids, task

    def _globals(self, read: Callable[[], T], what: str) -> T | None:
        return self._try(read, f"read {what}", GRANT_GLOBALS)

    def _try(self, read: Callable[[], T], what: str, grant: str) -> T | None:
        """Read something; None where it is not permitted."""
        try:
            return read()
        except IrisError as error:
            if error.kind is not ErrorKind.PRIVILEGE:
                raise
            self._missing.append(Missing(what, grant))
            return None

    def _remaining(self, run: Run) -> Run:
        """Say how long a run still needs: as IRIS says, or as its profile lets expect."""
        if self._identity.wrapper is not None:
            with suppress(IrisError):
                words = WrapperCommands(self._session).wait(run.runid)
                return replace(run, remaining_seconds=parse_wait(words))
        due = run.started + timedelta(seconds=self._policy.duration_seconds)
        return replace(run, remaining_seconds=max(0.0, (due - self._now).total_seconds()))

    def _report(self, run: Run | None) -> Report | None:
        return self._try(
            lambda: find_report(self._session, self._identity.host, run) if run else None,
            "look at reports",
            GRANT_CLASSES,
        )

    def _expired(self, history: list[Run]) -> tuple[Report, ...]:
        """Find reports that nobody removes; those before one that is gone were removed too."""
        found: list[Report] = []
        oldest = self._now - timedelta(seconds=self._policy.retention_seconds)
        for run in reversed(history):
            if run.started > oldest:
                continue
            ended = read_ended(self._session, run)
            if ended.ended is None or ended.ended > oldest:
                continue
            report = self._report(ended)
            if report is None:
                break
            found.append(report)
        return tuple(found)
