"""What has to be done so that an instance is as desired: a pure function of what was observed.

Each step may be repeated without harm, and the truth is in IRIS: the next daemon goes on there.
Nothing of anybody else is touched, and there are never two runs of ours: the schedule starts none
while one is active, and only where there can be no schedule a run is started from here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from exporter.iris.system_performance.marks import BY_ADMINISTRATOR, BY_IRIS, ON, Mark
from exporter.iris.system_performance.observation import Missing, Observed
from exporter.iris.system_performance.policy import MonitoringPolicy, TaskSchedule
from exporter.iris.system_performance.steps import (
    AddProfile,
    CreateSchedule,
    DeleteTask,
    EditProfile,
    RemoveReport,
    ResumeTask,
    StartRun,
    Step,
    StopRun,
    SuspendTask,
    UpdateSchedule,
    WriteMark,
)
from exporter.iris.system_performance.tasks import GRANT_SELECT, GRANT_TASKS

START_RUNS = "start runs"
CHANGE_PROFILES = "make or change our profile"
STOP_RUNS = "stop runs"
WHEN_FAILED = "IRIS has suspended it as it failed, and it is tried again every hour"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What is wanted."""

    schedule: TaskSchedule = field(default_factory=TaskSchedule)
    mark: Mark | None = None
    """Whether collecting is to be on; None leaves it as it is, and new ones begin on."""
    by: Literal["governor", "operator"] = "operator"
    """Who wants that mark. The governor suspends only what is on, and resumes only what it has
    suspended itself; an operator may do everything."""
    timer: bool = False
    """Whether runs may be started from here, where there can be no schedule."""
    force: bool = False
    """Write the profile and the schedule anew, also where they look right."""
    only_switch: bool = False
    """Do nothing but what the mark asks for."""

    @property
    def policy(self) -> MonitoringPolicy:
        """The profile, and how long reports are kept."""
        return self.schedule.policy


class Plan(NamedTuple):
    """What to do, and what cannot be done for want of rights."""

    steps: tuple[Step, ...]
    missing: tuple[Missing, ...]


def plan(desired: Desired, observed: Observed, now: datetime) -> Plan:
    """Say what has to be done; `now` is in UTC, as the marks are."""
    missing = list(observed.missing)

    def commanded(wanted: list[Step], what: str) -> list[Step]:
        if not wanted or observed.can_command:
            return wanted
        missing.append(Missing(what, _grant_commands(observed)))
        return []

    # What is off is suspended first and stopped then: the schedule could start another run.
    steps = _switch_steps(desired, observed, now)
    task = observed.task
    if task is not None and task.mark == BY_IRIS and not steps:
        missing.append(Missing("rely on our task", f"{WHEN_FAILED}: {task.error}"))
    steps += commanded(_stop_steps(desired, observed, now), STOP_RUNS)
    if not desired.only_switch:
        steps += commanded(_profile_steps(desired, observed), CHANGE_PROFILES)
        steps += _schedule_steps(desired, observed)
        steps += _start_steps(desired, observed)
        steps += [RemoveReport(report) for report in reversed(observed.expired_reports)]
        if not observed.can_command and task is None:  # one that is there goes on
            missing.append(Missing(START_RUNS, _grant_commands(observed)))
    return Plan(tuple(steps), tuple(dict.fromkeys(missing)))


def next_mark(current: Mark, desired: Desired, now: datetime) -> Mark:
    """Say which mark follows from the one that is there and the one that is wanted."""
    if current.has_expired(now) or current == BY_IRIS:
        current = ON  # what IRIS has suspended was on
    wanted = desired.mark
    if wanted is None:
        return current
    if desired.by == "operator":
        same = str(replace(wanted, since=current.since or wanted.since)) == str(current)
        return current if same and current.by == wanted.by else wanted
    if wanted.is_on:
        return ON if current.by == "governor" else current
    return wanted if current.state == "on" else current


def _grant_commands(observed: Observed) -> str:
    """Name what helps where ^SystemPerformance cannot be called: what is lacking, no more."""
    grants = [GRANT_SELECT] if observed.task_ids is None else []
    grants += [GRANT_TASKS] if observed.identity.lacks_task_rights else []
    return f"{', and '.join(grants)}; or have the wrapper installed: `perfwatch iris install`"


def _profile_steps(desired: Desired, observed: Observed) -> list[Step]:
    policy, profile = desired.policy, observed.profile
    if observed.profile_names is None:
        return []
    if policy.name not in observed.profile_names:
        return [AddProfile(policy)]
    if desired.force or (profile is not None and not profile.does(policy)):
        return [EditProfile(policy)]
    return []


def _stop_steps(desired: Desired, observed: Observed, now: datetime) -> list[Step]:
    """While collecting is off, ours do not run; what an administrator has suspended is theirs."""
    mark = desired.mark if observed.mark is None else next_mark(observed.mark, desired, now)
    if mark is None or mark.is_on or mark == BY_ADMINISTRATOR:
        return []
    return [StopRun(run.runid) for run in observed.runs or ()]


def _schedule_steps(desired: Desired, observed: Observed) -> list[Step]:
    """There is one schedule, and it does what is wanted."""
    if not observed.can_schedule or observed.task_ids is None:
        return []
    if not observed.task_ids:
        return [CreateSchedule(desired.schedule, desired.mark or ON)]
    steps: list[Step] = [DeleteTask(surplus) for surplus in observed.task_ids[1:]]
    task = observed.task
    if task is not None and (desired.force or not task.does(desired.schedule)):
        steps.append(UpdateSchedule(task, desired.schedule))
    return steps


def _switch_steps(desired: Desired, observed: Observed, now: datetime) -> list[Step]:
    """The schedule is suspended or not, as its mark says."""
    task = observed.task
    if task is None or not observed.can_schedule:
        return []
    mark = next_mark(task.mark, desired, now)
    if mark.is_on and task.is_suspended:
        has_failed = task.mark == BY_IRIS and desired.by == "governor"
        waits = desired.only_switch or not task.may_be_tried_again(observed.now)
        return [] if has_failed and waits else [ResumeTask(task.id, mark)]
    if not mark.is_on and not task.is_suspended:
        return [SuspendTask(task.id, mark)]
    if mark != BY_ADMINISTRATOR and str(mark) != task.description:
        return [WriteMark(task.id, mark)]
    return []


def _start_steps(desired: Desired, observed: Observed) -> list[Step]:
    """Start a run where there can be no schedule, none is active, and the last is not just over."""
    profile, last = observed.profile, observed.last_run
    every = timedelta(minutes=desired.schedule.every_minutes)
    if (
        not desired.timer
        or observed.can_schedule
        or observed.identity.wrapper is None
        or observed.runs != ()
        or (profile is None or not profile.does(desired.policy))
        or (last is not None and observed.now - last.started < every)
        or (desired.mark is not None and not desired.mark.is_on)
    ):
        return []
    return [StartRun(desired.policy)]
