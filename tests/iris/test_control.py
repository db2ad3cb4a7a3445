"""The library API, call by call, with the real driver."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exporter.iris import control
from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.system_performance import tasks
from exporter.iris.system_performance.policy import (
    MonitoringPolicy,
    ResourceThresholds,
    TaskSchedule,
)
from tests.iris.double.hooks import ServerError
from tests.iris.monitored import MINUTE, SHORT, Monitored

LATER = datetime.now(UTC) + timedelta(hours=6)


def foreign_task(monitored: Monitored) -> str:
    """A task that somebody else has made."""
    task_id = tasks.create_command(monitored.session, SHORT, "quit")
    monitored.instance.tasks.tasks[int(task_id)]["Name"] = "Nightly backup"
    return task_id


def state(monitored: Monitored) -> str:
    """What the status says."""
    document = control.get_monitoring_status(monitored.session)[1]
    return f"{document['state']} {document['by'] or ''}".strip()


def test_configuring_makes_what_is_missing_and_says_so(monitored: Monitored) -> None:
    """Once; then there is nothing to be done."""
    assert control.configure_monitoring(monitored.session) == (
        True,
        "make the profile perfwatch\ncreate the task PerfWatch perfwatch",
    )
    monitored.instance.advance(6 * MINUTE)
    assert len(monitored.active_runs) == 1
    assert control.configure_monitoring(monitored.session) == (
        True,
        "everything is as it should be",
    )


def test_another_policy_changes_what_is_there(monitored: Monitored) -> None:
    """Profile and task, without a second one of either."""
    monitored.configure()
    done, text = control.configure_monitoring(
        monitored.session, MonitoringPolicy(interval_seconds=10, retention_seconds=0)
    )
    assert done
    assert text == "change the profile perfwatch\nchange task 1000"
    monitored.instance.advance(MINUTE)
    assert monitored.instance.globals.get("IRIS.SystemPerformance", "profile", "perfwatch") == (
        "PerfWatch: every 10 s for 3600 s",
        10,
        360,
    )
    assert monitored.task_names.count("PerfWatch perfwatch") == 1


def test_force_writes_it_all_again(monitored: Monitored) -> None:
    """Though nothing looks wrong."""
    monitored.configure()
    done, text = control.configure_monitoring(monitored.session, force=True)
    assert done
    assert text == "change the profile perfwatch\nchange task 1000"


def test_a_second_task_of_ours_is_deleted(monitored: Monitored) -> None:
    """The oldest counts; two daemons may have begun at once."""
    monitored.configure()
    today = monitored.instance.clock.today
    surplus = tasks.create_schedule(monitored.session, TaskSchedule(), today)
    done, text = control.configure_monitoring(monitored.session)
    assert done
    assert text == f"delete task {surplus}, as there is an older one of its name"


def test_what_iris_refuses_is_told_and_the_rest_is_done(monitored: Monitored) -> None:
    """A disk that is full when the one task is saved, and not when the other is."""
    monitored.double.faults.next_call(ServerError("<FILEFULL> *^SYS"), "%Save")
    done, text = control.configure_monitoring(monitored.session)
    assert not done
    assert text.startswith("make the profile perfwatch\nfailed: create the task PerfWatch perfw")
    assert "<FILEFULL>" in text
    monitored.double.faults.next_call(ServerError("<FILEFULL> *^SYS"), "%Save", after=1)
    done, text = control.configure_monitoring(monitored.session)
    assert not done
    assert text.startswith("create the task PerfWatch perfwatch\nfailed: make the profile perfw")


def test_the_status_is_plain_data(monitored: Monitored) -> None:
    """Of an instance that has never been touched, and of one that collects."""
    collects, document = control.get_monitoring_status(monitored.session)
    assert not collects
    assert document["state"] == "absent"
    assert document["active_runs"] == []
    assert document["profile"] is document["task"] is document["last_report"] is None
    json.dumps(document)
    monitored.configure(SHORT)
    monitored.instance.advance(11 * MINUTE)
    collects, document = control.get_monitoring_status(monitored.session, SHORT)
    assert collects
    assert document["profile"]["count"] == 60
    assert document["last_run"]["ended"] == "2026-11-21T08:11:00"
    assert document["last_report"]["size_bytes"] > 0
    (active,) = document["active_runs"]
    assert active["runid"] == "20261121_081500_perfwatch"
    assert active["remaining_seconds"] == 7.5 * MINUTE
    json.dumps(document)


def test_an_operator_turns_it_off_and_on(monitored: Monitored) -> None:
    """What runs is stopped, and its report is written."""
    monitored.configure()
    assert control.disable_monitoring(monitored.session, reason="a release") == 1
    monitored.instance.advance(10 * MINUTE)
    assert not monitored.active_runs
    assert len(monitored.reports) == 1
    assert state(monitored) == "off operator"
    assert control.disable_monitoring(monitored.session, reason="a release") == 0
    assert control.configure_monitoring(monitored.session)[0]
    assert state(monitored) == "off operator"
    assert control.enable_monitoring(monitored.session) == 1
    monitored.instance.advance(MINUTE)
    assert len(monitored.active_runs) == 1
    assert control.enable_monitoring(monitored.session) == 0


def test_an_operators_word_may_have_an_end(monitored: Monitored) -> None:
    """Until then the governor lets it be."""
    monitored.configure()
    assert control.enable_monitoring(monitored.session, until=LATER) == 1
    assert state(monitored) == "kept_on operator"
    assert not control.auto_disable_monitoring(monitored.session, "cpu 99%")
    assert control.disable_monitoring(monitored.session, until=LATER) == 1
    assert state(monitored) == "kept_off operator"
    assert not control.auto_enable_monitoring(monitored.session)


def test_the_governor_resumes_what_it_has_suspended(monitored: Monitored) -> None:
    """And says why it had."""
    monitored.configure()
    assert not control.auto_enable_monitoring(monitored.session)
    assert control.auto_disable_monitoring(monitored.session, "memory 97.2%")
    assert not control.auto_disable_monitoring(monitored.session, "memory 98.0%")
    document = control.get_monitoring_status(monitored.session)[1]
    assert (document["by"], document["reason"]) == ("governor", "memory 97.2%")
    assert control.auto_enable_monitoring(monitored.session)
    assert state(monitored) == "on"


def test_the_governor_leaves_what_an_administrator_has_suspended(monitored: Monitored) -> None:
    """In the portal, where nobody writes marks."""
    monitored.configure()
    tasks.suspend(monitored.session, "1000")
    assert state(monitored) == "off administrator"
    assert not control.auto_enable_monitoring(monitored.session)
    assert control.configure_monitoring(monitored.session)[0]
    assert state(monitored) == "off administrator"
    assert control.enable_monitoring(monitored.session) == 1


def test_a_task_is_created_once(monitored: Monitored) -> None:
    """And changed where it should do something else."""
    task_id = control.create_task(monitored.session, TaskSchedule())
    assert control.create_task(monitored.session, TaskSchedule()) == task_id
    assert control.create_task(monitored.session, TaskSchedule(every_minutes=10)) == task_id
    status = control.get_task_status(monitored.session, task_id)
    assert status["every_minutes"] == 10
    assert status["name"] == "PerfWatch perfwatch"
    assert control.list_monitoring_tasks(monitored.session) == [status]


def test_a_switch_that_is_refused_is_an_error(monitored: Monitored) -> None:
    """Nobody is to believe that it is off."""
    monitored.configure()
    monitored.double.faults.next_call(ServerError("<FILEFULL> *^SYS"), "%Save")
    with pytest.raises(IrisError, match="FILEFULL"):
        control.disable_monitoring(monitored.session)
    assert state(monitored) == "on"


def test_a_task_without_an_id_is_none(monitored: Monitored) -> None:
    """It could not be found again."""
    monitored.double.faults.next_call(ServerError("<METHOD DOES NOT EXIST> *%Id"), "%Id")
    with pytest.raises(IrisError) as raised:
        control.create_task(monitored.session, TaskSchedule())
    assert raised.value.kind is ErrorKind.ABSENT


def test_tasks_of_ours_are_suspended_resumed_and_deleted(monitored: Monitored) -> None:
    """As often as one likes."""
    schedule = control.create_task(monitored.session, TaskSchedule())
    command = tasks.create_command(monitored.session, SHORT, "quit")
    for task_id, who in ((schedule, "operator"), (command, "administrator")):
        for _ in range(2):
            assert control.suspend_task(monitored.session, task_id)
        status = control.get_task_status(monitored.session, task_id)
        assert (status["is_suspended"], status["by"]) == (True, who)
        for _ in range(2):
            assert control.resume_task(monitored.session, task_id)
        assert control.get_task_status(monitored.session, task_id)["state"] == "on"
        for _ in range(2):
            assert control.delete_task(monitored.session, task_id)
    assert control.list_monitoring_tasks(monitored.session) == []


@pytest.mark.parametrize(
    "act",
    [
        control.get_task_status,
        control.suspend_task,
        control.resume_task,
        control.delete_task,
    ],
)
def test_tasks_of_others_are_refused(monitored: Monitored, act: Any) -> None:
    """Nothing happens to them."""
    task_id = foreign_task(monitored)
    before = dict(monitored.instance.tasks.tasks[int(task_id)])
    with pytest.raises(IrisError, match="not one of PerfWatch's") as raised:
        act(monitored.session, task_id)
    assert raised.value.kind is ErrorKind.REJECTED
    assert monitored.instance.tasks.tasks[int(task_id)] == before
    assert control.list_monitoring_tasks(monitored.session) == []


@pytest.mark.parametrize("act", [control.get_task_status, control.suspend_task])
def test_a_task_that_is_not_there_is_said_to_be(monitored: Monitored, act: Any) -> None:
    """By its number."""
    with pytest.raises(IrisError, match="there is no task 4711") as raised:
        act(monitored.session, "4711")
    assert raised.value.kind is ErrorKind.ABSENT


@pytest.mark.parametrize(
    ("cpu", "memory", "expected"),
    [
        (20.0, 50.0, (False, True)),
        (91.0, 50.0, (True, False)),
        (20.0, 96.0, (True, False)),
        (88.0, 50.0, (False, False)),
        (20.0, 92.0, (False, False)),
    ],
)
def test_thresholds_are_held_against_the_sensors(
    monitored: Monitored, cpu: float, memory: float, expected: tuple[bool, bool]
) -> None:
    """In between it is neither under pressure nor recovered."""
    monitored.instance.cpu, monitored.instance.memory = cpu, memory
    *found, metrics = control.check_resource_thresholds(monitored.session, ResourceThresholds())
    assert tuple(found) == expected
    assert (metrics.cpu_percent, metrics.memory_percent, metrics.source) == (cpu, memory, "iris")
