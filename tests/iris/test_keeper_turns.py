"""What a keeper does in which turn, where there are no tasks, and what it does only once."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.iris.settings import GovernorSettings
from exporter.iris.system_performance import wrapper
from exporter.iris.system_performance.policy import PerformanceMetrics
from monitoring.structured_logging import configure
from tests.iris.double.server import Double
from tests.iris.kept import CONSENT, HERE, FakeMachine, Kept
from tests.iris.monitored import INSTALLERS_RIGHTS

OFF = GovernorSettings(local="false", mode="off")


@pytest.fixture
def kept(double: Double, tmp_path: Path, stream: io.StringIO) -> Iterator[Kept]:
    """A keeper, not yet connected."""
    configure(stream=stream)
    kept = Kept(double, FakeMachine(tmp_path))
    yield kept
    kept.session.close()


def installations(kept: Kept) -> int:
    """How often it was tried to install the first of the functions."""
    wanted = wrapper.create_statement(wrapper.FUNCTIONS[0])
    return sum(one.kind == "update" and one.a == wanted for one in kept.double.requests)


def without_tasks(kept: Kept) -> None:
    """Have the wrapper, and no right to create tasks."""
    kept.instance.grant(*INSTALLERS_RIGHTS)
    kept.turn()
    wrapper.install(kept.session)
    kept.instance.revoke("%Admin_Task:U")
    for task in list(kept.instance.tasks.tasks):
        del kept.instance.tasks.tasks[task]
    kept.keeper.connected()


def test_what_is_decided_is_carried_out_in_the_same_turn(kept: Kept) -> None:
    """Though there was a look at the instance half a minute before."""
    kept.instance.cpu = 96.0
    for _ in range(3):
        kept.turn()
    kept.keeper.connected()
    for _ in range(3):
        kept.turn()
    assert kept.task["Suspended"] == 0
    kept.turn()
    assert kept.task["Suspended"] == 1


@pytest.mark.parametrize("before", [1, 3, 5])
def test_within_two_decisions_no_run_is_started(kept: Kept, before: int) -> None:
    """From any moment of a window on; a minute later the task for commands has stopped the last."""
    kept.minutes(3)
    for _ in range(before):
        kept.turn()
    assert kept.instance.performance.running
    kept.instance.cpu = 96.0
    for _ in range(12):
        kept.turn()
    assert kept.task["Suspended"] == 1
    for _ in range(6):
        kept.turn()
    assert not kept.instance.performance.running


def test_the_host_is_asked_every_ten_seconds(kept: Kept) -> None:
    """However often there is a turn."""
    kept.turn()
    needed = [kept.keeper.needs_metrics]
    kept.keeper.take(None)
    for passed in (0, 9, 1):
        kept.monotonic += passed
        needed.append(kept.keeper.needs_metrics)
    assert needed == [True, False, False, True]


def test_this_machine_is_read_every_ten_seconds(kept: Kept) -> None:
    """And what the instance says of its host does not count then."""
    kept.restart(governor=HERE)
    for _ in range(7):
        for memory in (80, 20):
            kept.machine.pass_time(50, memory)
            kept.keeper.look()
        kept.keeper.take(PerformanceMetrics(cpu_percent=99, memory_percent=99, source="iris"))
        kept.monotonic += 10
    assert kept.samples()["perfwatch_governor_reading_ratio", "memory"] == pytest.approx(0.8)


def test_a_new_connection_is_asked_what_is_installed(kept: Kept) -> None:
    """Somebody may have installed the wrapper meanwhile."""
    without_tasks(kept)
    kept.turn()
    page = kept.samples()
    assert page["iris_systemperformance_info", "15", wrapper.VERSION] == 1


def test_where_there_are_no_tasks_the_timer_starts_runs(kept: Kept) -> None:
    """And nothing does under pressure, however often it is looked."""
    without_tasks(kept)
    kept.minutes(2)
    assert len(kept.instance.performance.running) == 1
    kept.minutes(2, cpu=96)
    assert not kept.instance.performance.running
    kept.minutes(8, cpu=96)
    assert not kept.instance.performance.running
    kept.minutes(8)
    assert len(kept.instance.performance.running) == 1


def test_a_task_that_is_deleted_comes_back_as_it_was(kept: Kept) -> None:
    """Under pressure it is made anew suspended, and nothing runs."""
    kept.minutes(3, cpu=96)
    kept.instance.tasks.tasks.clear()
    kept.minutes(3, cpu=96)
    assert kept.task["Suspended"] == 1
    assert kept.task["Description"].endswith(": cpu 96.0%")
    assert kept.task["LastStarted"] == "0"
    kept.minutes(4)
    assert kept.task["Suspended"] == 0


def test_an_installation_that_is_refused_is_not_repeated(kept: Kept) -> None:
    """It needs a person, and the next start."""
    kept.restart(monitoring=CONSENT, governor=OFF)
    kept.minutes(3)
    assert installations(kept) == 1


def test_who_only_looks_installs_nothing(kept: Kept) -> None:
    """Consent or not."""
    kept.instance.grant(*INSTALLERS_RIGHTS)
    kept.restart(acts=False, monitoring=CONSENT, governor=OFF)
    kept.minutes(1)
    assert not installations(kept)
