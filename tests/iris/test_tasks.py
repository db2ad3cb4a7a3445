"""Our tasks: made, found, changed, suspended; nobody else's is ours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session
from exporter.iris.system_performance import tasks
from exporter.iris.system_performance.marks import (
    BY_ADMINISTRATOR,
    BY_IRIS,
    ON,
    off_by_governor,
)
from exporter.iris.system_performance.policy import MonitoringPolicy, TaskSchedule
from exporter.iris.system_performance.task import REPAIR_EVERY
from tests.iris.double.faults import Close
from tests.iris.double.hooks import ServerError
from tests.iris.monitored import MINUTE, SCHEDULE, SHORT, Monitored

NOW = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)


def create(monitored: Monitored, schedule: TaskSchedule = SCHEDULE) -> str:
    """Create the schedule."""
    return tasks.create_schedule(monitored.session, schedule, monitored.instance.clock.today)


def test_a_created_schedule_does_what_is_wanted(monitored: Monitored) -> None:
    """Every five minutes all day, in %SYS, as a legacy task."""
    task_id = create(monitored)
    task = tasks.read_task(monitored.session, task_id)
    assert tasks.find_tasks(monitored.session, "PerfWatch perfwatch") == [task_id]
    assert task.does(SCHEDULE)
    assert not task.does(TaskSchedule(policy=SHORT))
    assert task.mark == ON
    stored = monitored.instance.tasks.named("PerfWatch perfwatch")
    assert (stored["NameSpace"], stored["TaskClass"]) == ("%SYS", "%SYS.Task.RunLegacyTask")
    assert (stored["TimePeriod"], stored["DailyFrequency"], stored["DailyIncrement"]) == (0, 1, 5)


def test_a_created_schedule_is_executed_at_once_and_then_as_planned(monitored: Monitored) -> None:
    """Within a minute, then at each fifth."""
    task_id = create(monitored)
    monitored.instance.advance(MINUTE)
    first = tasks.read_task(monitored.session, task_id).last_started
    monitored.instance.advance(5 * MINUTE)
    second = tasks.read_task(monitored.session, task_id).last_started
    assert first is not None
    assert second is not None
    assert [first.minute, second.minute] == [1, 5]


def test_where_today_is_over_it_begins_tomorrow(monitored: Monitored) -> None:
    """The one execution at once is there all the same."""
    monitored.instance.tasks.refuses_today = True
    task_id = create(monitored)
    monitored.instance.advance(MINUTE)
    assert tasks.read_task(monitored.session, task_id).last_started is not None
    stored = monitored.instance.tasks.named("PerfWatch perfwatch")
    assert stored["StartDate"] == monitored.instance.clock.today + 1


def test_one_that_is_to_be_off_never_runs(monitored: Monitored) -> None:
    """It is suspended, and says by whom."""
    mark = off_by_governor(NOW, "memory 97%")
    today = monitored.instance.clock.today
    task_id = tasks.create_schedule(monitored.session, SCHEDULE, today, mark)
    monitored.instance.advance(10 * MINUTE)
    task = tasks.read_task(monitored.session, task_id)
    assert task.mark == mark
    assert task.last_started is None


def test_a_change_of_the_hours_begins_today(monitored: Monitored) -> None:
    """And everything else stays."""
    task = tasks.read_task(monitored.session, create(monitored))
    monitored.instance.advance(86_400)
    wanted = TaskSchedule(policy=SHORT, every_minutes=10, start_seconds=36_000, end_seconds=40_000)
    tasks.update_schedule(monitored.session, task, wanted, monitored.instance.clock.today)
    changed = tasks.read_task(monitored.session, task.id)
    assert changed.does(wanted)
    assert changed.name == task.name
    assert monitored.instance.tasks.named(task.name)["StartDate"] == monitored.instance.clock.today


def test_another_user_is_asked_for_and_compared(monitored: Monitored) -> None:
    """Which needs a right of its own."""
    monitored.instance.accounts.add("runner", "secret")
    wanted = TaskSchedule(run_as_user="runner")
    with pytest.raises(IrisError, match="Running as user 'runner'") as raised:
        create(monitored, wanted)
    assert raised.value.kind is ErrorKind.REJECTED
    monitored.instance.grant("%Admin_Secure:U")
    task = tasks.read_task(monitored.session, create(monitored, wanted))
    assert task.does(wanted)
    assert task.does(SCHEDULE)


def test_suspending_and_resuming_may_be_repeated(monitored: Monitored) -> None:
    """Without a mark, a suspended task is an administrator's doing."""
    task_id = create(monitored)
    for _ in range(2):
        tasks.suspend(monitored.session, task_id)
    assert tasks.read_task(monitored.session, task_id).mark == BY_ADMINISTRATOR
    for _ in range(2):
        tasks.resume(monitored.session, task_id)
    assert tasks.read_task(monitored.session, task_id).mark == ON


def test_whether_it_is_suspended_counts_more_than_its_mark(monitored: Monitored) -> None:
    """A mark that was written before the suspending came to be."""
    task_id = create(monitored)
    tasks.write_mark(monitored.session, task_id, off_by_governor(NOW, "cpu 99%"))
    assert tasks.read_task(monitored.session, task_id).mark == ON


