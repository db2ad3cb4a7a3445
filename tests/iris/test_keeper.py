"""What is kept in IRIS as it is wanted, and the governor: from pressure to recovery."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from exporter.iris.access.errors import IrisError
from exporter.iris.governor.governor import NOT_YET_FIT
from exporter.iris.settings import GovernorSettings
from exporter.iris.system_performance import wrapper
from exporter.iris.system_performance.marks import off_by_operator
from monitoring.structured_logging import configure
from tests.iris.double.faults import Close
from tests.iris.double.hooks import ServerError
from tests.iris.double.server import Double
from tests.iris.kept import CONSENT, HERE, MONITORING_OFF, FakeMachine, Kept

MakeKept = Callable[..., Kept]


@pytest.fixture(autouse=True)
def _log_of_everything(stream: io.StringIO) -> None:
    configure(stream=stream)


@pytest.fixture
def keep(double: Double, tmp_path: Path) -> Iterator[MakeKept]:
    """Make a keeper; what it has opened is closed."""
    made: list[Kept] = []

    def make(**changes: Any) -> Kept:
        made.append(Kept(double, FakeMachine(tmp_path), **changes))
        return made[-1]

    yield make
    for one in made:
        one.session.close()


def test_collecting_is_configured_at_once(keep: MakeKept) -> None:
    """With the first connection; from then on nothing is changed."""
    kept = keep()
    with capture_logs() as records:
        kept.minutes(7)
    assert kept.task["Suspended"] == 0
    assert kept.task["Description"] == "PerfWatch: on"
    assert [one["event"] for one in records] == ["instance is as wanted"]
    assert kept.samples()["iris_systemperformance_collecting",] == 1
    assert kept.samples()["iris_systemperformance_active_runs", "perfwatch"] == 1


def test_pressure_suspends_and_recovery_resumes(keep: MakeKept) -> None:
    """Within a decision, with its numbers in IRIS; and after two decisions that see it gone."""
    kept = keep()
    kept.minutes(7)
    assert kept.samples()["iris_systemperformance_active_runs", "perfwatch"] == 1
    kept.minutes(2, cpu=96)
    assert kept.task["Suspended"] == 1
    assert kept.task["Description"].startswith("PerfWatch: off by governor since 2027-01-15T")
    assert kept.task["Description"].endswith("Z: cpu 96.0%")
    kept.minutes(2, cpu=96)  # until the run has been stopped by the task for commands
    assert kept.samples()["iris_systemperformance_active_runs", "perfwatch"] == 0
    assert kept.samples()["perfwatch_governor_state", "suspended"] == 1
    kept.minutes(2, cpu=30)
    assert kept.task["Suspended"] == 1
    kept.minutes(2, cpu=30)
    assert kept.task["Suspended"] == 0
    assert kept.samples()["perfwatch_governor_reason", "recovered"] == 1


def test_this_host_presses_only_where_the_instance_runs_on_it(keep: MakeKept) -> None:
    """Pressure on another host is no reason to spare this one."""
    kept = keep(governor=HERE)
    kept.minutes(2)
    assert not kept.presses()
    kept.minutes(2, memory=97)
    assert kept.presses()
    assert kept.task["Description"].endswith(": memory 97.0%")
    kept.minutes(4)
    assert not kept.presses()
    kept.restart()
    kept.minutes(3, memory=97)
    assert kept.task["Suspended"] == 1
    assert not kept.presses()


def test_a_restarted_daemon_goes_on_where_it_was(keep: MakeKept) -> None:
    """The truth is in IRIS: what the governor had suspended it resumes."""
    kept = keep()
    kept.minutes(3, cpu=96)
    assert kept.task["Suspended"] == 1
    kept.restart()
    kept.minutes(1)
    assert kept.samples()["perfwatch_governor_state", "suspended"] == 1
    kept.minutes(3)
    assert kept.task["Suspended"] == 0


def test_what_an_administrator_has_suspended_stays_so(keep: MakeKept) -> None:
    """Without a mark of ours it is not ours to resume."""
    kept = keep()
    kept.minutes(1)
    kept.task["Suspended"] = 1
    kept.minutes(5)
    assert kept.task["Suspended"] == 1
    assert kept.keeper.word == "kept_off"


@pytest.mark.parametrize(
    "changes",
    [{"acts": False}, {"monitoring": MONITORING_OFF}],
    ids=["perfwatch once", "monitoring.enabled: false"],
)
def test_who_must_not_act_only_looks(keep: MakeKept, changes: dict[str, Any]) -> None:
    """Nothing is made in IRIS, whatever the load; what is there is shown."""
    kept = keep(**changes)
    kept.minutes(3, cpu=96)
    assert not kept.instance.tasks.tasks
    assert kept.samples()["iris_systemperformance_active_runs", "perfwatch"] == 0


def test_an_observer_says_what_it_would_do(keep: MakeKept) -> None:
    """And leaves the collecting as it is."""
    kept = keep(governor=GovernorSettings(local="false", mode="observe"))
    kept.minutes(3, cpu=96)
    assert kept.samples()["perfwatch_governor_state", "suspended"] == 1
    assert kept.task["Suspended"] == 0


def test_what_somebody_kept_off_stays_off_under_pressure(keep: MakeKept) -> None:
    """When the word has expired the host is judged first, and the mark says whose it is now."""
    kept = keep()
    kept.minutes(1)
    until = datetime.fromtimestamp(kept.date + 150, UTC)
    kept.task["Suspended"] = 1
    kept.task["Description"] = str(off_by_operator(until, until))
    kept.minutes(5, cpu=96)
    assert kept.task["Suspended"] == 1
    assert kept.task["Description"].endswith(f"Z: {NOT_YET_FIT}")
    assert kept.task["Description"].startswith("PerfWatch: off by governor since ")
    kept.restart()
    kept.minutes(2, cpu=96)
    assert kept.samples()["perfwatch_governor_reason", "operator"] == 1
    kept.minutes(4)
    assert kept.task["Suspended"] == 0


@pytest.mark.parametrize("mode", ["observe", "off"])
def test_a_governor_that_may_act_no_more_leaves_nothing_suspended(
    keep: MakeKept, mode: str
) -> None:
    """What it suspended while it could is resumed, as nobody else would."""
    kept = keep()
    kept.minutes(3, cpu=96)
    assert kept.task["Suspended"] == 1
    kept.restart(governor=GovernorSettings(local="false", mode=mode))
    kept.minutes(2, cpu=96)
    assert kept.task["Suspended"] == 0
    assert kept.task["Description"] == "PerfWatch: on"


@pytest.mark.parametrize("mode", ["act", "observe", "off"])
def test_what_an_operator_has_suspended_stays_so_in_every_mode(keep: MakeKept, mode: str) -> None:
    """It is for them to end."""
    kept = keep(governor=GovernorSettings(local="false", mode=mode))
    kept.minutes(1)
    kept.task["Suspended"] = 1
    kept.task["Description"] = str(off_by_operator(datetime.fromtimestamp(kept.date, UTC)))
    kept.minutes(3)
    assert kept.task["Suspended"] == 1
    assert "off by operator" in kept.task["Description"]


def test_what_has_no_effect_is_said_once(keep: MakeKept) -> None:
    """Though it is done again at each look."""
    kept = keep()
    kept.minutes(2)
    kept.restart()
    with capture_logs() as records:
        for _ in range(3):
            kept.task["DailyIncrement"] = 7
            kept.minutes(1)
    assert [one["event"] for one in records] == ["instance is as wanted"]


def test_without_a_governor_nothing_is_measured_for_it(keep: MakeKept) -> None:
    """It asks for nothing, and needs no turns of its own."""
    kept = keep(governor=GovernorSettings(local="true", mode="off"))
    kept.minutes(2, cpu=96)
    assert not kept.keeper.needs_metrics
    assert kept.keeper.period == float("inf")
    assert kept.keeper.word == "off"
    assert kept.task["Suspended"] == 0


def test_a_governor_without_readings_is_blind(keep: MakeKept) -> None:
    """An instance that says nothing of its host is one that cannot be judged."""
    kept = keep()
    kept.turn()
    for _ in range(14):
        kept.monotonic += 10
        kept.keeper.take(None)
        kept.keeper.look()
    assert kept.keeper.word == "blind"


def test_a_missing_right_is_named_once(keep: MakeKept) -> None:
    """In the log with the grant that helps, and again when all is well."""
    kept = keep()
    kept.instance.revoke("%Admin_Task:U")
    with capture_logs() as records:
        kept.minutes(3)
    [said] = [one for one in records if one["event"] == "instance cannot be controlled"]
    assert "%Admin_Task" in str(said["data"]["reasons"])
    kept.instance.grant("%Admin_Task:U")
    with capture_logs() as records:
        kept.minutes(12)
    assert "instance can be controlled" in [one["event"] for one in records]
    assert kept.task["Suspended"] == 0


def test_a_lost_connection_delays_what_was_decided(keep: MakeKept) -> None:
    """The error goes to whoever connects; then the decision is carried out."""
    kept = keep()
    kept.minutes(1)
    kept.double.faults.next_call(Close(), "%Save")
    with pytest.raises(IrisError):
        kept.minutes(3, cpu=96)
    assert kept.task["Suspended"] == 0
    kept.turn()
    assert kept.task["Suspended"] == 1


def test_what_was_refused_is_tried_again(keep: MakeKept) -> None:
    """What the governor has decided stays decided until IRIS has it."""
    kept = keep()
    kept.minutes(1)
    kept.double.faults.next_call(ServerError("<PROTECT> *Suspend"), "Suspend")
    kept.minutes(1, cpu=96)
    kept.turn()
    assert kept.task["Suspended"] == 0
    kept.minutes(2, cpu=88)  # no pressure any more, but not recovered either
    assert kept.task["Suspended"] == 1
    assert kept.samples()["iris_systemperformance_errors_total", "privilege"] == 1


def test_code_is_installed_with_consent_only(keep: MakeKept) -> None:
    """The functions are there after the first look, and then runs need no task to be stopped."""
    kept = keep()
    kept.instance.grant("%Development:U", "%CREATE_FUNCTION", "%DROP_FUNCTION")
    kept.minutes(1)
    assert wrapper.installed_version(kept.session) is None
    kept.restart(monitoring=CONSENT)
    with capture_logs() as records:
        kept.minutes(2)
    assert [one["event"] for one in records] == ["wrapper is installed"]
    assert wrapper.installed_version(kept.session) == wrapper.VERSION


def test_consent_without_the_right_is_said(keep: MakeKept) -> None:
    """And does not keep the rest from being done."""
    kept = keep(monitoring=CONSENT)
    with capture_logs() as records:
        kept.minutes(1)
    [said] = [one for one in records if one["event"] == "instance cannot be controlled"]
    assert "%Development" in str(said["data"]["reasons"])
    assert kept.task["Suspended"] == 0


def test_an_instance_that_cannot_be_looked_at_is_said(keep: MakeKept) -> None:
    """Without the right to call classes not even its time is known; what was shown is gone."""
    kept = keep()
    kept.minutes(1)
    kept.instance.revoke("%Native_ClassExecution:U")
    with capture_logs() as records:
        kept.monotonic += 60
        kept.keeper.keep(kept.session)
    assert [one["event"] for one in records] == ["instance cannot be controlled"]
    assert ("iris_systemperformance_collecting",) not in kept.samples()
