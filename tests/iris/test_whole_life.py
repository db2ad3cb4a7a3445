"""The life of an instance that is watched, from its first day: with the real driver throughout."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exporter.iris import control
from exporter.iris.access.session import Session
from exporter.iris.system_performance import reports, tasks, wrapper
from exporter.iris.system_performance.commands import WrapperCommands
from exporter.iris.system_performance.observation import identify
from exporter.iris.system_performance.plan import Desired
from exporter.iris.system_performance.policy import MonitoringPolicy, TaskSchedule
from exporter.iris.system_performance.reconcile import Outcome, reconcile
from exporter.iris.system_performance.runs import parse_runid
from exporter.iris.system_performance.steps import RemoveReport, ResumeTask, StartRun
from tests.iris.double.instance import Instance
from tests.iris.double.server import Double
from tests.iris.monitored import HOUR, INSTALLERS_RIGHTS, MINUTE, SHORT, Monitored

SCHEDULE = TaskSchedule(policy=SHORT)

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def desire(monitored: Monitored, **wanted: object) -> Outcome:
    """Do what the daemon does every minute."""
    return reconcile(monitored.session, Desired(schedule=SCHEDULE, **wanted))  # type: ignore[arg-type]


def most_runs_at_once(monitored: Monitored, minutes: int) -> int:
    """Let time pass minute by minute; how many runs of ours there were at most."""
    most = 0
    for _ in range(minutes):
        monitored.instance.advance(MINUTE)
        runs = [run for run in monitored.instance.performance.running if run.profile == SHORT.name]
        most = max(most, len(runs))
    return most


@pytest.mark.parametrize("has_wrapper", [False, True], ids=["tasks", "wrapper"])
def test_configure_run_suspend_resume_purge_delete(
    monitored: Monitored, tmp_path: Path, *, has_wrapper: bool
) -> None:
    """From nothing to nothing, and somebody else's runs and reports are as they were."""
    instance, session = monitored.instance, monitored.session
    instance.performance.addprofile("nightly", "", 60, 60)
    theirs = str(instance.performance.run("nightly"))
    if has_wrapper:
        instance.grant(*INSTALLERS_RIGHTS)
        wrapper.install(session)

    monitored.configure(SHORT)
    assert most_runs_at_once(monitored, 60) == 1
    assert control.get_monitoring_status(session, SHORT)[1]["other_active_runs"] == 0

    assert control.auto_disable_monitoring(session, "cpu 97.0%", policy=SHORT)
    instance.advance(MINUTE)
    assert not monitored.active_runs
    assert most_runs_at_once(monitored, 60) == 0
    assert control.auto_enable_monitoring(session, policy=SHORT)
    assert most_runs_at_once(monitored, 120) == 1

    listed = reports.list_reports(session, reports.find_host(session), SHORT.name)
    assert 0 < len(listed) <= SHORT.retention_seconds // SHORT.duration_seconds + 1
    reports.fetch(session, listed[-1], tmp_path / "report.html")
    assert b"perfwatch" in (tmp_path / "report.html").read_bytes()
    assert f"irishost_IRIS_{theirs}.html" in monitored.reports

    control.disable_monitoring(session, policy=SHORT)
    instance.advance(2 * HOUR)
    outcome = desire(monitored)
    assert {type(step) for step in outcome.done} == {RemoveReport}
    assert not desire(monitored).done
    for task in control.list_monitoring_tasks(session):
        control.delete_task(session, task["id"])
    instance.advance(HOUR)
    assert not monitored.active_runs
    assert not monitored.task_names
    assert monitored.reports == [f"irishost_IRIS_{theirs}.html"]
    assert not [path for path in instance.files.paths if SHORT.name in path]


def test_the_first_run_begins_within_a_minute(monitored: Monitored) -> None:
    """The schedule waits for no other task to make its profile, nor does one that was deleted."""
    assert control.configure_monitoring(monitored.session, SHORT)[0]
    monitored.instance.advance(MINUTE)
    assert len(monitored.active_runs) == 1
    monitored.instance.performance.delprofile(SHORT.name)
    monitored.instance.advance(15 * MINUTE)
    assert len(monitored.active_runs) == 1


@pytest.mark.parametrize("has_wrapper", [False, True], ids=["tasks", "wrapper"])
def test_of_two_that_start_a_run_at_once_one_does(
    monitored: Monitored, *, has_wrapper: bool
) -> None:
    """The other one finds it locked, and that is no error."""
    instance = monitored.instance
    instance.globals.locked_elsewhere.add(("ZPerfWatch", SHORT.name))
    if has_wrapper:
        instance.grant(*INSTALLERS_RIGHTS)
        wrapper.install(monitored.session)
        WrapperCommands(monitored.session).start_run(SHORT)
    assert control.configure_monitoring(monitored.session, SHORT)[0]
    instance.advance(6 * MINUTE)
    assert not monitored.active_runs
    assert not monitored.observe(SHORT).task.error  # type: ignore[union-attr]
    instance.globals.locked_elsewhere.clear()
    instance.advance(5 * MINUTE)
    assert len(monitored.active_runs) == 1


