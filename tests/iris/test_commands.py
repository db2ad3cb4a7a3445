"""The calls of ^SystemPerformance: by the wrapper at once, by a task within a minute."""

from __future__ import annotations

import pytest

from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.system_performance import wrapper
from exporter.iris.system_performance.commands import Commands, TaskCommands, WrapperCommands
from exporter.iris.system_performance.objectscript import literal
from exporter.iris.system_performance.policy import DEFAULT_POLICY, MonitoringPolicy
from exporter.iris.system_performance.profiles import read_profile
from tests.iris.monitored import INSTALLERS_RIGHTS, MINUTE, Monitored

OTHER = MonitoringPolicy(interval_seconds=10, os_data=False)


@pytest.fixture(params=["wrapper", "task"])
def commands(request: pytest.FixtureRequest, monitored: Monitored) -> Commands:
    """Both ways."""
    if request.param == "task":
        return TaskCommands(monitored.session, DEFAULT_POLICY)
    return installed(monitored)


def installed(monitored: Monitored) -> WrapperCommands:
    """Have the wrapper."""
    monitored.instance.grant(*INSTALLERS_RIGHTS)
    wrapper.install(monitored.session)
    return WrapperCommands(monitored.session)


def finish(commands: Commands, monitored: Monitored) -> None:
    """Have it done."""
    commands.finish()
    monitored.instance.advance(MINUTE)


def test_a_profile_is_made_and_changed(commands: Commands, monitored: Monitored) -> None:
    """And read back from the global."""
    assert read_profile(monitored.session, "perfwatch") is None
    commands.add_profile(DEFAULT_POLICY)
    finish(commands, monitored)
    profile = read_profile(monitored.session, "perfwatch")
    assert profile is not None
    assert profile.does(DEFAULT_POLICY)
    commands.edit_profile(OTHER)
    finish(commands, monitored)
    profile = read_profile(monitored.session, "perfwatch")
    assert profile is not None
    assert (profile.interval_seconds, profile.count) == (10, 360)
    assert profile.description == "PerfWatch: every 10 s for 3600 s"


@pytest.mark.parametrize("policy", [DEFAULT_POLICY, OTHER], ids=["os_data", "no_os_data"])
def test_a_run_is_started_unless_there_is_one(
    commands: Commands, monitored: Monitored, policy: MonitoringPolicy
) -> None:
    """With data of the operating system, or without."""
    commands.add_profile(policy)
    commands.start_run(policy)
    finish(commands, monitored)
    (run,) = monitored.instance.performance.running
    assert run.has_system_data == policy.os_data
    commands.start_run(policy)
    finish(commands, monitored)
    assert monitored.instance.performance.running == [run]


@pytest.mark.parametrize("keep_logs", [True, False])
def test_a_run_is_stopped(commands: Commands, monitored: Monitored, *, keep_logs: bool) -> None:
    """With its logs kept, there is a report."""
    commands.add_profile(DEFAULT_POLICY)
    commands.start_run(DEFAULT_POLICY)
    finish(commands, monitored)
    (runid,) = monitored.active_runs
    for _ in range(2):  # the second time it is no run any more
        commands.stop_run(runid, keep_logs=keep_logs)
        finish(commands, monitored)
    assert not monitored.active_runs
    assert monitored.reports == ([f"irishost_IRIS_{runid}.html"] if keep_logs else [])


@pytest.mark.parametrize(
    "runid", ["", "x", '20261121_080000_x",0) kill', "20261121_080000_two words"]
)
def test_nothing_but_a_runid_gets_into_a_statement(
    commands: Commands, monitored: Monitored, runid: str
) -> None:
    """Nothing is asked of the instance."""
    monitored.double.requests.clear()
    with pytest.raises(IrisError, match="is not a runid"):
        commands.stop_run(runid, keep_logs=True)
    commands.finish()
    assert not monitored.double.requests


def test_other_texts_are_no_literals() -> None:
    """A quote would end one."""
    assert literal("PerfWatch: every 30 s") == '"PerfWatch: every 30 s"'
    with pytest.raises(ValueError, match="not a text for ObjectScript"):
        literal('a"b')


def test_a_refusal_of_the_wrapper_has_its_reason(monitored: Monitored) -> None:
    """In the words of ^SystemPerformance, and with what helps."""
    commands = installed(monitored)
    commands.add_profile(DEFAULT_POLICY)
    with pytest.raises(IrisError, match="profile name exists already") as raised:
        commands.add_profile(DEFAULT_POLICY)
    assert raised.value.kind is ErrorKind.REJECTED
    with pytest.raises(IrisError, match="does not start a run of absent"):
        commands.start_run(MonitoringPolicy(name="absent"))


def test_a_stop_that_is_not_permitted_is_an_error(monitored: Monitored) -> None:
    """Only that the run is over is none."""
    commands = installed(monitored)
    commands.add_profile(DEFAULT_POLICY)
    commands.start_run(DEFAULT_POLICY)
    (runid,) = monitored.active_runs
    monitored.instance.revoke("%DB_IRISSYS:W")
    with pytest.raises(IrisError) as raised:
        commands.stop_run(runid, keep_logs=True)
    assert raised.value.kind is ErrorKind.PRIVILEGE


def test_the_wrapper_answers_questions(monitored: Monitored) -> None:
    """Which version it is, and how long a run still needs."""
    commands = installed(monitored)
    assert commands.version() == "15"
    commands.add_profile(DEFAULT_POLICY)
    commands.start_run(DEFAULT_POLICY)
    (runid,) = monitored.active_runs
    assert commands.wait(runid) == "1 hours"


def test_one_task_carries_out_many_commands(monitored: Monitored) -> None:
    """It is made once, and used again by whoever comes next."""
    for _ in range(2):
        commands = TaskCommands(monitored.session, DEFAULT_POLICY)
        commands.start_run(DEFAULT_POLICY)
        finish(commands, monitored)
    assert monitored.task_names == ["PerfWatch perfwatch command"]


def test_without_a_command_nothing_is_asked(monitored: Monitored) -> None:
    """Neither is a task made."""
    TaskCommands(monitored.session, DEFAULT_POLICY).finish()
    assert not monitored.double.requests
