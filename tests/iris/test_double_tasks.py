from __future__ import annotations

from typing import Any

import pytest

from tests.iris.double import wire
from tests.iris.double.clock import Clock
from tests.iris.double.hooks import ServerError, User
from tests.iris.double.instance import Instance
from tests.iris.double.performance_runs import GLOBAL
from tests.iris.double.status import OK, status_text
from tests.iris.double.task_schedule import next_run
from tests.iris.double.task_values import DEFAULTS

USER = User("perfwatch", "%SYS")
EVERY_FIVE_MINUTES = {
    "Name": "Every five minutes",
    "TaskClass": "%SYS.Task.RunLegacyTask",
    "DailyFrequency": 1,
    "DailyFrequencyTime": 0,
    "DailyIncrement": 5,
    "DailyEndTime": 86_340,
}
START_A_RUN = 'set device=$io,active=$$run^SystemPerformance("test") use device'


def settings(code: str) -> str:
    """Write settings as the driver sends them."""
    return wire.encode_all(["ExecuteCode", code]).decode("latin-1")


def create(instance: Instance, **properties: Any) -> Any:
    """Create a task; give its number, or why it is refused."""
    new = instance.class_method(USER, "%SYS.Task", "%New", []).object
    for name, value in {**EVERY_FIVE_MINUTES, **properties}.items():
        instance.property_set(USER, new, name, value)
    status = instance.object_method(USER, new, "%Save", [])
    return (
        int(instance.object_method(USER, new, "%Id", [])) if status == OK else status_text(status)
    )


def call(instance: Instance, method: str, *arguments: Any) -> Any:
    """Call a class method of %SYS.Task."""
    return instance.class_method(USER, "%SYS.Task", method, list(arguments))


class TestSaving:
    @pytest.mark.parametrize(
        ("change", "revoked", "number"),
        [
            ({"Name": ""}, "", 5659),
            ({"Name": "n" * 51}, "", 7201),
            ({"Name": "1st"}, "", 7404),
            ({"Description": "d" * 101}, "", 7201),
            ({"TaskClass": ""}, "", 5659),
            ({"TimePeriod": 2}, "", 5001),
            ({"RunAsUser": "_SYSTEM"}, "", 7405),
            ({"StartDate": 67_894}, "", 7432),
            ({"DailyFrequency": 0, "DailyStartTime": 1}, "", 7432),
            ({"Settings": settings("quit")}, "%Admin_Manage:U", 7434),
            ({}, "%Admin_Task:U", 921),
        ],
    )
    def test_what_is_refused(
        self, instance: Instance, change: dict[str, Any], revoked: str, number: int
    ) -> None:
        """Each has its number, and nothing is stored."""
        instance.accounts.add("_SYSTEM", "SYS")
        if revoked:
            instance.revoke(revoked)
        assert f"ERROR #{number}: " in create(instance, **change)
        assert not instance.tasks.tasks

    def test_the_strict_reading_of_a_start_in_the_past(self, instance: Instance) -> None:
        """A test may have midnight of today refused too; tomorrow is never."""
        instance.tasks.refuses_today = True
        assert "#7432" in create(instance)
        assert isinstance(create(instance, StartDate=instance.clock.today + 1), int)

    def test_two_tasks_may_have_one_name(self, instance: Instance) -> None:
        """They differ by their numbers; nobody said is the caller."""
        first, second = create(instance), create(instance)
        assert first < second
        assert instance.tasks.tasks[second]["RunAsUser"] == "perfwatch"
        assert call(instance, "%ExistsId", second) == 1

    def test_another_user_needs_a_right(self, instance: Instance) -> None:
        """With %Admin_Secure a task may run as somebody else."""
        instance.accounts.add("_SYSTEM", "SYS")
        instance.grant("%Admin_Secure:U")
        assert isinstance(create(instance, RunAsUser="_SYSTEM"), int)

    def test_a_changed_description_leaves_the_schedule_alone(self, instance: Instance) -> None:
        """A task whose start is long past can still be saved; what was not saved is lost."""
        number = create(instance)
        instance.advance(3 * 86_400)
        due = instance.tasks.tasks[number]["DayNextScheduled"]
        opened = call(instance, "%OpenId", number).object
        assert "08:05:00" in instance.property_get(USER, opened, "DisplayNextScheduled")
        instance.property_set(USER, opened, "Description", "changed")
        assert instance.tasks.tasks[number]["Description"] == ""
        assert instance.object_method(USER, opened, "%Save", []) == OK
        assert instance.tasks.tasks[number]["Description"] == "changed"
        assert instance.tasks.tasks[number]["DayNextScheduled"] == due
        instance.property_set(USER, opened, "Description", "lost")
        assert instance.object_method(USER, opened, "%Reload", []) == OK
        assert instance.property_get(USER, opened, "Description") == "changed"

    def test_properties_that_do_not_exist(self, instance: Instance) -> None:
        """They can be neither read nor set, as real servers say."""
        new = call(instance, "%New").object
        with pytest.raises(ServerError, match="<PROPERTY DOES NOT EXIST>"):
            instance.property_set(USER, new, "NextScheduledTime", 1)
        with pytest.raises(ServerError, match="<PROPERTY DOES NOT EXIST>"):
            instance.property_get(USER, new, "DailyIncrementUnit")


