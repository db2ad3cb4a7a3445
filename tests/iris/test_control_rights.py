"""What the library API does where rights, or parts of IRIS, are missing."""

from __future__ import annotations

import pytest

from exporter.iris import control
from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.system_performance import wrapper
from tests.iris.double.hooks import ServerError
from tests.iris.monitored import INSTALLERS_RIGHTS, MINUTE, Monitored

RIGHTS = {
    "SELECT %SYS.Task": "GRANT SELECT ON %SYS.Task",
    "%Admin_Task:U": "grant %Admin_Task:USE",
    "%Admin_Manage:U": "grant %Admin_Task:USE and %Admin_Manage:USE",
    "%Native_GlobalAccess:U": "grant %Native_GlobalAccess:USE",
}


@pytest.mark.parametrize("right", RIGHTS)
def test_each_missing_right_is_named_with_its_grant(monitored: Monitored, right: str) -> None:
    """What goes without it is done."""
    monitored.instance.revoke(right)
    done, text = control.configure_monitoring(monitored.session)
    assert not done
    assert RIGHTS[right] in text
    missing = control.get_monitoring_status(monitored.session)[1]["missing"]
    assert [one for one in missing if RIGHTS[right] in one["grant"]]


def test_without_any_way_to_begin_all_ways_are_named(monitored: Monitored) -> None:
    """Tasks, or the wrapper."""
    monitored.instance.revoke("%Admin_Task:U")
    text = control.configure_monitoring(monitored.session)[1]
    assert (
        "cannot start runs: grant %Admin_Task:USE and %Admin_Manage:USE to the role of the user; "
        "or have the wrapper installed: `perfwatch iris install`"
    ) in text
    with pytest.raises(IrisError, match="not permitted to create tasks") as raised:
        control.disable_monitoring(monitored.session)
    assert raised.value.kind is ErrorKind.PRIVILEGE


def test_a_schedule_that_is_there_goes_on_without_rights(monitored: Monitored) -> None:
    """So nobody says that runs cannot be started."""
    monitored.configure()
    monitored.instance.revoke("%Admin_Task:U")
    done, text = control.configure_monitoring(monitored.session)
    assert not done
    assert text.startswith("cannot create tasks: grant %Admin_Task:USE")
    assert "start runs" not in text


def test_where_iris_does_not_say_rights_they_are_tried(monitored: Monitored) -> None:
    """A version that has no such method."""
    monitored.double.faults.every_call(ServerError("<METHOD DOES NOT EXIST> *Check"), "Check")
    done, text = control.configure_monitoring(monitored.session)
    monitored.double.faults.clear()
    assert done, text


def test_what_goes_wrong_while_looking_is_told(monitored: Monitored) -> None:
    """It is no missing right."""
    for what in ("NowLocal", "IRIS.SystemPerformance"):
        monitored.double.faults.next_call(ServerError("<FILEFULL> *^SYS"), what)
        with pytest.raises(IrisError, match="FILEFULL"):
            control.get_monitoring_status(monitored.session)


def test_a_profile_of_another_form_is_left_alone(monitored: Monitored) -> None:
    """It may be one of a version to come; with force it is written anew."""
    monitored.configure()
    for value in (("text", "often", 1), ("text",)):
        monitored.instance.globals.set(
            "IRIS.SystemPerformance", "profile", "perfwatch", value=value
        )
        assert control.configure_monitoring(monitored.session)[0]
        assert control.get_monitoring_status(monitored.session)[1]["profile"] is None


def test_without_class_methods_nothing_goes(monitored: Monitored) -> None:
    """The grant is named all the same."""
    monitored.instance.revoke("%Native_ClassExecution:U")
    with pytest.raises(IrisError, match="grant %Native_ClassExecution:USE") as raised:
        control.configure_monitoring(monitored.session)
    assert raised.value.kind is ErrorKind.PRIVILEGE


def test_with_the_wrapper_more_is_known_and_done_at_once(monitored: Monitored) -> None:
    """The version, and how long a run still needs; no second task is made."""
    monitored.instance.grant(*INSTALLERS_RIGHTS)
    wrapper.install(monitored.session)
    assert control.configure_monitoring(monitored.session)[0]
    monitored.instance.advance(2 * MINUTE)
    document = control.get_monitoring_status(monitored.session)[1]
    assert document["version"] == "15"
    assert document["wrapper"] == wrapper.VERSION
    (run,) = document["active_runs"]
    assert run["remaining_seconds"] == 3600 - 1.5 * MINUTE
    assert control.disable_monitoring(monitored.session) == 1
    assert not monitored.active_runs
    assert monitored.task_names == ["PerfWatch perfwatch"]


def test_half_a_wrapper_does_not_hide_the_rest(monitored: Monitored) -> None:
    """What it cannot say is unknown, or reckoned."""
    monitored.instance.grant(*INSTALLERS_RIGHTS)
    wrapper.install(monitored.session)
    control.configure_monitoring(monitored.session)
    monitored.instance.advance(2 * MINUTE)
    for name in ("Version", "Wait"):
        monitored.session.execute(f"DROP FUNCTION ZPerfWatch.{name}")
    document = control.get_monitoring_status(monitored.session)[1]
    assert document["version"] is None
    (run,) = document["active_runs"]
    assert run["remaining_seconds"] == 3600 - 1.5 * MINUTE


def test_a_wrapper_of_others_is_not_used(monitored: Monitored) -> None:
    """Whatever it may do."""
    monitored.instance.grant(*INSTALLERS_RIGHTS)
    monitored.session.execute(
        "CREATE FUNCTION ZPerfWatch.WrapperVersion() RETURNS VARCHAR(9) "
        'LANGUAGE OBJECTSCRIPT { quit "mine" }'
    )
    assert control.get_monitoring_status(monitored.session)[1]["wrapper"] is None
