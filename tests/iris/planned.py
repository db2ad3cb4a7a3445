"""An instance as far as a plan is concerned: the plan's steps are carried out on it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from exporter.iris.system_performance.marks import (
    BY_ADMINISTRATOR,
    ON,
    Mark,
    kept_on_by_operator,
    off_by_governor,
    off_by_operator,
)
from exporter.iris.system_performance.observation import Identity, Observed
from exporter.iris.system_performance.plan import Desired
from exporter.iris.system_performance.policy import MonitoringPolicy, TaskSchedule
from exporter.iris.system_performance.profiles import Profile
from exporter.iris.system_performance.reports import Host
from exporter.iris.system_performance.runs import Run, parse_runid
from exporter.iris.system_performance.steps import (
    AddProfile,
    CreateSchedule,
    DeleteTask,
    EditProfile,
    ResumeTask,
    StartRun,
    Step,
    StopRun,
    SuspendTask,
    UpdateSchedule,
    WriteMark,
)
from exporter.iris.system_performance.task import Task, schedule_code

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LOCAL = datetime(2026, 11, 21, 13, 0)  # noqa: DTZ001 -- a server's local time has no zone
SCHEDULE = TaskSchedule()
OTHER = TaskSchedule(policy=MonitoringPolicy(interval_seconds=10), every_minutes=10)

PAST, FUTURE = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
MARKS = [
    ON,
    off_by_governor(PAST, "cpu 93.1%"),
    off_by_operator(PAST),
    off_by_operator(PAST, FUTURE),
    off_by_operator(PAST, NOW),
    kept_on_by_operator(FUTURE),
    kept_on_by_operator(NOW),
]


@dataclass
class Model:
    """An instance, as far as the plan is concerned. It must not be asked for two runs."""

    has_wrapper: bool
    may_schedule: bool
    profile: Profile | None
    tasks: dict[str, Task] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    last_run: Run | None = None
    sees_runs: bool = True

    def observed(self) -> Observed:
        """Look at it."""
        ids = tuple(self.tasks) if self.may_schedule else None
        names = ("test",) if self.profile is None else ("test", self.profile.name)
        return Observed(
            now=LOCAL,
            identity=Identity(
                host=Host("host", "IRIS"),
                wrapper="PerfWatch wrapper 1" if self.has_wrapper else None,
                lacks_task_rights=not self.may_schedule,
            ),
            profile_names=names if self.sees_runs else None,
            profile=self.profile if self.sees_runs else None,
            task_ids=ids,
            task=self.tasks[ids[0]] if ids else None,
            runs=tuple(self.runs) if self.sees_runs else None,
            other_runs=1 if self.sees_runs else None,
            last_run=self.last_run,
        )

    def do(self, step: Step) -> None:
        """Carry out a step."""
        match step:
            case AddProfile(policy):
                assert self.profile is None
                self.profile = wanted_profile(policy)
            case EditProfile(policy):
                self.profile = wanted_profile(policy)
            case StopRun(runid):
                self.runs = [run for run in self.runs if run.runid != runid]
            case StartRun():
                assert not self.runs, "two runs of ours"
                assert not self.may_schedule, "two schedulers"
                self.runs.append(make_run(LOCAL))
            case _:
                self.do_with_tasks(step)

    def do_with_tasks(self, step: Step) -> None:
        """Carry out a step of the Task Manager."""
        match step:
            case CreateSchedule(schedule, mark):
                assert not self.tasks
                self.tasks["1"] = make_task("1", schedule, mark, is_suspended=not mark.is_on)
            case UpdateSchedule(task, schedule):
                is_suspended = self.tasks[task.id].is_suspended
                changed = make_task(task.id, schedule, ON, is_suspended=is_suspended)
                description = self.tasks[task.id].description
                self.tasks[task.id] = replace(changed, description=description)
            case DeleteTask(task_id):
                del self.tasks[task_id]
            case SuspendTask(task_id, mark):
                self.change(task_id, description=str(mark), is_suspended=True)
            case ResumeTask(task_id, mark):
                self.change(task_id, description=str(mark), is_suspended=False)
            case WriteMark(task_id, mark):
                self.change(task_id, description=str(mark))

    def change(self, task_id: str, **values: object) -> None:
        """Change a task."""
        self.tasks[task_id] = replace(self.tasks[task_id], **values)  # type: ignore[arg-type]


def wanted_profile(policy: MonitoringPolicy) -> Profile:
    """The profile of a policy."""
    return Profile(policy.name, policy.description, policy.interval_seconds, policy.count)


def make_run(started: datetime) -> Run:
    """One of ours."""
    run = parse_runid(f"{started:%Y%m%d_%H%M%S}_perfwatch")
    assert run is not None
    return run


def make_task(
    task_id: str, schedule: TaskSchedule, mark: Mark, *, is_suspended: bool, error: str = ""
) -> Task:
    """A task that does what a schedule wants."""
    return Task(
        id=task_id,
        name="PerfWatch perfwatch",
        description=str(mark) if mark != BY_ADMINISTRATOR else "",
        is_suspended=is_suspended,
        settings=f'"ExecuteCode","{schedule_code(schedule.policy)}"',
        every_minutes=schedule.every_minutes,
        start_seconds=schedule.start_seconds,
        end_seconds=schedule.end_seconds,
        run_as_user="perfwatch",
        last_started=None,
        last_finished=None,
        error=error,
        next_scheduled="",
    )


TASKS = st.lists(
    st.builds(
        lambda schedule, mark, is_suspended, error: make_task(
            "0", schedule, mark, is_suspended=is_suspended, error=error
        ),
        st.sampled_from([SCHEDULE, OTHER]),
        st.sampled_from([*MARKS, BY_ADMINISTRATOR]),
        st.booleans(),
        st.sampled_from(["", "<PROTECT>"]),
    ),
    max_size=3,
)
MODELS = st.builds(
    lambda rights, profile, found, runs, last, sees_runs: Model(
        has_wrapper=rights[0],
        may_schedule=rights[1],
        profile=profile,
        tasks={str(n): replace(task, id=str(n)) for n, task in enumerate(found, 2)},
        runs=[make_run(LOCAL - timedelta(minutes=10 * n)) for n in range(1, runs + 1)],
        last_run=last,
        sees_runs=sees_runs,
    ),
    st.tuples(st.booleans(), st.booleans()),
    st.sampled_from([None, wanted_profile(SCHEDULE.policy), wanted_profile(OTHER.policy)]),
    TASKS,
    st.integers(0, 2),
    st.sampled_from([None, make_run(LOCAL - timedelta(minutes=1)), make_run(LOCAL - timedelta(1))]),
    st.booleans(),
)
DESIRED = st.builds(
    lambda schedule, mark, by, flags: Desired(
        schedule=schedule, mark=mark, by=by, timer=flags[0], only_switch=flags[1]
    ),
    st.sampled_from([SCHEDULE, OTHER]),
    st.sampled_from([None, ON, off_by_governor(NOW, "cpu 99%"), off_by_operator(NOW)]),
    st.sampled_from(["governor", "operator"]),
    st.tuples(st.booleans(), st.booleans()),
)