def test_a_daemon_that_starts_anew_goes_on(instance: Instance, double: Double) -> None:
    """It finds what the one before has made, and who has decided what; IRIS runs on meanwhile."""
    with Session(double.connection()) as session:
        assert control.configure_monitoring(session, SHORT)[0]
        instance.advance(6 * MINUTE)
        assert control.auto_disable_monitoring(session, "memory 98.0%", policy=SHORT)
    instance.advance(20 * MINUTE)
    with Session(double.connection()) as session:
        assert control.configure_monitoring(session, SHORT) == (
            True,
            "everything is as it should be",
        )
        assert control.auto_enable_monitoring(session, policy=SHORT)
    instance.advance(11 * MINUTE)
    runs_without_daemon = {run.runid for run in instance.performance.running}
    with Session(double.connection()) as session:
        found = control.get_monitoring_status(session, SHORT)[1]["active_runs"]
    assert {run["runid"] for run in found} == runs_without_daemon
    assert len(instance.tasks.tasks) == 2


def test_what_a_restart_of_iris_interrupts_is_collected(instance: Instance, double: Double) -> None:
    """Its run is known as ours; the next one begins when it would have ended."""
    with Session(double.connection()) as session:
        assert control.configure_monitoring(session, SHORT)[0]
        instance.advance(7 * MINUTE)
        (interrupted,) = instance.performance.runs
        instance.restart(double.drop_connections)
    instance.advance(20 * MINUTE)
    (active,) = instance.performance.runs
    assert active != interrupted
    with Session(double.connection()) as session:
        host = reports.find_host(session)
        listed = reports.list_reports(session, host, SHORT.name)
    assert interrupted in {report.run.runid for report in listed}


def test_what_an_administrator_suspends_stays_suspended(monitored: Monitored) -> None:
    """Whatever the governor and the reconciler do."""
    monitored.configure(SHORT)
    task_id = monitored.observe(SHORT).task_ids
    assert task_id is not None
    tasks.suspend(monitored.session, task_id[0])
    for _ in range(3):
        assert {type(step) for step in desire(monitored).done} <= {RemoveReport}
        assert not control.auto_enable_monitoring(monitored.session, policy=SHORT)
        monitored.instance.advance(30 * MINUTE)
    assert not monitored.active_runs


def test_an_operators_word_ends_by_itself(monitored: Monitored) -> None:
    """When its end has come, the reconciler resumes the schedule."""
    monitored.configure(SHORT)
    control.disable_monitoring(monitored.session, until=LONG_AGO, policy=SHORT)
    outcome = desire(monitored)
    assert [type(step) for step in outcome.done] == [ResumeTask]
    assert outcome.is_complete


def test_without_tasks_the_timer_starts_runs(monitored: Monitored) -> None:
    """With the wrapper, one after the other, and never two at once."""
    instance = monitored.instance
    instance.grant(*INSTALLERS_RIGHTS)
    wrapper.install(monitored.session)
    instance.revoke("%Admin_Task:U", "SELECT %SYS.Task")
    identity = identify(monitored.session)
    started, most = 0, 0
    for _ in range(60):
        desired = Desired(schedule=SCHEDULE, timer=True)
        outcome = reconcile(monitored.session, desired, identity)
        started += sum(isinstance(step, StartRun) for step in outcome.done)
        most = max(most, len(monitored.active_runs))
        instance.advance(MINUTE)
    assert (started, most) == (6, 1)
    assert {missing.what for missing in outcome.missing} == {"create tasks", "find our task"}
    assert not instance.tasks.tasks
    assert control.auto_disable_monitoring(monitored.session, "cpu 99%", policy=SHORT)
    assert not monitored.active_runs
    assert not control.auto_disable_monitoring(monitored.session, "cpu 99%", policy=SHORT)


def test_without_tasks_old_reports_are_removed_from_here(monitored: Monitored) -> None:
    """The timer's runs leave as little as the schedule's."""
    instance = monitored.instance
    instance.grant(*INSTALLERS_RIGHTS)
    wrapper.install(monitored.session)
    instance.revoke("%Admin_Task:U")
    for _ in range(3 * 12):
        desire(monitored, timer=True)
        instance.advance(5 * MINUTE)
    ages = [
        instance.clock.now - run.started
        for name in monitored.reports
        if (run := parse_runid(name.removeprefix("irishost_IRIS_").removesuffix(".html")))
    ]
    kept = timedelta(seconds=SHORT.retention_seconds + SHORT.duration_seconds + 2 * 5 * MINUTE)
    assert ages
    assert max(ages) <= kept


def test_two_policies_live_side_by_side(monitored: Monitored) -> None:
    """Each has its profile, its tasks and its runs, and knows nothing of the other's."""
    second = MonitoringPolicy(name="second", interval_seconds=10, duration_seconds=600)
    monitored.configure(SHORT)
    monitored.configure(second)
    monitored.instance.advance(4 * MINUTE)
    assert len(monitored.active_runs) == 2
    control.disable_monitoring(monitored.session, policy=second)
    monitored.instance.advance(30 * MINUTE)
    assert [run.profile for run in monitored.instance.performance.running] == [SHORT.name]


def test_configuring_takes_few_calls(monitored: Monitored) -> None:
    """From nothing at all, everything that is asked for."""
    monitored.double.requests.clear()
    assert control.configure_monitoring(monitored.session)[0]
    assert len(monitored.double.requests) < 100