def test_what_went_wrong_in_a_task_is_told(monitored: Monitored) -> None:
    """And nothing before it was executed, nor after it went well."""
    task_id = tasks.create_command(
        monitored.session, SCHEDULE.policy, "set result=$$nothing^NoRoutine()"
    )
    assert not tasks.read_task(monitored.session, task_id).error
    tasks.run_now(monitored.session, task_id)
    monitored.instance.advance(MINUTE)
    assert "<NOROUTINE>" in tasks.read_task(monitored.session, task_id).error
    monitored.instance.tasks.tasks[int(task_id)].update(Status="1", Error="Success")
    assert not tasks.read_task(monitored.session, task_id).error
    monitored.instance.tasks.tasks[int(task_id)].update(Error="halted")
    assert tasks.read_task(monitored.session, task_id).error == "halted"


@pytest.mark.parametrize(
    ("act", "doing"),
    [
        (tasks.suspend, "suspend"),
        (tasks.resume, "resume"),
        (tasks.run_now, "run"),
        (tasks.delete, "delete"),
    ],
)
def test_what_iris_refuses_names_the_grant(
    monitored: Monitored, act: Callable[[Session, str], None], doing: str
) -> None:
    """Also where the task is there."""
    task_id = create(monitored)
    monitored.instance.revoke("%Admin_Task:U")
    with pytest.raises(IrisError, match=f"IRIS does not {doing} task {task_id}") as raised:
        act(monitored.session, task_id)
    assert raised.value.kind is ErrorKind.REJECTED
    assert "grant %Admin_Task:USE" in raised.value.remedy


def test_a_task_that_is_not_there_is_absent(monitored: Monitored) -> None:
    """Reading finds it out."""
    with pytest.raises(IrisError) as raised:
        tasks.read_task(monitored.session, "4711")
    assert raised.value.kind is ErrorKind.ABSENT
    assert tasks.name_of(monitored.session, "4711") is None


def test_a_member_of_a_mirror_executes_it(monitored: Monitored) -> None:
    """Whichever member it is: each is watched for itself."""
    monitored.instance.tasks.is_mirror_member = True
    task_id = create(monitored)
    monitored.instance.advance(MINUTE)
    assert tasks.read_task(monitored.session, task_id).last_started is not None


@pytest.mark.parametrize("trouble", [ServerError("<METHOD DOES NOT EXIST> *x"), Close()])
def test_a_version_without_mirrors_takes_it_too(
    monitored: Monitored, trouble: ServerError | Close
) -> None:
    """Only a lost connection keeps it from being created."""
    monitored.double.faults.next_call(trouble, "MirrorStatusDisplayToLogical")
    if isinstance(trouble, ServerError):
        assert tasks.read_task(monitored.session, create(monitored)).does(SCHEDULE)
        return
    with pytest.raises(IrisError):
        create(monitored)
    monitored.session.open()
    assert not monitored.task_names


def test_capital_letters_make_another_name(monitored: Monitored) -> None:
    """To profiles they do, and so to us; in SQL they do not."""
    other = create(monitored, TaskSchedule(policy=MonitoringPolicy(name="PERFWATCH")))
    assert tasks.find_tasks(monitored.session, "PerfWatch perfwatch") == []
    mine = create(monitored)
    assert tasks.find_tasks(monitored.session, "PerfWatch perfwatch") == [mine]
    assert tasks.find_tasks(monitored.session, "PerfWatch PERFWATCH") == [other]


def test_a_task_that_iris_has_suspended_was_on(monitored: Monitored) -> None:
    """One that has failed, with our mark; an administrator leaves no error behind."""
    task_id = create(monitored)
    monitored.instance.revoke("%DB_IRISSYS:W")
    monitored.instance.advance(MINUTE)
    task = tasks.read_task(monitored.session, task_id)
    assert task.mark == BY_IRIS
    assert task.last_started is not None
    assert not task.may_be_tried_again(task.last_started + REPAIR_EVERY - timedelta(seconds=1))
    assert task.may_be_tried_again(task.last_started + REPAIR_EVERY)
    assert task.may_be_tried_again(task.last_started - REPAIR_EVERY)  # a clock that was set back
    stored = monitored.instance.tasks.named("PerfWatch perfwatch")
    stored["Description"] = "not now"
    assert tasks.read_task(monitored.session, task_id).mark == BY_ADMINISTRATOR


def test_ours_are_known_by_their_names(monitored: Monitored) -> None:
    """Of all policies, and not those that only begin like ours."""
    mine = [
        create(monitored),
        create(monitored, TaskSchedule(policy=MonitoringPolicy(name="second"))),
        tasks.create_command(monitored.session, SCHEDULE.policy, "quit"),
    ]
    other = tasks.create_command(monitored.session, SCHEDULE.policy, "quit")
    monitored.instance.tasks.tasks[int(other)]["Name"] = "PerfWatch is what I want to try"
    assert tasks.list_tasks(monitored.session) == mine


def test_numbers_that_are_none_are_unknown(monitored: Monitored) -> None:
    """A task that a person has made may leave them out."""
    task_id = tasks.create_command(monitored.session, SCHEDULE.policy, "quit")
    task = tasks.read_task(monitored.session, task_id)
    assert task.every_minutes is None
    assert task.next_scheduled == ""