class TestRunning:
    def test_a_task_runs_when_it_is_due_at_the_next_full_minute(self, instance: Instance) -> None:
        """What became of it is in the task and in the history."""
        number = create(instance, Settings=settings(START_A_RUN))
        instance.advance(4 * 60)
        assert instance.tasks.tasks[number]["LastStarted"] == "0"
        instance.advance(60)
        task = instance.tasks.tasks[number]
        assert (task["LastStarted"], task["Status"], task["Error"]) == (
            "67895,29100",
            "1",
            "Success",
        )
        assert instance.globals.children(GLOBAL, "run") == ["20261121_080500_test"]
        assert instance.tasks.history[-1]["ExecuteCode"] == START_A_RUN
        instance.advance(300)
        assert instance.tasks.tasks[number]["LastStarted"] == "67895,29400"

    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            ("do nonsense", "<SYNTAX>"),
            ("set x=y", "<UNDEFINED> *y"),
            ('do run^SystemPerformance("test")', "<NOTOPEN>"),
            ('set x=$$run^Nowhere("test")', "<NOROUTINE>"),
            ('set x=$$start^SystemPerformance("test")', "<NOLINE>"),
            ("do ##class(No.Where).Go()", "<CLASS DOES NOT EXIST>"),
        ],
    )
    def test_a_task_that_fails_is_suspended(
        self, instance: Instance, code: str, reason: str
    ) -> None:
        """Its status has the error, its error is empty."""
        number = create(instance, Settings=settings(code))
        instance.advance(300)
        task = instance.tasks.tasks[number]
        assert reason in status_text(task["Status"])
        assert (task["Error"], task["Suspended"]) == ("", 1)

    def test_a_task_has_the_rights_of_its_user(self, instance: Instance) -> None:
        """Without writing to %SYS there is no run."""
        number = create(instance, Settings=settings(START_A_RUN))
        instance.revoke("%DB_IRISSYS:W")
        instance.advance(300)
        assert "<PROTECT>" in status_text(instance.tasks.tasks[number]["Status"])

    def test_a_suspended_task_keeps_its_time(self, instance: Instance) -> None:
        """When it is resumed it runs at once, as its time has passed; both may be repeated."""
        number = create(instance)
        assert [call(instance, "Suspend", number, 1) for _ in range(2)] == [OK, OK]
        instance.advance(3600)
        assert instance.tasks.tasks[number]["LastStarted"] == "0"
        assert [call(instance, "Resume", number) for _ in range(2)] == [OK, OK]
        instance.advance(60)
        assert instance.tasks.tasks[number]["LastStarted"] != "0"

    def test_a_suspended_task_may_be_rescheduled(self, instance: Instance) -> None:
        """Suspended with 2, it waits for its next time."""
        number = create(instance)
        call(instance, "Suspend", number, 2)
        instance.advance(3600)
        call(instance, "Resume", number)
        instance.advance(60)
        assert instance.tasks.tasks[number]["LastStarted"] == "0"

    def test_run_now_resumes(self, instance: Instance) -> None:
        """A suspended task that is asked to run is suspended no longer: a measured trap."""
        number = create(instance, TimePeriod=5)
        call(instance, "Suspend", number)
        assert call(instance, "RunNow", number) == OK
        assert instance.tasks.tasks[number]["Suspended"] == 0
        assert instance.tasks.tasks[number]["LastStarted"] == "0"
        instance.advance(30)
        assert instance.tasks.tasks[number]["LastStarted"] == "67895,28860"
        assert instance.tasks.tasks[number]["DayNextScheduled"] == ""

    def test_deleted_is_gone(self, instance: Instance) -> None:
        """Nothing opens it any more, and the history has what was done."""
        number = create(instance)
        opened = call(instance, "%OpenId", number).object
        assert call(instance, "%DeleteId", number) == OK
        assert call(instance, "%OpenId", number) is None
        assert instance.tasks.history[-1]["Routine"] == "TASKMGR"
        assert "5809" in status_text(call(instance, "%DeleteId", number))
        assert "5809" in status_text(instance.object_method(USER, opened, "%Reload", []))

    def test_managing_needs_a_right_and_looking_needs_none(self, instance: Instance) -> None:
        """Without %Admin_Task a task can be opened only."""
        number = create(instance)
        instance.revoke("%Admin_Task:U")
        for method in ("Suspend", "Resume", "RunNow", "%DeleteId"):
            assert "921" in status_text(call(instance, method, number))
        assert call(instance, "%OpenId", number) is not None


class TestSchedules:
    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({}, "2026-11-21 08:05"),
            ({"StartDate": 67_896}, "2026-11-22 00:00"),
            ({"DailyEndTime": 28_800}, "2026-11-22 00:00"),
            ({"DailyFrequencyTime": 1, "DailyIncrement": 3}, "2026-11-21 09:00"),
            ({"DailyStartTime": 30_000}, "2026-11-21 08:20"),
            ({"DailyFrequency": 0, "DailyStartTime": 60}, "2026-11-22 00:01"),
            ({"TimePeriodEvery": 3, "StartDate": 67_893}, "2026-11-22 00:00"),
            ({"DailyFrequency": 0, "EndDate": 67_895}, "None"),
            ({"TimePeriod": 5}, "None"),
        ],
    )
    def test_when_a_task_is_due(self, change: dict[str, Any], expected: str) -> None:
        """Of each kind of schedule, the first moment after 08:00:30."""
        task = {**DEFAULTS, **EVERY_FIVE_MINUTES, "StartDate": 67_895, **change}
        assert str(next_run(task, Clock().now)).removesuffix(":00") == expected
